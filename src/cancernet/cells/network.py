"""A bundle that outlines nuclei: the image is brought to its resolution, cut into tiles, asked, and put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from math import gcd
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cancernet import engine
from cancernet.bundle import FieldInput, Outlining
from cancernet.cells.channels import StainChannels
from cancernet.cells.held import Held
from cancernet.cells.watershed import enlarge, outline
from cancernet.engine import Model, Outputs
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.geometry import VIEWS, dihedral, undo_dihedral
from cancernet.patches import rescale
from cancernet.tasks import probabilities

__all__ = ["NetworkSegmenter", "outline_maps", "read_maps", "resize_maps", "tile_starts"]

_FINEST, _COARSEST = 1 / 8, 4.0  # scales at which an image is still asked: beyond them nuclei are dots, or fill a tile

Floats = NDArray[np.float32]


class Asked(Protocol):
    """What answers tiles: an open bundle, or an engine."""

    def stream(self, batches: Iterable[NDArray[np.generic]]) -> Iterator[Outputs]:
        """Yield the outputs of each batch in order."""


class NetworkSegmenter(Held):
    """Nuclei by the network of a bundle; a context manager.

    Parameters
    ----------
    name_or_path
        A bundle's folder, or the name of a shipped one.
    runtime, threads
        Of the engine.

    Raises
    ------
    BundleMismatch
        When the bundle does not outline anything.
    CancerNetError
        As `engine.open` does.

    Examples
    --------
    >>> with NetworkSegmenter("runs/my-nuclei/bundle") as segmenter:  # doctest: +SKIP
    ...     labels = segmenter.labels(image, mpp=0.25)
    """

    def __init__(self, name_or_path: str | Path, *, runtime: str = "openvino", threads: int | None = None) -> None:
        self.model = engine.open(name_or_path, runtime=runtime, threads=threads)
        self._channels: StainChannels | None = None  # of a slide; None: each image has its own
        self._asking = Lock()  # tiles of a slide come from several threads
        try:
            self.taken, self.options = _parts(self.model)
        except BundleMismatch:
            self.model.close()
            raise

    def fit(self, samples: Sequence[NDArray[np.uint8]], *, mpp: float) -> NetworkSegmenter:
        """Return the segmenter with the stains of some images, where its network asks for them; see `Fits`.

        The engine stays this one's: it is closed here.
        """
        if self.taken.channels == "rgb":
            return self
        same = copy(self)
        same._channels = self._channels_of(samples, mpp)
        return same

    def labels(self, image: NDArray[np.uint8], *, mpp: float) -> NDArray[np.int32]:
        """Return the nuclei of an image.

        Parameters
        ----------
        image
            Shape (h, w, 3), uint8 RGB.
        mpp
            Microns per pixel.

        Returns
        -------
        Shape (h, w), int32: 0 background, other numbers one nucleus each.

        Raises
        ------
        InvalidInput
            When the image is none, or its microns per pixel are far from what the network knows.
        """
        maps = self.maps(image, mpp=mpp)
        return outline_maps(maps, image.shape[:2], options=self.options, mpp=self.taken.mpp)

    def maps(self, image: NDArray[np.uint8], *, mpp: float) -> Floats:
        """Return the maps of an image at the microns per pixel of the bundle, (h', w', maps), 0 to 1."""
        scaled = _at_scale(_checked(image), mpp / self.taken.mpp)
        if self.taken.channels != "rgb":
            channels = self._channels or StainChannels.fit([scaled], mpp=self.taken.mpp)
            scaled = channels.apply(scaled, mpp=self.taken.mpp)
        with self._asking:
            return read_maps(self.model, scaled, taken=self.taken, maps=self.model.card.task.logit_width)

    def _channels_of(self, samples: Sequence[NDArray[np.uint8]], mpp: float) -> StainChannels:
        """Return the channels by the stains of images at other microns per pixel."""
        own = self.taken.mpp
        return StainChannels.fit([_at_scale(_checked(sample), mpp / own) for sample in samples], mpp=own)

    def close(self) -> None:
        """Free the memory."""
        self.model.close()


def read_maps(network: Asked, image: NDArray[np.uint8], *, taken: FieldInput, maps: int) -> Floats:
    """Return what a network says of every pixel of an image, the mean over the views that it asks for.

    Tiles overlap by twice the margin, and each pixel is taken from a tile in which it is farther than the margin from
    a cut. With a margin as wide as what the network sees around a pixel, that is the answer of one tile for all.

    Parameters
    ----------
    network
        An open bundle, or an engine.
    image
        Shape (h, w, 3), uint8, at the microns per pixel of the network and with its channels.
    taken
        What the network takes.
    maps
        How many maps it gives.

    Returns
    -------
    Shape (h, w, maps), float32, 0 to 1.

    References
    ----------
    Averaging over turns and mirror images: Cohen and Welling 2016, arXiv:1602.07576.
    """
    height, width = image.shape[:2]
    if taken.views == 1:
        return _one_view(network, image, taken=taken, maps=maps)
    step = gcd(taken.size, taken.margin)  # turned images are halved at the same places when sides are multiples of it
    whole = _padded(image, *(-(-length // step) * step for length in (height, width)))
    total = np.zeros((*whole.shape[:2], maps), np.float32)
    for view in range(0, VIEWS, VIEWS // taken.views):
        seen = _one_view(network, dihedral(whole[None], view)[0], taken=taken, maps=maps)
        total += undo_dihedral(seen[None], view)[0]
    total /= taken.views
    return total[:height, :width]


def _one_view(network: Asked, image: NDArray[np.uint8], *, taken: FieldInput, maps: int) -> Floats:
    """Return what a network says of every pixel of an image as it is."""
    height, width = image.shape[:2]
    size, margin = taken.size, taken.margin
    rows, columns = (tile_starts(length, size=size, margin=margin) for length in (height, width))
    padded = _padded(image, rows[-1] + size, columns[-1] + size)
    places = [(row, column) for row in rows for column in columns]
    tiles = (padded[None, row : row + size, column : column + size] for row, column in places)
    logits = np.empty((*padded.shape[:2], maps), np.float32)
    for (row, column), outputs in zip(places, network.stream(tiles), strict=True):
        top, left = (margin if start else 0 for start in (row, column))
        logits[row + top : row + size, column + left : column + size] = outputs.logits[0, top:, left:]
    return probabilities(logits[:height, :width], kind="segmentation").astype(np.float32)


def tile_starts(length: int, *, size: int, margin: int) -> Sequence[int]:
    """Return where tiles begin that cover a line of pixels and overlap by two margins; the last may reach beyond it."""
    return range(0, max(length - 2 * margin, 1), size - 2 * margin)


def outline_maps(maps: Floats, shape: tuple[int, ...], *, options: Outlining, mpp: float) -> NDArray[np.int32]:
    """Return the nuclei of maps, on an image that may be finer or coarser.

    Parameters
    ----------
    maps
        Shape (h', w', maps), 0 to 1; the last two are of the nucleus and of the distance to its edge.
    shape
        Height and width of the image.
    options
        Of the outlines.
    mpp
        Microns per pixel of the maps.

    Returns
    -------
    Shape (h, w), int32; 0 background.
    """
    found = outline(maps[..., -2], maps[..., -1], options=options, mpp=mpp)
    if maps.shape[:2] == tuple(shape[:2]):
        return found
    return enlarge(found, resize_maps(maps[..., -2:-1], shape)[..., 0], options=options)


def resize_maps(maps: Floats, shape: tuple[int, ...]) -> Floats:
    """Return maps (h, w, n) at another size, interpolated between neighbours."""
    from PIL import Image

    height, width = shape[:2]
    parts = [Image.fromarray(part).resize((width, height), Image.Resampling.BILINEAR) for part in _planes(maps)]
    return np.stack([np.asarray(part, dtype=np.float32) for part in parts], axis=-1)


def _planes(maps: Floats) -> Iterator[Floats]:
    """Yield each map, contiguous."""
    for place in range(maps.shape[-1]):
        yield np.ascontiguousarray(maps[..., place])


def _parts(model: Model) -> tuple[FieldInput, Outlining]:
    """Return what a bundle takes and how it outlines, or refuse it."""
    taken, options = model.card.input, model.card.decision.outlining
    if not isinstance(taken, FieldInput) or options is None:
        raise BundleMismatch(
            f"The bundle '{model.card.name}' takes {taken.kind} and outlines nothing",
            "A bundle that was trained on outlined nuclei",
            "Train one: cancernet init my-nuclei.toml --kind nuclei",
        )
    return taken, options


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an RGB image, or refuse what is none."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InvalidInput(
            f"An image of shape {image.shape} and type {image.dtype}", "(h, w, 3) uint8, RGB", "Convert it first"
        )
    return image


def _at_scale(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return the image with `scale` times as many pixels along each side, averaged over what becomes one."""
    if not _FINEST <= scale <= _COARSEST:
        given = f"An image whose pixels are {scale:.3g} times as large as those the network knows"
        raise InvalidInput(given, f"From {_FINEST:g} to {_COARSEST:g} times", "Check the microns per pixel (--mpp)")
    return rescale(image, scale)


def _padded(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return the image continued by its mirror image down and to the right."""
    rows, columns = height - image.shape[0], width - image.shape[1]
    return np.pad(image, ((0, max(rows, 0)), (0, max(columns, 0)), (0, 0)), mode="symmetric")
