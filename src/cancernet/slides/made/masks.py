"""Outlines as a coarse picture of the whole slide, from which any block learns how far inside its pixels are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.made.paint import Knots

if TYPE_CHECKING:
    from shapely import Polygon

__all__ = ["Mask", "draw_mask"]

_KNOTS = 4  # of the coarse grid to a cell
_MOST_CELLS = 16_000_000  # bytes that the picture of a slide may take
_BLUR = 1.5  # cells; gives distances to about as many cells from the line
_MARGIN = 4  # cells around the slide


@dataclass(frozen=True, eq=False)
class Mask:
    """How much of the surroundings of each cell lies inside.

    Parameters
    ----------
    picture
        Shape (rows, columns), uint8, with a margin of 4 cells around the slide.
    cell
        Pixels of a cell's side.
    """

    picture: NDArray[np.uint8]
    cell: int

    def inside(self, knots: Knots) -> NDArray[np.float32]:
        """Return how many pixels each knot lies inside the nearest line, below 0 outside; right near lines only."""
        up = self._weights(knots.rows * knots.step, len(self.picture))
        along = self._weights(knots.columns * knots.step, self.picture.shape[1])
        near = self.picture[np.ix_(np.append(up[0], up[0][-1] + 1), np.append(along[0], along[0][-1] + 1))]
        rows = near[up[1]] + (near[up[1] + 1].astype(np.float32) - near[up[1]]) * up[2][:, None]
        values = rows[:, along[1]] + (rows[:, along[1] + 1] - rows[:, along[1]]) * along[2]
        # The blurred edge of a half plane rises by 1 / (blur sqrt(2 pi)) for each cell.
        slope = np.float32(_BLUR * np.sqrt(2 * np.pi) * self.cell)
        inside: NDArray[np.float32] = (values / np.float32(255) - np.float32(0.5)) * slope
        return inside

    def _weights(
        self, pixels: NDArray[np.int64], cells: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return the cells that are needed, and for each pixel the place of the cell before it, and its weight."""
        place = pixels / self.cell - 0.5 + _MARGIN
        before = np.clip(np.floor(place).astype(np.int64), 0, cells - 2)
        needed = np.arange(before[0], before[-1] + 1)
        return needed, before - before[0], np.clip(place - before, 0, 1).astype(np.float32)


def draw_mask(polygons: Sequence[Polygon], size: tuple[int, int], *, step: int) -> Mask:
    """Return the mask of some polygons, with holes.

    Parameters
    ----------
    polygons
        In pixels.
    size
        Width and height of the slide.
    step
        Pixels between knots of the coarse grid.
    """
    from PIL import Image, ImageFilter

    cell = step * _KNOTS
    while size[0] * size[1] / cell**2 > _MOST_CELLS:
        cell *= 2
    covered = np.zeros((-(-size[1] // cell) + 2 * _MARGIN, -(-size[0] // cell) + 2 * _MARGIN), dtype=np.float32)
    for ring in _rings(polygons, size, cell):
        _add_crossings(covered, np.array(ring.coords) / cell + _MARGIN)
    np.cumsum(covered, axis=1, out=covered)
    picture = Image.fromarray(np.rint(np.clip(covered, 0, 1) * 255).astype(np.uint8))
    return Mask(np.asarray(picture.filter(ImageFilter.GaussianBlur(_BLUR))).copy(), cell)


def _rings(polygons: Sequence[Polygon], size: tuple[int, int], cell: int) -> Iterator[Any]:
    """Yield the rings of what lies on the slide, or just beside it: outer ones against the clock, holes with it."""
    from shapely import box, orient_polygons

    beside = (_MARGIN - 1) * cell
    slide = box(-beside, -beside, size[0] + beside, size[1] + beside)
    for polygon in polygons:
        parts = polygon.intersection(slide)
        for part in getattr(parts, "geoms", [parts]):
            if part.geom_type == "Polygon" and not part.is_empty:
                whole = orient_polygons(part)
                yield from (whole.exterior, *whole.interiors)


def _add_crossings(covered: NDArray[np.float32], ring: NDArray[np.float64]) -> None:
    """Add where a ring crosses two lines through each row of cells; a sum along the rows is then what it covers.

    Along the lines the area is exact. What lies to the right of an edge begins where the edge leads up, and ends where
    it leads down.
    """
    begins, ends = ring[:-1], ring[1:]
    for line in (0.25, 0.75):
        first, last = (np.ceil(y - line).astype(np.int64) for y in np.sort([begins[:, 1], ends[:, 1]], axis=0))
        edges = np.repeat(np.arange(len(begins)), last - first)
        rows = first[edges] + np.arange(len(edges)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        start, way = begins[edges], ends[edges] - begins[edges]
        x = start[:, 0] + (rows + line - start[:, 1]) / way[:, 1] * way[:, 0]
        columns = np.floor(x).astype(np.int64)
        half = np.where(
            way[:, 1] > 0, -0.5, 0.5
        )  # y runs down the picture: a ring against the clock there enters upwards
        np.add.at(covered, (rows, columns), half * (columns + 1 - x))
        np.add.at(covered, (rows, columns + 1), half * (x - columns))
