"""Ellipses with the moments of nuclei, and their convex hulls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure.contours import enclosed
from cancernet.cells.measure.pixels import Pixels

__all__ = ["ellipses", "solidity"]

_DIRECTIONS = 64  # in which the hull is looked for; a disc loses 0.16 % of its area
_AT_ONCE = 512  # contours whose hulls are looked for together: 34 MB
_PIXEL = 1 / 12  # variance of a square of side 1

Floats = NDArray[np.float64]


def ellipses(pixels: Pixels, *, mpp: float) -> dict[str, Floats]:
    """Return of the ellipse with the same second moments: both axes, eccentricity, orientation.

    Returns
    -------
    `x_um` and `y_um`, the centre from the corner of the image; `major_um` and `minor_um`, whole lengths;
    `eccentricity`, 0 for a circle; `orientation_deg`, of the long axis against the horizontal, above 0 where it rises
    to the right, -90 to 90. Each of shape (n,).

    References
    ----------
    Moments of pixels as squares: a pixel adds 1/12 to each variance, as MATLAB's `regionprops` does, and scikit-image's
    does not.
    """
    row, column = np.divmod(pixels.place, pixels.width)
    x, y = pixels.mean(column), pixels.mean(row)
    across, down = column - x[pixels.nucleus], row - y[pixels.nucleus]
    xx, yy, xy = (pixels.mean(one) for one in (across * across, down * down, across * down))
    xx, yy = xx + _PIXEL, yy + _PIXEL
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    long, short = middle + half, np.maximum(middle - half, 0.0)
    return {
        "x_um": (x + 0.5) * mpp,
        "y_um": (y + 0.5) * mpp,
        "major_um": 4 * np.sqrt(long) * mpp,
        "minor_um": 4 * np.sqrt(short) * mpp,
        "eccentricity": np.sqrt(1 - short / long),
        "orientation_deg": np.degrees(np.arctan2(-2 * xy, xx - yy) / 2),
    }


def solidity(points: NDArray[np.float64]) -> Floats:
    """Return the area of each contour by that of its convex hull, (n,): 1 for what is convex.

    The hull is the polygon of the farthest points in 64 directions.

    Parameters
    ----------
    points
        Shape (n, points, 2), with the clock as seen.
    """
    parts = [_solidity(points[start : start + _AT_ONCE]) for start in range(0, len(points), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty(0)


def _solidity(points: NDArray[np.float64]) -> Floats:
    """Return the same of few contours."""
    angles = 2 * np.pi * np.arange(_DIRECTIONS // 2) / _DIRECTIONS
    reach = points @ np.stack([np.cos(angles), np.sin(angles)])  # (n, points, directions / 2)
    ends = np.concatenate([reach.argmax(axis=1), reach.argmin(axis=1)], axis=1)
    hull = np.take_along_axis(points, ends[..., None], axis=1)
    share: Floats = np.minimum(enclosed(points) / np.maximum(enclosed(hull), np.finfo(float).tiny), 1.0)
    return share
