"""Painting with shares: whole numbers only, so that a pixel is the same whatever block it is made in.

A share is how much of a pixel a layer covers, 0 to `FULL`. It is computed on a coarse grid and drawn out in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FULL", "Knots", "as_share", "blend", "draw_out"]

FULL = 256


@dataclass(frozen=True)
class Knots:
    """The knots of the coarse grid around a block.

    Parameters
    ----------
    x, y, width, height
        The block, in pixels.
    step
        Pixels between knots, a power of two.
    """

    x: int
    y: int
    width: int
    height: int
    step: int

    @property
    def rows(self) -> NDArray[np.int64]:
        """Numbers of the rows of knots, one beyond the block at most."""
        return np.arange(self.y // self.step, (self.y + self.height - 1) // self.step + 2)

    @property
    def columns(self) -> NDArray[np.int64]:
        """Numbers of the columns of knots."""
        return np.arange(self.x // self.step, (self.x + self.width - 1) // self.step + 2)

    def of(self, field: NDArray[np.float32], shift: NDArray[np.int64] | tuple[int, int]) -> NDArray[np.float32]:
        """Return a field that repeats, at these knots, moved by some knots (y, x)."""
        rows, columns = self.rows + shift[0], self.columns + shift[1]
        here: NDArray[np.float32] = field[np.ix_(rows % len(field), columns % field.shape[1])]
        return here

    def around(self, shares: NDArray[np.uint16]) -> Knots | None:
        """Return the part of the block that holds all shares above zero, or None when there are none."""
        sides = []
        for axis, (start, length) in enumerate(((self.y, self.height), (self.x, self.width))):
            some = np.flatnonzero(shares.any(axis=1 - axis)) + start // self.step
            if not len(some):
                return None
            first = max(start, int(some[0] - 1) * self.step)
            sides.append((first, min(start + length, int(some[-1] + 1) * self.step) - first))
        return (
            Knots(sides[1][0], sides[0][0], sides[1][1], sides[0][1], self.step)
            if min(sides[0][1], sides[1][1]) > 0
            else None
        )

    def taken(self, shares: NDArray[np.uint16], whole: Knots) -> NDArray[np.uint16]:
        """Return the shares at these knots, of those of a block that holds this one."""
        top, left = self.rows[0] - whole.rows[0], self.columns[0] - whole.columns[0]
        return shares[top : top + len(self.rows), left : left + len(self.columns)]


def as_share(inside: NDArray[np.floating[Any]]) -> NDArray[np.uint16]:
    """Return shares of numbers from -0.5 (nothing) to 0.5 (all)."""
    shares: NDArray[np.uint16] = np.clip((inside + 0.5) * FULL, 0, FULL).astype(np.uint16)
    return shares


def draw_out(shares: NDArray[np.uint16], knots: Knots) -> NDArray[np.uint16]:
    """Return the share of each pixel of the block, linear between the knots; shape (height, width)."""
    step = knots.step
    down = np.empty(((len(shares) - 1) * step, shares.shape[1]), dtype=np.uint16)
    for place in range(step):
        down[place::step] = shares[:-1] * (step - place) + shares[1:] * place
    top = knots.y % step
    down = down[top : top + knots.height]
    full = np.empty((len(down), (shares.shape[1] - 1) * step), dtype=np.uint16)
    shift = 2 * (step.bit_length() - 1)
    for place in range(step):
        full[:, place::step] = (down[:, :-1] * (step - place) + down[:, 1:] * place) >> shift
    left = knots.x % step
    return full[:, left : left + knots.width]


def blend(below: NDArray[np.uint8], above: NDArray[np.uint8], *, share: NDArray[np.uint16]) -> None:
    """Lay `above` over `below`, in place."""
    mixed = below * (FULL - share)
    mixed += above * share
    mixed += FULL // 2
    mixed >>= 8
    below[...] = mixed
