"""Candidates for mitosis: dark, clumped nuclei, for a person to look at. No detector, and never counted as mitoses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["clumped", "least_dark", "mitosis_candidates"]

_DARKER = 2.0  # standard deviations above the middle of the field, the deviation taken from the quartiles
_COMPACT, _HOLLOW = 0.1, 0.04  # least compactness and 1 - solidity: a lymphocyte is dark and round
_LONGEST = 0.95  # eccentricity: what is longer is a fibroblast
_LEAST_UM2, _MOST_UM2 = 15.0, 150.0
_QUARTILES = 1.349  # standard deviations between the quartiles of a normal distribution


def mitosis_candidates(table: pd.DataFrame) -> NDArray[np.intp]:
    """Return the rows of nuclei that are dark for their field and clumped, the darkest first.

    A candidate has a mean haematoxylin 2 robust standard deviations above the median of the field, 15 to 150 square
    microns, is whole, not smooth and round (compactness of at least 0.1, solidity of at most 0.96) and no thread
    (eccentricity of at most 0.95). The rule was set by eye and not validated: of 37 nuclei in 15 patients of MoNuSeg
    that nearly the same rule chose, one or two looked like mitoses, the others like dark shrunken or spindle-shaped
    nuclei.

    Parameters
    ----------
    table
        Of `measure_nuclei`.

    Returns
    -------
    Shape (candidates,): rows.
    """
    dark = table["haematoxylin"].to_numpy(np.float64)
    if len(dark) < 2:
        return np.empty(0, np.intp)
    least = least_dark(*np.quantile(dark, [0.25, 0.5, 0.75]))
    chosen = np.flatnonzero((dark >= least) & clumped(table))
    ordered: NDArray[np.intp] = chosen[np.argsort(-dark[chosen], kind="stable")]
    return ordered


def least_dark(low: float, middle: float, high: float) -> float:
    """Return the haematoxylin from which a nucleus is dark, by the quartiles of its field or slide."""
    return float(middle + _DARKER * max((high - low) / _QUARTILES, 1e-6))


def clumped(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which nuclei have the size and shape of a candidate, however dark, (n,)."""
    compact, hollow = table["compactness"].to_numpy(np.float64), 1 - table["solidity"].to_numpy(np.float64)
    area = table["area_um2"].to_numpy(np.float64)
    other = (table["eccentricity"].to_numpy(np.float64) > _LONGEST) | table["cut"].to_numpy(bool)
    with np.errstate(invalid="ignore"):
        shaped = (compact >= _COMPACT) & (hollow >= _HOLLOW) & ~other
    found: NDArray[np.bool_] = shaped & (area >= _LEAST_UM2) & (area <= _MOST_UM2)
    return found
