"""What all readers share: a box becomes pixels of one level, white beyond the edge, resampled where needed."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.slides.reading.gate import Gate
from cancernet.slides.reading.levels import Area, Level, Window, level_for
from cancernet.slides.reading.resample import resample
from cancernet.slides.slide import Pitch

__all__ = ["WHITE", "LevelledSlide"]

WHITE = 255
_LARGEST_SIDE = 4096  # of the pixels that are held to be resampled: 50 MB, however large the box
_LARGEST_SCALE = 4096  # pixels of a level that one pixel of the answer may cover


class LevelledSlide(ABC):
    """A slide that is read from its nearest level; a reader only says which levels there are and decodes windows.

    A box that fits a level but begins between two of its pixels is read from the nearer one: half a pixel of
    displacement at most, instead of a blur. All else is resampled by area.

    Labels and overviews that a file holds beside the slide are never read: they may show the patient's name.

    Parameters
    ----------
    path
        The file or folder.
    vendor
        In words.
    levels
        From the base level downwards.
    pitch
        None when the file does not say it.
    """

    def __init__(self, path: Path, *, vendor: str, levels: Sequence[Level], pitch: Pitch | None) -> None:
        self.path = path
        self._absolute = Path(os.path.abspath(path))  # a worker may stand in another folder
        self.vendor = vendor
        self.pitch = pitch
        self.l0_size = (levels[0].width, levels[0].height)
        self.downsamples = tuple(level.downsample for level in levels)
        self._levels = tuple(levels)
        self._gate = Gate()

    @abstractmethod
    def _window(self, number: int, window: Window) -> NDArray[np.uint8]:
        """Return (h, w, 3) of a window that lies inside a level and is not empty; threads may call it at once."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the file; nobody reads any more."""

    def read(self, box: Box, *, px_size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the pixels of a box; see `Slide.read`."""
        _check(box, px_size)
        with self._gate.inside() as open_:
            if not open_:
                raise InvalidInput(f"'{self.path}' is closed", "A slide is read while it is open", "Open it again")
            return self._read(box, px_size)

    def _read(self, box: Box, px_size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the pixels of a box."""
        number = level_for(self._levels, box, px_size)
        area = self._levels[number].area(box)
        if max(area.scale(px_size)) > _LARGEST_SCALE:
            raise InvalidInput(
                f"{box} in {px_size} pixels: each would be the mean of more than {_LARGEST_SCALE}x{_LARGEST_SCALE}",
                "Expected a box about as large as the slide",
                "Ask for more pixels",
            )
        whole = area.whole(px_size)
        return self._resampled(number, area, px_size) if whole is None else self._on_white(number, whole)

    def _on_white(self, number: int, window: Window) -> NDArray[np.uint8]:
        """Return a window of a level; what lies beyond its edge is white."""
        level = self._levels[number]
        inside = window.within(level.width, level.height)
        if inside == window:
            return self._window(number, window)
        canvas = np.full((window.height, window.width, 3), WHITE, dtype=np.uint8)
        if not inside.empty:
            top, left = inside.top - window.top, inside.left - window.left
            canvas[top : top + inside.height, left : left + inside.width] = self._window(number, inside)
        return canvas

    def _resampled(self, number: int, area: Area, px_size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return an area of a level at another size, a piece at a time so that memory stays small."""
        answer = np.empty((px_size[1], px_size[0], 3), dtype=np.uint8)
        for piece in _pieces(px_size, area.scale(px_size)):
            part = _part(area, piece, px_size)
            around = part.around((piece.width, piece.height))
            pixels = self._on_white(number, around)
            size = piece.width, piece.height
            rows, columns = slice(piece.top, piece.top + piece.height), slice(piece.left, piece.left + piece.width)
            answer[rows, columns] = resample(pixels, part.seen_from(around), px_size=size)
        return answer

    def close(self) -> None:
        """Let go of the file once the reads that are under way have ended; closing twice does nothing."""
        if self._gate.shut():
            self._release()

    def __enter__(self) -> Any:
        """Return the slide."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __reduce__(self) -> tuple[type, tuple[Path]]:
        """Make a copy, in another process as well, by opening the file anew."""
        return type(self), (self._absolute,)

    def __repr__(self) -> str:
        """Return what the slide is."""
        return f"<{type(self).__name__} '{self.path}' {self.l0_size[0]}x{self.l0_size[1]}, {self.vendor}>"


def _check(box: Box, px_size: tuple[int, int]) -> None:
    """Raise when a box or a size cannot be read."""
    sides = (box.l0_x, box.l0_y, box.l0_width, box.l0_height)
    if not all(math.isfinite(side) for side in sides) or min(sides[2:]) <= 0:
        raise InvalidInput(f"Cannot read {box}", "Expected finite numbers, with a width and a height above 0")
    if min(px_size) < 1 or any(int(side) != side for side in px_size):
        raise InvalidInput(f"Cannot read into {px_size} pixels", "Expected a whole width and height from 1 upwards")


def _pieces(px_size: tuple[int, int], scale: tuple[float, float]) -> Iterator[Window]:
    """Yield windows of the answer, none of which needs more than so many pixels of the level."""
    width, height = (max(1, min(_LARGEST_SIDE, int(_LARGEST_SIDE / step))) for step in scale)
    for top in range(0, px_size[1], height):
        for left in range(0, px_size[0], width):
            yield Window(left, top, width, height).within(*px_size)


def _part(area: Area, piece: Window, px_size: tuple[int, int]) -> Area:
    """Return where a piece of the answer lies in the level."""
    across, down = area.scale(px_size)
    left, top = area.left + piece.left * across, area.top + piece.top * down
    return Area(left, top, left + piece.width * across, top + piece.height * down)
