"""Where the tiles of a slide lie: a grid that the card's patch size in microns decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.slides import Pitch

__all__ = ["Grid", "grid_of"]

_SNAP = 0.02  # a level whose pixels differ by less from those of the card is taken as it is: sharper and faster
_NEARLY_NOTHING = 1e-6  # of a stride: what rounding may leave at the edge


@dataclass(frozen=True)
class Grid:
    """Tiles in rows and columns over a region; those at the right and lower edge may reach beyond it.

    Parameters
    ----------
    region
        What is covered, in base-level pixels.
    l0_per_px_x, l0_per_px_y
        Base-level pixels to one pixel of a tile.
    px_tile
        Pixels of a tile's side, as the network takes it.
    px_stride
        Pixels from one tile to the next.
    columns, rows
        How many.
    """

    region: Box
    l0_per_px_x: float
    l0_per_px_y: float
    px_tile: int
    px_stride: int
    columns: int
    rows: int

    def __len__(self) -> int:
        """Return the number of tiles."""
        return self.columns * self.rows

    @property
    def l0_tile(self) -> tuple[float, float]:
        """Width and height of a tile."""
        return self.px_tile * self.l0_per_px_x, self.px_tile * self.l0_per_px_y

    @property
    def l0_stride(self) -> tuple[float, float]:
        """How far a tile lies from the next one to the right, and below."""
        return self.px_stride * self.l0_per_px_x, self.px_stride * self.l0_per_px_y

    def corners(self, columns: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the upper left corners (n, 2), x and y in base-level pixels, of tiles given by column and row (n,)."""
        width, height = self.l0_stride
        return np.stack([self.region.l0_x + columns * width, self.region.l0_y + rows * height], axis=1)

    def box(self, column: int, row: int, *, columns: int = 1, rows: int = 1) -> Box:
        """Return the box of so many tiles to the right of and below a tile, from corner to corner."""
        (x, y), (width, height) = self.corners(np.array([column]), np.array([row]))[0], self.px_size(columns, rows)
        return Box(float(x), float(y), width * self.l0_per_px_x, height * self.l0_per_px_y)

    def px_size(self, columns: int, rows: int) -> tuple[int, int]:
        """Return width and height in tile pixels of so many columns and rows of tiles."""
        return tuple((count - 1) * self.px_stride + self.px_tile for count in (columns, rows))  # type: ignore[return-value]


def grid_of(
    region: Box,
    pitch: Pitch,
    *,
    px_tile: int,
    mpp: float,
    overlap: float = 0.0,
    downsamples: tuple[float, ...] = (1.0,),
) -> Grid:
    """Return the grid that covers a region.

    A level of the slide whose pixels are within 2 % of the card's is read as it is, and the grid follows its pixels.

    Parameters
    ----------
    region
        In base-level pixels.
    pitch
        Of the slide's base level.
    px_tile, mpp
        Of the card: pixels of a side, microns per pixel.
    overlap
        Share of a tile that the next one covers too, 0 to 0.9.
    downsamples
        Of the slide's levels.

    Raises
    ------
    InvalidInput
        When the overlap is outside its range, or the region is empty.
    """
    if not 0 <= overlap <= 0.9:
        raise InvalidInput(f"An overlap of {overlap:g}", "0 to 0.9", "For half of a tile say 0.5")
    if region.l0_width <= 0 or region.l0_height <= 0:
        raise InvalidInput(
            f"A region of {region.l0_width:g} x {region.l0_height:g} pixels", "A region that is not empty"
        )
    scale_x, scale_y = (_snapped(mpp / side, downsamples) for side in (pitch.um_x, pitch.um_y))
    px_stride = max(1, round(px_tile * (1 - overlap)))
    counts = [
        _count(extent / scale, px_tile, px_stride)
        for extent, scale in ((region.l0_width, scale_x), (region.l0_height, scale_y))
    ]
    return Grid(region, scale_x, scale_y, px_tile, px_stride, *counts)


def _snapped(scale: float, downsamples: tuple[float, ...]) -> float:
    """Return the downsample of a level that is close enough, or the scale itself."""
    nearest = min(downsamples, key=lambda downsample: abs(math.log(downsample / scale)))
    return nearest if abs(nearest / scale - 1) <= _SNAP else scale


def _count(px_extent: float, px_tile: int, px_stride: int) -> int:
    """Return how many tiles cover so many pixels, the last of them beyond the edge where they do not fit."""
    beyond = (px_extent - px_tile) / px_stride
    return 1 + max(0, math.ceil(beyond - _NEARLY_NOTHING))
