"""Masks and polygons: from pixels to outlines in base-level pixels, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.slides.outlines.pieces import Piece, pieces_of
from cancernet.slides.tissue.picture import checked_mpp

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

__all__ = ["polygons_of", "rasterise"]


def polygons_of(
    mask: NDArray[np.bool_],
    l0_scale: Sequence[float],
    *,
    min_area_um2: float = 0.0,
    l0_mpp: Sequence[float] = (1.0, 1.0),
) -> list[Polygon]:
    """Return the outlines of a mask, along the edges of its pixels.

    Pixels that share an edge are one polygon; holes are kept. The areas are those of the pixels exactly, and
    `rasterise` gives the same mask again.

    Parameters
    ----------
    mask
        Shape (h, w), bool.
    l0_scale
        Width and height of a pixel of the mask in base-level pixels.
    min_area_um2
        Polygons of less are left out; needs `l0_mpp`.
    l0_mpp
        Width and height of a base-level pixel in microns.

    Returns
    -------
    Valid shapely polygons in base-level pixels, in the order of their first pixels.

    Raises
    ------
    InvalidInput
        When the mask is not a boolean picture, or a scale is not above 0.
    MissingResolution
        When `l0_mpp` is not above 0.
    """
    mask = np.asarray(mask)
    if mask.dtype != np.bool_ or mask.ndim != 2:
        raise InvalidInput(f"A mask of shape {mask.shape} and type {mask.dtype}", "(h, w), bool", "Compare it first")
    scale, (um_x, um_y) = _checked_scale(l0_scale), checked_mpp(l0_mpp)
    polygons = [_polygon(piece, scale) for piece in pieces_of(mask)]
    return [polygon for polygon in polygons if polygon.area * um_x * um_y >= min_area_um2]


def rasterise(
    polygons: Iterable[Polygon | MultiPolygon], shape: tuple[int, int], *, l0_scale: Sequence[float]
) -> NDArray[np.bool_]:
    """Return the mask of polygons: a pixel belongs to it when its centre lies inside of any.

    Parameters
    ----------
    polygons
        In base-level pixels; what lies beyond the mask is cut off.
    shape
        Height and width of the mask.
    l0_scale
        Width and height of a pixel of the mask in base-level pixels.

    Returns
    -------
    Shape (h, w), bool. A centre on a left or upper edge is inside, on a right or lower edge outside, so that polygons
    which share an edge share no pixel.

    Raises
    ------
    InvalidInput
        When a scale is not above 0.
    """
    import shapely

    scale = _checked_scale(l0_scale)
    mask = np.zeros(shape, bool)
    for polygon in polygons:
        for part in shapely.get_parts(polygon):
            rings = [part.exterior, *part.interiors]
            _fill(mask, [shapely.get_coordinates(ring) / scale for ring in rings])
    return mask


def _checked_scale(l0_scale: Sequence[float]) -> NDArray[np.float64]:
    """Return the scale as an array of two numbers above 0."""
    scale = np.asarray(l0_scale, dtype=np.float64)
    if scale.shape != (2,) or not (np.isfinite(scale) & (scale > 0)).all():
        found = f"A scale of {np.asarray(l0_scale).tolist()}"
        raise InvalidInput(found, "Base-level pixels per pixel of the mask: two numbers above 0, x and y")
    return scale


def _polygon(piece: Piece, scale: NDArray[np.float64]) -> Polygon:
    """Return a piece of a mask in base-level pixels."""
    from shapely import Polygon

    return Polygon(piece.shell * scale, [hole * scale for hole in piece.holes])


def _fill(mask: NDArray[np.bool_], rings: list[NDArray[np.float64]]) -> None:
    """Set the pixels whose centres lie inside an odd number of the rings, (n, 2) each, closed, in pixels of the mask.

    Along each row the edges that cross the height of its centres are counted: between an odd and an even one is inside.
    """
    begin, end = (np.concatenate([ring[part] for ring in rings]) for part in (slice(None, -1), slice(1, None)))
    rows, columns = _crossings(begin, end)
    inside = (rows >= 0) & (rows < mask.shape[0])
    if not inside.any():
        return
    rows, columns = rows[inside], np.clip(columns[inside], 0, mask.shape[1])
    top, left = rows.min(), columns.min()
    height, width = rows.max() - top + 1, columns.max() - left + 1
    counts = np.bincount((rows - top) * width + columns - left, minlength=height * width).reshape(height, width)
    odd = (np.cumsum(counts, axis=1) % 2).astype(bool)[:, :-1]  # from the last crossing on, nothing is inside
    mask[top : top + height, left : left + width - 1] |= odd


def _crossings(begin: NDArray[np.float64], end: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each edge and each row of centres that it crosses: the row, and the first column beyond."""
    first, last = (np.ceil(pick(begin[:, 1], end[:, 1]) - 0.5).astype(np.int64) for pick in (np.minimum, np.maximum))
    crossed = last - first
    edge = np.repeat(np.arange(len(begin)), crossed)
    rows = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    (x, y), (x_end, y_end) = begin[edge].T, end[edge].T
    at = x + (rows + 0.5 - y) * (x_end - x) / (y_end - y)
    return rows, np.ceil(at - 0.5).astype(np.int64)
