"""Missing values filled with medians that only training rows have seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.errors import InvalidInput

__all__ = ["Medians"]


@dataclass(frozen=True, eq=False)
class Medians:
    """One median per column.

    Parameters
    ----------
    values
        Shape (features,), float64, in the units of the columns.
    """

    values: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[np.float64], names: Sequence[str] = ()) -> Medians:
        """Return the medians of the values that are there.

        Parameters
        ----------
        values
            Shape (n, features), training rows only; NaN is missing.
        names
            Of the columns, for the message.

        Raises
        ------
        InvalidInput
            When a column is missing in all rows.
        """
        empty = np.isnan(values).all(axis=0)
        if empty.any():
            missing = [names[i] if names else f"number {i + 1}" for i in np.flatnonzero(empty).tolist()]
            raise InvalidInput(
                f"No median: these columns have no value in any of the {len(values)} training rows: {listed(missing)}",
                "Expected at least one number in each column",
                "Leave these columns out with drop",
            )
        return cls(np.nanmedian(values, axis=0))

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a copy of the values, shape (n, features), with every NaN replaced by the column's median."""
        if values.shape[1:] != self.values.shape:
            raise InvalidInput(f"Values of shape {values.shape}", f"Expected {len(self.values)} columns")
        return np.where(np.isnan(values), self.values, values)
