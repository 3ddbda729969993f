"""Levels of a pyramid, and which of them answers a question: pixels of a box in the frame of one level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cancernet.geometry import Box

__all__ = ["Area", "Level", "Window", "level_for", "level_of"]

_EQUAL_SCALES = 1e-3  # scales that differ by less are one: over 1,000 pixels the far edge moves by one
_ROUNDING = 1e-6  # of a pixel: an edge that is no farther beyond another one does not touch it
_NEAREST = 0.5  # but never by more than half a pixel


@dataclass(frozen=True)
class Window:
    """Whole pixels of a level; it may reach over the edge."""

    left: int
    top: int
    width: int
    height: int

    def within(self, width: int, height: int) -> Window:
        """Return the part that lies in a level of this size; it may be empty."""
        left, top = min(max(self.left, 0), width), min(max(self.top, 0), height)
        right = max(min(self.left + self.width, width), left)
        bottom = max(min(self.top + self.height, height), top)
        return Window(left, top, right - left, bottom - top)

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width == 0 or self.height == 0


@dataclass(frozen=True)
class Area:
    """A rectangle in pixels of a level, parts of pixels included."""

    left: float
    top: float
    right: float
    bottom: float

    def scale(self, px_size: tuple[int, int]) -> tuple[float, float]:
        """Return how many pixels of the level one pixel of the answer covers, across and down."""
        return (self.right - self.left) / px_size[0], (self.bottom - self.top) / px_size[1]

    def whole(self, px_size: tuple[int, int]) -> Window | None:
        """Return the pixels that are the answer without resampling, or None.

        A box that begins between two pixels begins at the nearer one: half a pixel of displacement at most, where
        interpolation would blur the whole answer.
        """
        lengths = self.right - self.left, self.bottom - self.top
        if any(
            abs(have - want) > min(want * _EQUAL_SCALES, _NEAREST) for have, want in zip(lengths, px_size, strict=True)
        ):
            return None
        return Window(_nearest(self.left), _nearest(self.top), *px_size)

    def around(self, px_size: tuple[int, int]) -> Window:
        """Return the pixels that an answer of this size is made of: with their neighbours where it is magnified."""
        more_x, more_y = (int(scale < 1) for scale in self.scale(px_size))
        left, top = math.floor(self.left + _ROUNDING) - more_x, math.floor(self.top + _ROUNDING) - more_y
        right, bottom = math.ceil(self.right - _ROUNDING) + more_x, math.ceil(self.bottom - _ROUNDING) + more_y
        return Window(left, top, right - left, bottom - top)

    def seen_from(self, window: Window) -> Area:
        """Return the same rectangle counted from the corner of a window."""
        left, top = window.left, window.top
        return Area(self.left - left, self.top - top, self.right - left, self.bottom - top)


@dataclass(frozen=True)
class Level:
    """One level of a pyramid.

    Parameters
    ----------
    width, height
        In its own pixels.
    l0_per_px_x, l0_per_px_y
        Base-level pixels in one of its own, across and down.
    """

    width: int
    height: int
    l0_per_px_x: float
    l0_per_px_y: float

    @property
    def downsample(self) -> float:
        """The mean of both directions."""
        return (self.l0_per_px_x + self.l0_per_px_y) / 2

    def area(self, box: Box) -> Area:
        """Return a box in pixels of this level."""
        left, top = box.l0_x / self.l0_per_px_x, box.l0_y / self.l0_per_px_y
        return Area(left, top, left + box.l0_width / self.l0_per_px_x, top + box.l0_height / self.l0_per_px_y)

    def holds(self, l0_per_px: tuple[float, float]) -> bool:
        """Tell whether it shows at least as much detail as an image of this scale."""
        across, down = l0_per_px
        return self.l0_per_px_x <= across * (1 + _EQUAL_SCALES) and self.l0_per_px_y <= down * (1 + _EQUAL_SCALES)


def level_of(size: tuple[int, int], l0_size: tuple[int, int]) -> Level:
    """Return the level of this size.

    A level made by a whole factor drops or completes the last column and row: where the sizes agree with a whole
    factor, it is this factor and not their quotient.
    """
    quotients = [base / own for base, own in zip(l0_size, size, strict=True)]
    factor = round(sum(quotients) / 2)
    whole = factor >= 1 and all(abs(base / factor - own) < 1 for base, own in zip(l0_size, size, strict=True))
    across, down = (float(factor), float(factor)) if whole else quotients
    return Level(*size, across, down)


def level_for(levels: Sequence[Level], box: Box, px_size: tuple[int, int]) -> int:
    """Return the number of the smallest level that holds the detail asked for; the base level when none does."""
    asked = box.l0_width / px_size[0], box.l0_height / px_size[1]
    return max((number for number, level in enumerate(levels) if level.holds(asked)), default=0)


def _nearest(place: float) -> int:
    """Return the nearest whole number; of two, the greater one, so that neighbours stay neighbours."""
    return int((place + _NEAREST) // 1)
