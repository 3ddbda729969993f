"""The order of frames that no header states, told from the pixels: what fits along the seams are neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.reading.blocks import Grid

__all__ = ["frame_order"]

_PAIRS = 64  # of consecutive frames that are looked at, spread over the slide
_CLEARLY = 0.5  # of the difference along the other seam; it was 0.08 on a real slide


def frame_order(grid: Grid, frame: Callable[[int], NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return the number of each block's frame: row by row, as the standard says, or column by column.

    Files that do not say how they are organised exist in both orders. In the first, the right edge of a frame goes on
    in the left edge of the next one; in the second, its lower edge in the upper one. Where neither fits better, as on
    empty glass, it is the standard's order.

    Parameters
    ----------
    grid
        How blocks lie; there is a frame for each.
    frame
        Returns a frame by number, (h, w, 3).
    """
    rows, columns = grid.count // grid.across, grid.across
    by_rows = np.arange(grid.count, dtype=np.int64)
    if min(rows, columns) < 2:
        return by_rows
    seams = np.array([_seams(frame, first) for first in _firsts(rows, columns)])
    beside, below = seams.mean(axis=0)
    return by_rows.reshape(columns, rows).T.ravel() if below < _CLEARLY * beside else by_rows


def _firsts(rows: int, columns: int) -> NDArray[np.int64]:
    """Return frames whose next one is a neighbour in both orders and is not cut by the edge in either."""
    numbers = np.arange(rows * columns - 1)
    inner = ((numbers + 1) % columns > 0) & ((numbers + 1) % rows > 0)
    chosen: NDArray[np.int64] = numbers[inner] if inner.any() else numbers
    return chosen[np.linspace(0, len(chosen) - 1, min(_PAIRS, len(chosen)), dtype=np.int64)]


def _seams(frame: Callable[[int], NDArray[np.uint8]], first: int) -> tuple[float, float]:
    """Return how much two consecutive frames differ where they would touch: side by side, and one below the other."""
    one, other = frame(first).astype(np.int16), frame(first + 1).astype(np.int16)
    return float(np.abs(one[:, -1] - other[:, 0]).mean()), float(np.abs(one[-1] - other[0]).mean())
