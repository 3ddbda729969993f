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
    """

    values: NDArray[np.float64]
    codes: NDArray[np.int64]
    groups: NDArray[np.str_]

    def filled(self, rows: NDArray[np.int64], medians: Medians) -> NDArray[np.float64]:
        """Return the values of rows without gaps."""
        return medians.apply(self.values[rows])
