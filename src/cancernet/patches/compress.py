"""Patches as they would be had the slide been written as JPEG: blocks of frequencies, colours of less resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["JPEG_DRAWS", "SUBSAMPLINGS", "as_any_jpeg", "as_jpeg"]

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
"""How colours are kept: at every pixel, at every second column, at every second column and row."""

JPEG_DRAWS = 4
"""Numbers that `as_any_jpeg` takes for an image."""

_CELL = 16  # pixels after which the pattern of blocks repeats, whatever the resolution of colours is
_QUALITIES = (70, 95)  # scanners write 70 to 90, and nobody sees 95
_CHOICES = (_QUALITIES[1] - _QUALITIES[0] + 1, len(SUBSAMPLINGS), _CELL, _CELL)


def as_jpeg(
    image: NDArray[np.uint8], *, quality: int, subsampling: str = "4:2:0", offset: tuple[int, int] = (0, 0)
) -> NDArray[np.uint8]:
    """Return an image written as JPEG and read again.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    quality
        1 to 95, as libjpeg counts.
    subsampling
        One of `SUBSAMPLINGS`.
    offset
        Rows and columns from the corner of a block to that of the image, 0 to 15: tiles are cut from a slide anywhere.
        What the blocks hold beyond the image is its mirror image.
    """
    import imagecodecs

    (top, left), (height, width) = offset, image.shape[:2]
    around = image[_mirrored(top, height)[:, None], _mirrored(left, width)]
    file = imagecodecs.jpeg8_encode(around, quality, subsampling=subsampling.replace(":", ""))
    read: NDArray[np.uint8] = imagecodecs.jpeg8_decode(file)
    return read[top : top + height, left : left + width]


def as_any_jpeg(image: NDArray[np.uint8], uniform: Sequence[float]) -> NDArray[np.uint8]:
    """Return an image as some scanner may have written it, each way as likely.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    uniform
        `JPEG_DRAWS` numbers from 0 to 1, which decide on quality (70 to 95), resolution of colours, and rows and
        columns from the corner of a block.
    """
    quality, kind, row, column = (int(part * many) for part, many in zip(uniform, _CHOICES, strict=True))
    return as_jpeg(image, quality=_QUALITIES[0] + quality, subsampling=SUBSAMPLINGS[kind], offset=(row, column))


def _mirrored(before: int, length: int) -> NDArray[np.int64]:
    """Return positions within a line, with those of its mirror image before it, and after it up to a full block."""
    total = -(-(before + length) // _CELL) * _CELL
    place = (np.arange(total) - before) % (2 * length)
    return np.minimum(place, 2 * length - 1 - place)
