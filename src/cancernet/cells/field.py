"""A field of view: an image with square pixels of known size, and masks of nuclei that a user brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import checked_labels
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import storage_errors
from cancernet.geometry import Box
from cancernet.slides import MppPolicy, Pitch, open_slide, resolve_pitch

__all__ = ["Field", "read_field", "read_labels", "refuse_fluorescence"]

_MOST_PIXELS = 32_000_000  # 2 GB of memory while they are outlined
_DARK, _MOST_DARK = 50, 0.6  # grey level; share of pixels below it that no stained tissue in bright light has
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, eq=False)
class Field:
    """An image to look for nuclei in.

    Parameters
    ----------
    name
        Of the file.
    image
        Shape (h, w, 3), uint8 RGB, square pixels.
    mpp
        Microns per pixel of `image`.
    pitch
        What is known of the resolution of the file, and how.
    l0_per_px
        Pixels of the file to one of the image, across and down: other than 1 where its pixels are not square.
    """

    name: str
    image: NDArray[np.uint8]
    mpp: float
    pitch: Pitch
    l0_per_px: tuple[float, float]


def read_field(path: str | Path, *, mpp: str | float = "error") -> Field:
    """Return an image file as a field.

    Parameters
    ----------
    path
        PNG, JPEG, TIFF, WebP, BMP, or a small slide; at most 32 million pixels.
    mpp
        What to do about the resolution; see `MppPolicy.parse`. It is never guessed.

    Raises
    ------
    InvalidInput
        When the file is no brightfield image: grey, or mostly black as fluorescence is; or too large.
    MissingResolution
        When nothing says how large a pixel is.
    CorruptFile
        When it is damaged.
    """
    policy = mpp if isinstance(mpp, MppPolicy) else MppPolicy.parse(mpp)
    with open_slide(path) as slide:
        pitch = resolve_pitch(slide, policy)
        width, height = slide.l0_size
        if width * height > _MOST_PIXELS:
            raise InvalidInput(
                f"'{path}' has {width} x {height} pixels",
                f"A field of at most {_MOST_PIXELS // 1_000_000} million pixels",
                "Export a region of the slide as an image, for example from QuPath",
            )
        side = pitch.mpp
        px_size = max(1, round(width * pitch.um_x / side)), max(1, round(height * pitch.um_y / side))
        image = slide.read(Box(0, 0, width, height), px_size=px_size)
    refuse_fluorescence(image, path)
    return Field(Path(path).name, image, side, pitch, (width / px_size[0], height / px_size[1]))


def read_labels(path: str | Path, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return masks of nuclei from a file.

    Parameters
    ----------
    path
        PNG of 8 or 16 bits without colours, TIFF of any whole numbers, or NPY: 0 is background, every other number one
        nucleus.
    shape
        Height and width of the image they belong to.

    Raises
    ------
    InvalidInput
        When the labels have another size, or colours, or are no whole numbers.
    CorruptFile
        When the file is damaged, or none of these.
    """
    path = Path(path)
    reader = {".tif": _read_tiff, ".tiff": _read_tiff, ".npy": _read_npy}.get(path.suffix.lower(), _read_picture)
    with storage_errors(path), path.open("rb"):
        pass
    labels = reader(path)
    if labels.ndim == 3:
        raise InvalidInput(
            f"'{path}' has colours, shape {labels.shape}",
            "One number for each pixel",
            "Save the labels as a 16-bit grey PNG, a TIFF or an NPY file",
        )
    return checked_labels(labels, shape)


def refuse_fluorescence(image: NDArray[np.uint8], path: str | Path) -> None:
    """Raise when an image (h, w, 3) is mostly black: light on a dark ground is no stain in bright light."""
    grey = image[::4, ::4] @ _LUMA
    share = float((grey < _DARK).mean())
    if share > _MOST_DARK:
        raise InvalidInput(
            f"'{path}' is {share:.0%} black, as fluorescence or a dark field is",
            "A stained specimen in bright light: dark nuclei on a bright ground",
            "Nuclei of fluorescence can be measured by masks of your own and the Python function measure_nuclei",
        )


def _read_picture(path: Path) -> NDArray[Any]:
    """Return the numbers of a PNG or another picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.mode == "1":
                raise InvalidInput(
                    f"'{path}' holds black and white only", "A number for each nucleus", "Label the mask first"
                )
            return np.array(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise CorruptFile(f"'{path}' is no picture of labels ({error})", "PNG, TIFF or NPY", "Save it again") from error


def _read_tiff(path: Path) -> NDArray[Any]:
    """Return the numbers of the first page of a TIFF."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            pages: NDArray[Any] = tiff.pages[0].asarray()
            return pages
    except (tifffile.TiffFileError, ValueError, OSError, IndexError) as error:
        raise CorruptFile(f"'{path}' is no TIFF of labels ({error})", "PNG, TIFF or NPY", "Save it again") from error


def _read_npy(path: Path) -> NDArray[Any]:
    """Return an array without objects."""
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptFile(f"'{path}' is no array of labels ({error})", "PNG, TIFF or NPY", "Save it again") from error
    return array
