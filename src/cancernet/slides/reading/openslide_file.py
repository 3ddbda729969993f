"""Slides read by OpenSlide: the formats of scanners that nobody else reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CancerNetError, CorruptFile
from cancernet.slides.reading.levelled import LevelledSlide
from cancernet.slides.reading.levels import Level, Window
from cancernet.slides.reading.pitch import from_openslide

__all__ = ["OpenSlideSlide"]

_VENDORS = {
    "aperio": "Aperio",
    "generic-tiff": "plain TIFF",
    "hamamatsu": "Hamamatsu",
    "leica": "Leica",
    "mirax": "3DHISTECH",
    "philips": "Philips",
    "sakura": "Sakura",
    "trestle": "Trestle",
    "ventana": "Ventana",
    "zeiss": "Zeiss",
}


class OpenSlideSlide(LevelledSlide):
    """A slide in a format of OpenSlide: NDPI, MRXS, SCN, BIF, CZI, and whatever TIFF is not read directly.

    The plane is what was scanned: the bounds of MIRAX and others, not the canvas around them.

    Parameters
    ----------
    path
        The file.
    source
        An open `openslide.OpenSlide` or what answers as one does; None opens the path.

    Raises
    ------
    CorruptFile
        When OpenSlide cannot read it.
    """

    def __init__(self, path: Path, *, source: Any = None) -> None:
        with _in_words(path):
            self._source = _open(path) if source is None else source
            said = dict(self._source.properties)
            self._factors = [float(factor) for factor in self._source.level_downsamples]
        corner, size = _bounds(said, self._source.dimensions)
        self._corner = corner
        self._background = _background(said)
        levels = [_level(size, factor) for factor in self._factors]
        vendor = said.get("openslide.vendor", "")
        super().__init__(
            path, vendor=_VENDORS.get(vendor, vendor or "unknown"), levels=levels, pitch=from_openslide(said)
        )

    def _window(self, number: int, window: Window) -> NDArray[np.uint8]:
        """Return a window of a level; what was not scanned has the background's colour."""
        place = tuple(self._place(number, axis, start) for axis, start in enumerate((window.left, window.top)))
        with _in_words(self.path, f"at x {window.left}, y {window.top} of level {number}"):
            region = self._source.read_region(place, number, (window.width, window.height))
        return _opaque(region, self._background)

    def _place(self, number: int, axis: int, start: int) -> int:
        """Return where a pixel of a level begins on the canvas.

        It is moved to the nearest pixel of the level that the file holds; between two, OpenSlide would blur.
        """
        factor = self._factors[number]
        return round(round((self._corner[axis] + start * self._levels[number].downsample) / factor) * factor)

    def _release(self) -> None:
        """Close the file."""
        self._source.close()


def _open(path: Path) -> Any:
    """Return the slide as OpenSlide opens it."""
    from openslide import OpenSlide

    return OpenSlide(path)


@contextmanager
def _in_words(path: Path, where: str = "") -> Iterator[None]:
    """Turn what OpenSlide raises into `CorruptFile`."""
    from openslide import OpenSlideError

    try:
        yield
    except CancerNetError:
        raise
    except (OpenSlideError, OSError, ValueError) as error:
        place = f" {where}" if where else ""
        raise CorruptFile(
            f"'{path}' cannot be read{place} ({error})", "Expected a whole slide that OpenSlide knows", "Copy it again"
        ) from error


def _bounds(said: Mapping[str, str], canvas: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return corner and size of the scanned area: the bounds as far as they lie on the canvas."""
    left, top = (int(said.get(f"openslide.bounds-{axis}", 0)) for axis in "xy")
    width = min(int(said.get("openslide.bounds-width", canvas[0])), canvas[0] - left)
    height = min(int(said.get("openslide.bounds-height", canvas[1])), canvas[1] - top)
    usable = min(left, top) >= 0 and min(width, height) > 0
    return ((left, top), (width, height)) if usable else ((0, 0), canvas)


def _level(size: tuple[int, int], factor: float) -> Level:
    """Return the part of a level that shows the scanned area; factors are whole but for rounded sizes."""
    whole = round(factor)
    exact = float(whole) if abs(factor - whole) * max(size) < factor else factor
    width, height = (max(1, int(side // exact)) for side in size)
    return Level(width, height, exact, exact)


def _background(said: Mapping[str, str]) -> tuple[int, int, int]:
    """Return the colour of what was not scanned."""
    colour = said.get("openslide.background-color", "FFFFFF")
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


def _opaque(region: Any, background: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return a transparent region on its background, shape (h, w, 3)."""
    from PIL.Image import alpha_composite, new

    if region.getextrema()[3] != (255, 255):
        region = alpha_composite(new("RGBA", region.size, (*background, 255)), region)
    return np.array(region.convert("RGB"))
