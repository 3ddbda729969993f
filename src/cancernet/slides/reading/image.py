"""Plain images as slides: PNG, JPEG, WebP and BMP, decoded at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.patches import read_image
from cancernet.slides.reading.levelled import LevelledSlide
from cancernet.slides.reading.levels import Window, level_of
from cancernet.slides.reading.pitch import from_dots
from cancernet.slides.slide import Pitch

__all__ = ["ImageSlide"]

_COLOURS = ("RGB", "RGBA", "P", "CMYK", "YCbCr")
_INCH = 2


class ImageSlide(LevelledSlide):
    """An image without tiles: it is decoded when it is opened and kept until it is closed.

    Parameters
    ----------
    path
        PNG, JPEG, WebP or BMP of at most 64 million pixels, told from its header before anything is decoded.

    Raises
    ------
    InvalidInput
        When it is larger, or grey.
    CorruptFile
        When it is damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        pixels = read_image(path)
        mode, pitch = _header(path)
        if mode not in _COLOURS:
            raise InvalidInput(
                f"'{path}' is no brightfield slide: it is grey ({mode})",
                "Expected red, green and blue",
                "Save it as 8-bit RGB if it was stained for light, or take it out",
            )
        size = pixels.shape[1], pixels.shape[0]
        super().__init__(path, vendor="plain image", levels=[level_of(size, size)], pitch=pitch)
        self._pixels = pixels

    def _window(self, number: int, window: Window) -> NDArray[np.uint8]:
        """Return a copy of a window."""
        rows = slice(window.top, window.top + window.height)
        return np.array(self._pixels[rows, window.left : window.left + window.width])

    def _release(self) -> None:
        """Let go of the pixels."""
        self._pixels = self._pixels[:0]


def _header(path: Path) -> tuple[str, Pitch | None]:
    """Return the mode of an image that was read before, and the size of its pixels where it says one."""
    from PIL import Image

    with Image.open(path) as image:
        dots = image.info.get("dpi")
        pitch = from_dots(float(dots[0]), float(dots[1]), unit=_INCH) if dots else None
        return image.mode, pitch and Pitch(pitch.um_x, pitch.um_y, "image resolution")
