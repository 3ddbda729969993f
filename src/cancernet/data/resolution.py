"""How finely a table measures: whether two equal rows must be the same aspirate, or can be two patients by chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Resolution", "resolution_of", "row_codes"]

_MANY = 50  # a feature with so many values, or half as many as there are rows, takes many values
_FEW = 12  # a feature with fewer whole values takes few, in a table of a few rows as well
_DECIMALS = 6  # a feature written with more is measured without steps
_CHANCE_PAIRS = 0.05  # fewer chance pairs than this: equal rows are no accident


@dataclass(frozen=True)
class Resolution:
    """Whether equal rows can be chance.

    Parameters
    ----------
    continuous
        True: two rows that agree in all features are one and the same measurement.
    many_valued
        How many features take many values.
    chance_pairs
        Pairs of rows that would agree in all of these features by chance, if they were independent.
    """

    continuous: bool
    many_valued: int
    chance_pairs: float

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return asdict(self)


def resolution_of(values: NDArray[np.float64]) -> Resolution:
    """Return how finely the features resolve the rows; repeats of a row count once.

    Parameters
    ----------
    values
        Shape (n, features), NaN where missing.
    """
    codes = row_codes(values)
    distinct = values[np.unique(codes, return_index=True)[1]]
    n = len(distinct)
    many = [column for column in distinct.T if _takes_many(column, n)]
    pairs = n * (n - 1) / 2 * float(np.prod([_chance(column) for column in many]))
    return Resolution(bool(many) and pairs < _CHANCE_PAIRS, len(many), pairs)


def row_codes(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number per row that is equal for equal rows; equal means equal as float32, missing equals missing.

    Parameters
    ----------
    values
        Shape (n, features).

    Returns
    -------
    Shape (n,), int64, from 0.
    """
    if not values.size:
        return np.arange(len(values), dtype=np.int64)
    with np.errstate(over="ignore"):
        coarse = np.asarray(values, dtype=np.float32) + np.float32(0)  # + 0 turns -0 into 0
    coarse[np.isnan(coarse)] = np.nan
    rows = np.ascontiguousarray(coarse).view(np.dtype((np.void, coarse.itemsize * coarse.shape[1])))
    return np.unique(rows.ravel(), return_inverse=True)[1].ravel().astype(np.int64)


def _takes_many(column: NDArray[np.float64], rows: int) -> bool:
    """Tell whether a feature takes many values: 50, or half as many as there are rows and not a dozen whole ones."""
    present = column[~np.isnan(column)]
    count = len(np.unique(present))
    whole = bool((present == np.round(present)).all())
    return count >= min(_MANY, rows / 2) and (count >= _FEW or not whole)


def _chance(column: NDArray[np.float64]) -> float:
    """Return the probability that two patients have the same value of a feature: never below one in its steps."""
    return max(_tied_share(column), 1 / _steps(column))


def _steps(column: NDArray[np.float64]) -> float:
    """Return how many values the range of a feature holds, as finely as it is written; infinite beyond 6 decimals."""
    present = column[~np.isnan(column)]
    for decimals in range(_DECIMALS + 1):
        if np.allclose(present, np.round(present, decimals), rtol=1e-12, atol=0):
            return float(np.ptp(present)) * 10.0**decimals + 1
    return float("inf")


def _tied_share(column: NDArray[np.float64]) -> float:
    """Return the share of the pairs of rows that have the same value of a feature; missing values are one value."""
    counts = np.unique(column, return_counts=True)[1].astype(np.float64)
    pairs = len(column) * (len(column) - 1)
    return float((counts * (counts - 1)).sum() / pairs) if pairs else 0.0
