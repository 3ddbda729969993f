"""Which tiles of a grid are scored: those that hold enough tissue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.geometry import summed_area
from cancernet.scan.foci import Tissue
from cancernet.scan.grid import Grid

__all__ = ["tissue_shares", "wanted_tiles"]


def wanted_tiles(grid: Grid, tissue: Tissue, *, share: float) -> NDArray[np.bool_]:
    """Return which tiles (rows, columns) hold at least this share of tissue, and some tissue at all."""
    found = tissue_shares(grid, tissue)
    wanted: NDArray[np.bool_] = (found >= share) & (found > 0)
    return wanted


def tissue_shares(grid: Grid, tissue: Tissue) -> NDArray[np.float64]:
    """Return which share of each tile is tissue, (rows, columns).

    A pixel of the thumbnail counts for the tile that holds its middle; what lies beyond the thumbnail is none. A tile
    smaller than a pixel takes the one that holds its own middle.
    """
    (width, height), (l0_x, l0_y) = grid.l0_tile, tissue.l0_per_px
    rows, columns = tissue.mask.shape
    left, right = _edges(grid.region.l0_x, grid.l0_stride[0], grid.columns, (width, tissue.box.l0_x, l0_x, columns))
    top, bottom = _edges(grid.region.l0_y, grid.l0_stride[1], grid.rows, (height, tissue.box.l0_y, l0_y, rows))
    sums = summed_area(tissue.mask)
    inside = (
        sums[np.ix_(bottom, right)] - sums[np.ix_(bottom, left)] - sums[np.ix_(top, right)] + sums[np.ix_(top, left)]
    )
    per_tile = max(width / l0_x, 1.0) * max(height / l0_y, 1.0)
    shares: NDArray[np.float64] = np.minimum(inside / per_tile, 1.0)
    return shares


def _edges(
    first: float, stride: float, count: int, plane: tuple[float, float, float, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and last edge of the pixels of each tile along a side; the plane: tile, origin, pixel, pixels."""
    tile, origin, pixel, pixels = plane
    starts = (first + np.arange(count) * stride - origin) / pixel
    ends = starts + tile / pixel
    low, high = np.rint(starts).astype(np.int64), np.rint(ends).astype(np.int64)
    middle = np.floor((starts + ends) / 2).astype(np.int64)
    narrow = high <= low
    low, high = np.where(narrow, middle, low), np.where(narrow, middle + 1, high)
    return np.clip(low, 0, pixels), np.clip(high, 0, pixels)
