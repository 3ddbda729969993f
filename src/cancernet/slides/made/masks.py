"""Outlines as a coarse picture of the whole slide, from which any block learns how far inside its pixels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        return (values / np.float32(255) - np.float32(0.5)) * np.float32(_BLUR * np.sqrt(2 * np.pi) * self.cell)

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
    from PIL import Image, ImageDraw, ImageFilter

    cell = step * _KNOTS
    while size[0] * size[1] / cell**2 > _MOST_CELLS:
        cell *= 2
    picture = Image.new("L", (-(-size[0] // cell) + 2 * _MARGIN, -(-size[1] // cell) + 2 * _MARGIN))
    pen = ImageDraw.Draw(picture)
    for polygon in polygons:
        for ring, inside in ((polygon.exterior, 255), *((hole, 0) for hole in polygon.interiors)):
            knots = np.array(ring.coords) / cell + _MARGIN - 0.5
            pen.polygon([(float(x), float(y)) for x, y in knots], fill=inside)
    return Mask(np.asarray(picture.filter(ImageFilter.GaussianBlur(_BLUR))).copy(), cell)
