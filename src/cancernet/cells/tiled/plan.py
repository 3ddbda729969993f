"""Tiles of a slide: where nuclei are looked for, and which tile owns which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import AROUND_UM
from cancernet.geometry import Box
from cancernet.scan import Tissue
from cancernet.slides import Pitch, Slide

__all__ = ["MARGIN_UM", "Plane", "Tile", "plane_of", "tiles_of"]

MARGIN_UM = AROUND_UM + 20.0
"""Around each tile: neighbours are counted to 25 microns; 20 more, so that these are whole and as without tiles."""

_PX_SIDE = 1536  # pixels of a tile with its margins: larger ones took more memory and no less time
_STEP = 32  # pixels that tiles and margins are multiples of: what halves an image some times sees the same halves


@dataclass(frozen=True)
class Plane:
    """Square pixels over a slide, as fine as its own.

    Parameters
    ----------
    size
        Width and height.
    l0_per_px
        Base-level pixels to one of them, across and down: other than 1 where those are not square.
    mpp
        Microns per pixel.
    """

    size: tuple[int, int]
    l0_per_px: tuple[float, float]
    mpp: float

    @property
    def margin(self) -> int:
        """Pixels around a tile."""
        return _STEP * ceil(MARGIN_UM / self.mpp / _STEP)

    @property
    def stride(self) -> int:
        """Pixels of a tile's side without its margins."""
        return _STEP * max(_PX_SIDE // _STEP - 2 * self.margin // _STEP, ceil(2 * self.margin / _STEP))

    def box(self, part: tuple[int, int, int, int]) -> Box:
        """Return a part (left, top, right, bottom) in base-level pixels."""
        (across, down), (left, top, right, bottom) = self.l0_per_px, part
        return Box(left * across, top * down, (right - left) * across, (bottom - top) * down)


@dataclass(frozen=True)
class Tile:
    """A part of a plane; both parts are left, top, right, bottom in its pixels, the last two not included.

    Parameters
    ----------
    own
        Nuclei whose centre lies here belong to the tile.
    seen
        With the margins, as far as the slide reaches.
    """

    own: tuple[int, int, int, int]
    seen: tuple[int, int, int, int]

    def owns(self, centres: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which centres, (n, 2) in pixels of the plane, belong to the tile."""
        left, top, right, bottom = self.own
        inside: NDArray[np.bool_] = np.all((centres >= (left, top)) & (centres < (right, bottom)), axis=1)
        return inside


def plane_of(slide: Slide, pitch: Pitch) -> Plane:
    """Return the plane of a slide."""
    (width, height), side = slide.l0_size, pitch.mpp
    size = max(1, round(width * pitch.um_x / side)), max(1, round(height * pitch.um_y / side))
    return Plane(size, (width / size[0], height / size[1]), side)


def tiles_of(plane: Plane, tissue: Tissue) -> Iterator[Tile]:
    """Yield the tiles that hold tissue, row by row, each no larger than its tissue needs."""
    (width, height), stride = plane.size, plane.stride
    for top in range(0, height, stride):
        for left in range(0, width, stride):
            own = _around_tissue((left, top, min(left + stride, width), min(top + stride, height)), plane, tissue)
            if own is not None:
                yield Tile(own, _with_margin(own, plane))


def _around_tissue(part: tuple[int, int, int, int], plane: Plane, tissue: Tissue) -> tuple[int, int, int, int] | None:
    """Return the least part, in steps of 32 pixels, around the tissue of a part; None without any."""
    scale = np.array(plane.l0_per_px) / np.array(tissue.l0_per_px)  # pixels of the mask to one of the plane
    first = np.floor(part[:2] * scale).astype(int)
    last = np.ceil(part[2:] * scale).astype(int)
    mask = tissue.mask[first[1] : last[1], first[0] : last[0]]
    if not mask.any():
        return None
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    low = (first + np.array((columns[0], rows[0]))) / scale
    high = (first + np.array((columns[-1] + 1, rows[-1] + 1))) / scale
    left, top = (max(start, _STEP * floor(one / _STEP)) for start, one in zip(part[:2], low, strict=True))
    right, bottom = (min(end, _STEP * ceil(one / _STEP)) for end, one in zip(part[2:], high, strict=True))
    return left, top, right, bottom


def _with_margin(own: tuple[int, int, int, int], plane: Plane) -> tuple[int, int, int, int]:
    """Return a part with its margins, as far as the slide reaches."""
    (width, height), margin = plane.size, plane.margin
    left, top, right, bottom = own
    return max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin)
