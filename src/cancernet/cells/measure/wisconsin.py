"""The features of shape of Street, Wolberg and Mangasarian 1993, of all contours at once.

Their paper gives words, not formulas, and their program was never published. What stands in quotation marks was read in
public excerpts of the paper. Where the words leave room, the reading taken here is stated with each function; it was
chosen so that fields of real nuclei fall into the range of the Wisconsin table, without looking at diagnoses.
`docs/cells.md` shows the readings drawn, and the ranges side by side.

References
----------
Street, Wolberg and Mangasarian 1993, Nuclear feature extraction for breast tumor diagnosis, Proc. SPIE 1905: 861-870,
doi 10.1117/12.148698. The list of the ten: `wdbc.names` of the UCI repository, doi 10.24432/C5DW2B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure.contours import POINTS, enclosed, lengths
from cancernet.cells.measure.symmetry import symmetry

__all__ = [
    "SHAPES",
    "compactness",
    "concave_points",
    "concavity",
    "fractal_dimension",
    "radius",
    "shapes",
    "smoothness",
    "symmetry",
]

SHAPES = (
    "radius",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
"""The nine that a contour alone gives; texture needs the image."""

_SURROUNDING = 3  # radial lines on either side that count as surrounding
_HALF_CHORD = (
    12  # points on either side of a point that its chord joins: 3/16 of the contour, to see small indentations
)
_LEAST_DEPTH = 1e-3  # of the mean radius; a straight side is not concave
_RULERS = (4, 8, 16, 32)  # points that a ruler spans: polygons of 32, 16, 8 and 4 sides

Points = NDArray[np.float64]  # (n, POINTS, 2)
Floats = NDArray[np.float64]  # (n,)


def shapes(points: Points) -> dict[str, Floats]:
    """Return the nine features of each contour, by name, in the unit of the points.

    Parameters
    ----------
    points
        Shape (n, POINTS, 2), float64: x, y at equal distances, with the clock as seen.
    """
    depth = _depths(points)
    return {
        "radius": radius(points),
        "perimeter": lengths(points),
        "area": enclosed(points),
        "smoothness": smoothness(points),
        "compactness": compactness(points),
        "concavity": concavity(points, depth),
        "concave_points": concave_points(points, depth),
        "symmetry": symmetry(points),
        "fractal_dimension": fractal_dimension(points),
    }


def radius(points: Points) -> Floats:
    """Return the mean length of the lines from the centre (the mean of the points) to the points."""
    mean: Floats = _radii(points).mean(axis=1)
    return mean


def smoothness(points: Points) -> Floats:
    """Return the local variation of the radius: sum |r_i - mean of the surrounding r| / perimeter.

    "the difference between the length of a radial line and the mean length of the lines surrounding it". Surrounding
    are here three lines on either side, of 128; the sum runs over all lines. No unit; 0 for a circle.
    """
    radii = _radii(points)
    near = [np.roll(radii, step, axis=1) for step in range(-_SURROUNDING, _SURROUNDING + 1) if step]
    local: Floats = np.abs(radii - np.mean(near, axis=0)).sum(axis=1) / lengths(points)
    return local


def compactness(points: Points) -> Floats:
    """Return perimeter^2 / (4 pi area) - 1: 0 for a circle, 4/pi - 1 for a square.

    `wdbc.names` writes "perimeter^2 / area - 1.0", which is 11.6 for a circle; the table holds 0.02 to 0.35. With the
    factor 4 pi the means of the table agree with its column up to a ratio of 1.14 (median), as means of a convex
    function should; so this is what was computed.
    """
    ratio: Floats = lengths(points) ** 2 / (4 * np.pi * enclosed(points)) - 1
    return ratio


def concavity(points: Points, depth: NDArray[np.float64] | None = None) -> Floats:
    """Return how severe the indentations are: sum of the depths below the chords / perimeter.

    The paper draws chords between points that are not neighbours, short ones for the sake of small indentations, and
    measures how far the boundary lies inside of them. A chord joins here the points 12 before and 12 behind a point, of
    128; its depth is that of the point below it. 0 for what is convex.
    """
    depth = _depths(points) if depth is None else depth
    severity: Floats = depth.sum(axis=1) / lengths(points)
    return severity


def concave_points(points: Points, depth: NDArray[np.float64] | None = None) -> Floats:
    """Return the share of the points that lie below their chord: the number, not the severity.

    The table holds 0 to 0.2, so it is a share. A point counts when it is deeper than 0.001 of the mean radius.
    """
    depth = _depths(points) if depth is None else depth
    share: Floats = (depth > _LEAST_DEPTH * radius(points)[:, None]).mean(axis=1)
    return share


def fractal_dimension(points: Points) -> Floats:
    """Return the coastline approximation less 1: minus the slope of log(perimeter) over log(ruler).

    The perimeter is measured with larger and larger rulers. A ruler spans here 4, 8, 16 and 32 of
    the 128 points: finer ones see no more than pixels do. Its length is that of its mean step, and the perimeter the
    mean over all points to begin at. A circle has 0.0492; the lowest value of the Wisconsin table is 0.0500.
    """
    steps = [np.roll(points, -span, axis=1) - points for span in _RULERS]
    rulers = np.stack([np.hypot(step[..., 0], step[..., 1]).mean(axis=1) for step in steps])
    perimeters = np.log(rulers * (POINTS / np.array(_RULERS))[:, None])
    rulers = np.log(rulers)
    rulers, perimeters = rulers - rulers.mean(axis=0), perimeters - perimeters.mean(axis=0)
    slope: Floats = -(rulers * perimeters).sum(axis=0) / (rulers**2).sum(axis=0)
    return slope


def _radii(points: Points) -> NDArray[np.float64]:
    """Return the lengths of the radial lines, (n, POINTS)."""
    lines = points - points.mean(axis=1, keepdims=True)
    radii: NDArray[np.float64] = np.hypot(lines[..., 0], lines[..., 1])
    return radii


def _depths(points: Points) -> NDArray[np.float64]:
    """Return how far each point lies below its chord, (n, POINTS), 0 where it lies above."""
    before, behind = np.roll(points, _HALF_CHORD, axis=1), np.roll(points, -_HALF_CHORD, axis=1)
    chord, line = behind - before, points - before
    across = chord[..., 0] * line[..., 1] - chord[..., 1] * line[..., 0]  # below 0 where the contour bulges out
    length = np.hypot(chord[..., 0], chord[..., 1])
    depth: NDArray[np.float64] = np.maximum(across, 0.0) / np.maximum(length, np.finfo(float).tiny)
    return depth
