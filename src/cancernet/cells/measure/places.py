"""Where nuclei stand: their neighbours, how dense it is around them, how far the border of the image is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["AROUND_UM", "places"]

AROUND_UM = 25.0
"""Radius in which neighbours are counted: two or three cells."""

_RINGS, _SPOKES = 8, 24  # of the points by which the part of a disc inside of the image is found

Floats = NDArray[np.float64]


def places(centres: Floats, size_um: tuple[float, float]) -> dict[str, Floats]:
    """Return how nuclei stand to each other.

    Parameters
    ----------
    centres
        Shape (n, 2): x, y in microns from the corner of the image.
    size_um
        Width and height of the image in microns.

    Returns
    -------
    `nearest_um`, distance to the nearest other centre, NaN for the only nucleus; `neighbours`, other centres within 25
    microns; `density_per_mm2`, of these by the part of that disc that lies in the image; `border_um`, from the centre
    to the nearest border. Each of shape (n,).
    """
    from scipy.spatial import cKDTree

    if not len(centres):
        return {name: np.empty(0) for name in ("nearest_um", "neighbours", "density_per_mm2", "border_um")}
    tree = cKDTree(centres)
    nearest = tree.query(centres, k=2)[0][:, 1]
    near = tree.query_ball_point(centres, AROUND_UM, return_length=True) - 1
    inside = _inside(centres, size_um) * np.pi * (AROUND_UM / 1000) ** 2
    return {
        "nearest_um": np.where(np.isfinite(nearest), nearest, np.nan),
        "neighbours": near.astype(np.float64),
        "density_per_mm2": near / inside,
        "border_um": np.minimum(centres, np.array(size_um) - centres).min(axis=1),
    }


def _inside(centres: Floats, size_um: tuple[float, float]) -> Floats:
    """Return which part of the disc around each centre lies in the image: of points that stand for equal areas."""
    reach = AROUND_UM * np.sqrt((np.arange(_RINGS) + 0.5) / _RINGS)
    angle = 2 * np.pi * np.arange(_SPOKES) / _SPOKES
    disc = np.stack([np.outer(reach, np.cos(angle)), np.outer(reach, np.sin(angle))], axis=-1).reshape(-1, 2)
    points = centres[:, None] + disc
    share: Floats = ((points >= 0) & (points <= np.array(size_um))).all(axis=2).mean(axis=1)
    return np.maximum(share, 1 / len(disc))
