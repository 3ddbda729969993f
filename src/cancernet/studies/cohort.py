"""All rows of a study as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Medians

__all__ = ["Cohort"]


@dataclass(frozen=True, eq=False)
class Cohort:
    """What decisions and baselines are made of; of patches `values` are image statistics, of bags mean features.

    Parameters
    ----------
    values
        (n, columns) float64, raw units, NaN where missing.
    codes
        Class codes, (n,).
    groups
        (n,) text.
    variants
        (n, columns), the values that each row has in another guise, which is as well known; None without.
    """

    values: NDArray[np.float64]
    codes: NDArray[np.int64]
    groups: NDArray[np.str_]
    variants: NDArray[np.float64] | None = None

    def filled(self, rows: NDArray[np.int64], medians: Medians) -> NDArray[np.float64]:
        """Return the values of rows without gaps."""
        return medians.apply(self.values[rows])

    def guises(self, rows: NDArray[np.int64], medians: Medians) -> NDArray[np.float64]:
        """Return the values of rows without gaps, followed by those of their other guise."""
        known = self.filled(rows, medians)
        return known if self.variants is None else np.concatenate([known, medians.apply(self.variants[rows])])
