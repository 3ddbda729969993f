"""How nuclei are arranged: crowded, by chance, or evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrangement", "arrangement_of"]

_FEWEST = 7  # the correction for the border was fitted on more


@dataclass(frozen=True)
class Arrangement:
    """The index of Clark and Evans.

    Parameters
    ----------
    ratio
        Mean distance to the nearest neighbour, by what it would be if places were drawn by chance: below 1 clustered,
        above 1 regular (at most 2.149, a honeycomb). Nuclei that cannot overlap are above 1 when they are dense. None
        for fewer than 7 nuclei.
    z
        How many standard errors the mean distance lies from that of chance.
    """

    ratio: float | None
    z: float | None


def arrangement_of(centres: NDArray[np.float64], size_um: tuple[float, float]) -> Arrangement:
    """Return how places are arranged in a rectangle.

    Parameters
    ----------
    centres
        Shape (n, 2): x, y in microns from the corner.
    size_um
        Width and height of the rectangle.

    References
    ----------
    Clark and Evans 1954, doi 10.2307/1931034. What chance gives near borders: Donnelly 1978, Simulations to determine
    the variance and edge effect of total nearest neighbour distance.
    """
    from scipy.spatial import cKDTree

    count, (width, height) = len(centres), size_um
    if count < _FEWEST:
        return Arrangement(None, None)
    mean = float(cKDTree(centres).query(centres, k=2)[0][:, 1].mean())
    area, border = width * height, 2 * (width + height)
    expected = 0.5 * np.sqrt(area / count) + (0.0514 + 0.041 / np.sqrt(count)) * border / count
    error = np.sqrt(0.0703 * area / count**2 + 0.037 * border * np.sqrt(area / count**5))
    return Arrangement(float(mean / expected), float((mean - expected) / error))
