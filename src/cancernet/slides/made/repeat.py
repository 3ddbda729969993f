"""A real region, repeated until it fills a slide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.patches import read_image
from cancernet.slides.made.outlines import check_slide
from cancernet.slides.made.picture import Picture

__all__ = ["repeated_picture"]


def repeated_picture(image: str | Path | NDArray[np.uint8], *, size: tuple[int, int], mpp: float) -> Picture:
    """Return a slide that shows one image over and over, every second time mirrored, so that there are no seams.

    Parameters
    ----------
    image
        An image file that `read_image` takes, or pixels (h, w, 3) uint8.
    size
        Width and height of the slide in pixels.
    mpp
        Microns per pixel of the image, and so of the slide.

    Raises
    ------
    InvalidInput, CorruptFile, StorageFailure
        When the image cannot be read or is not (h, w, 3) uint8, or no slide can have the size or the resolution.
    """
    check_slide(size, mpp)
    pixels = np.asarray(image) if isinstance(image, np.ndarray) else read_image(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise InvalidInput(f"An image of shape {pixels.shape}", "Expected (h, w, 3) uint8", "Convert it to RGB")
    name = Path(image).name if isinstance(image, str | Path) else "pixels"
    height, width = pixels.shape[:2]

    def block(x: int, y: int, across: int, down: int) -> NDArray[np.uint8]:
        """Return the pixels of a block."""
        rows, columns = _mirrored(y, down, height), _mirrored(x, across, width)
        return pixels[rows].take(columns, axis=1)

    return Picture("repeat", block, size, mpp, {"image": name, "image_pixels": [width, height]})


def _mirrored(start: int, length: int, period: int) -> NDArray[np.int64]:
    """Return places in an image that runs forth and back."""
    place = np.arange(start, start + length) % (2 * period)
    return np.minimum(place, 2 * period - 1 - place)
