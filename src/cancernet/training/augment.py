"""Fresh variants of patches for each epoch: turns and mirrors, other stain, other focus and scale, other files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cancernet.errors import InvalidInput
from cancernet.geometry import VIEWS, dihedral
from cancernet.patches import JPEG_DRAWS, as_any_jpeg
from cancernet.stain import HE_VECTORS, optical_density, unmixing
from cancernet.training.resample import resample, sampling_matrices

__all__ = ["Augmentation", "augment"]

_SLAB_VALUES = 2**18  # values in work at a time: 1 MB as float32; smaller slabs cost calls, larger ones the cache
_DRAWS = 15 + JPEG_DRAWS  # uniform numbers per image; each option has its own, so that one can be off alone


class Augmentation(BaseModel):
    """How far patches are changed while a network is trained.

    The order is that of the light: tissue is turned, then stained, then seen through the lens (scale, shift, blur),
    then recorded (contrast, brightness) and filed (JPEG).

    Parameters
    ----------
    dihedral
        Whether each of the 4 turns and their mirror images is as likely: tissue has no up and no left.
    stain_scale
        The amount of each stain is multiplied by 1 - s to 1 + s. Patients of one data set (`idc`, `crchisto`) differ by
        23 to 30 % in their median amounts (one standard deviation), so 0.1 stays within what is seen.
    stain_shift
        To the amount of each stain is added -b to b, in units of natural optical density; 0.05 is a ninth of the
        median amount of haematoxylin there, and a sixth of that of eosin.
    zoom
        Largest change of scale as a share: structures look up to 1 + zoom times larger or smaller. Tiles that are sold
        as one magnification differ about so much (`gleason`: 0.90 to 1.01 microns per pixel).
    shift
        Largest shift along each axis, pixels. Half a pixel gives every position between two pixels; patches are cut at
        whole ones.
    blur
        Largest standard deviation of the Gaussian blur, pixels. A blur of 0.5 leaves 45 % of the mean square of the
        differences of neighbours (`idc`).
    resampled
        Share of the images that zoom, shift and blur are applied to; the others stay as sharp as they were.
    contrast
        Differences from the middle grey are multiplied by 1 - c to 1 + c. Off: `stain_scale` does nearly the same.
    brightness
        Up to this share of white is added or taken away. Off, because glass is white on a calibrated scanner.
    jpeg
        Share of the images that are compressed, at a quality of 70 to 95, with colours of full, half or quarter
        resolution. A network that was trained on patches without loss answers worse on slides that scanners wrote as
        JPEG with colours of a quarter: AUROC 0.894 to 0.901 in place of 0.916 (`idc`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dihedral: bool = True
    stain_scale: float = Field(default=0.1, ge=0, le=1)
    stain_shift: float = Field(default=0.05, ge=0, le=2)
    zoom: float = Field(default=0.1, ge=0, le=1)
    shift: float = Field(default=0.5, ge=0, le=8)
    blur: float = Field(default=0.5, ge=0, le=3)
    resampled: float = Field(default=0.5, ge=0, le=1)
    contrast: float = Field(default=0.0, ge=0, le=0.9)
    brightness: float = Field(default=0.0, ge=0, le=0.9)
    jpeg: float = Field(default=0.25, ge=0, le=1)

    @classmethod
    def none(cls) -> Augmentation:
        """Return the options that leave every image as it is."""
        return cls(dihedral=False, stain_scale=0, stain_shift=0, zoom=0, shift=0, blur=0, jpeg=0)

    @property
    def stains(self) -> bool:
        """Whether colours of stains change."""
        return self.stain_scale > 0 or self.stain_shift > 0

    @property
    def resamples(self) -> bool:
        """Whether pixels are read between pixels."""
        return self.resampled > 0 and (self.zoom > 0 or self.shift > 0 or self.blur > 0)

    @property
    def exposes(self) -> bool:
        """Whether contrast or brightness change."""
        return self.contrast > 0 or self.brightness > 0


@dataclass(frozen=True, eq=False)
class _Draw:
    """What happens to each image of a batch: uniform numbers, (n, _DRAWS) float32 from 0 to 1, and the options."""

    uniform: NDArray[np.float32]
    options: Augmentation

    def part(self, rows: slice | NDArray[np.bool_]) -> _Draw:
        """Return the draw of some images."""
        return _Draw(self.uniform[rows], self.options)

    @property
    def views(self) -> NDArray[np.int64]:
        """How each image is turned and flipped, (n,)."""
        return (self.uniform[:, 0] * VIEWS).astype(np.int64)

    @property
    def resampled(self) -> NDArray[np.bool_]:
        """Which images are resampled, (n,)."""
        return self.uniform[:, 7] < self.options.resampled

    @property
    def compressed(self) -> NDArray[np.bool_]:
        """Which images are written as JPEG, (n,)."""
        return self.uniform[:, 14] < self.options.jpeg

    def between(self, first: int, limit: float, columns: int = 1) -> NDArray[np.float32]:
        """Return numbers from -limit to limit, (n, columns)."""
        return (2 * self.uniform[:, first : first + columns] - 1) * np.float32(limit)


def augment(
    images: NDArray[np.uint8], rng: np.random.Generator, *, options: Augmentation | None = None
) -> NDArray[np.uint8]:
    """Return a new variant of each image; the same state of the generator gives the same variants.

    Parameters
    ----------
    images
        Shape (n, s, s, 3), uint8 RGB; they are not changed.
    rng
        Moves on by the same amount whatever the options are.
    options
        The defaults when None.

    Returns
    -------
    Shape (n, s, s, 3), uint8.

    Raises
    ------
    InvalidInput
        When the shape or type of the images is another.

    References
    ----------
    Jitter of stain amounts: Tellez et al. 2018, doi 10.1109/TMI.2018.2820199; which augmentations help on histology:
    Tellez et al. 2019, doi 10.1016/j.media.2019.101544.
    """
    images = _checked(images)
    draw = _Draw(rng.random((len(images), _DRAWS), dtype=np.float32), options or Augmentation())
    changed = np.empty(images.shape, dtype=np.uint8)
    slab = max(1, _SLAB_VALUES // max(1, images[:1].size))
    for start in range(0, len(images), slab):
        part = slice(start, start + slab)
        changed[part] = _changed(images[part], draw.part(part)).transpose(0, 2, 3, 1)
    for row in np.flatnonzero(draw.compressed).tolist():
        changed[row] = as_any_jpeg(changed[row], draw.uniform[row, 15:].tolist())
    return changed


def _checked(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the images, or refuse what is no batch of square RGB patches."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*images.shape[1:2] * 2, 3):
        raise InvalidInput(
            f"Images of shape {images.shape} and type {images.dtype}",
            "(n, s, s, 3) uint8: square RGB patches",
            "Read them with a size that all share",
        )
    return images


def _changed(images: NDArray[np.uint8], draw: _Draw) -> NDArray[np.uint8]:
    """Return the variants of a slab, (m, s, s, 3) to (m, 3, s, s) uint8."""
    options, planes = draw.options, _planes(images, draw)
    if not (options.stains or options.resamples or options.exposes):
        return planes
    light = _stained(planes, draw) if options.stains else planes.astype(np.float32)
    if options.resamples and draw.resampled.any():
        light[draw.resampled] = _resampled(light[draw.resampled], draw.part(draw.resampled))
    if options.exposes:
        light = _exposed(light, draw)
    light += 0.5  # the conversion cuts off
    return np.clip(light, 0, 255, out=light).astype(np.uint8)


def _planes(images: NDArray[np.uint8], draw: _Draw) -> NDArray[np.uint8]:
    """Return the images by colour plane, (m, 3, s, s), turned where the options say so: every step is fastest so."""
    if not draw.options.dihedral:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    planes = np.empty((len(images), 3, *images.shape[1:3]), dtype=np.uint8)
    for row, view in enumerate(draw.views.tolist()):
        planes[row] = dihedral(images[row : row + 1], view)[0].transpose(2, 0, 1)
    return planes


def _stained(planes: NDArray[np.uint8], draw: _Draw) -> NDArray[np.float32]:
    """Return the light of the images with other amounts of stain, float32.

    amounts = density @ inverse, scaled, shifted, and @ vectors again: one matrix and one vector for each image.
    """
    factor = 1 + draw.between(1, draw.options.stain_scale, 3)
    added = draw.between(4, draw.options.stain_shift, 3)
    mixing = (HE_VECTORS.T * factor[:, None]) @ unmixing(HE_VECTORS).T  # (m, 3, 3), acts on columns
    offset = (added @ HE_VECTORS)[:, :, None]
    # 256 exp(-d) = 2^(8 - d / ln 2): exp2 takes half the time of exp, and the factor costs nothing in the matrix.
    mixing, offset = (-mixing / np.log(2)).astype(np.float32), (8 - offset / np.log(2)).astype(np.float32)
    density = optical_density(planes).reshape(len(planes), 3, -1)
    light: NDArray[np.float32] = mixing @ density
    light += offset
    np.exp2(light, out=light)
    light -= 1
    return light.reshape(planes.shape)


def _resampled(light: NDArray[np.float32], draw: _Draw) -> NDArray[np.float32]:
    """Return the images scaled, shifted and blurred."""
    options, size = draw.options, light.shape[-1]
    zoom = np.exp(draw.between(8, np.log1p(options.zoom))[:, 0])
    shift = draw.between(9, options.shift, 2)
    blur = draw.uniform[:, 11] * np.float32(options.blur)
    rows, columns = (sampling_matrices(size, zoom=zoom, shift=shift[:, axis], blur=blur) for axis in (0, 1))
    return resample(light, rows=rows, columns=columns)


def _exposed(light: NDArray[np.float32], draw: _Draw) -> NDArray[np.float32]:
    """Return the images with other contrast and brightness."""
    gain = 1 + draw.between(12, draw.options.contrast)[:, :, None, None]
    lift = 255 * draw.between(13, draw.options.brightness)[:, :, None, None]
    return (light - np.float32(127.5)) * gain + (lift + np.float32(127.5))
