"""The 30 features of a field: mean, standard error and worst of the ten features of its nuclei."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.fna.units import UM_PER_UNIT, in_units
from cancernet.cells.measure import WISCONSIN
from cancernet.data import FNA_FEATURES
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FNA_NAMES", "FieldNuclei", "nuclei_of", "statistics", "statistics_without_each"]

FNA_NAMES = tuple(feature.name for feature in FNA_FEATURES)
"""Names of the 30 in the order of the table: ten means, ten standard errors, ten worst."""

_WORST = 3  # "worst" is the mean of so many largest values

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FieldNuclei:
    """The nuclei of a field that count: whole, with all ten features.

    Parameters
    ----------
    rows
        Shape (n,): their rows in the table of the field.
    nucleus
        Shape (n,): their numbers.
    um
        Shape (n, 10), float64: the ten features in microns.
    left_out
        How many nuclei were cut by the border, or lack a feature.
    """

    rows: NDArray[np.intp]
    nucleus: NDArray[np.intp]
    um: Floats
    left_out: int

    def __len__(self) -> int:
        """Return how many count."""
        return len(self.rows)

    def units(self, um_per_unit: float = UM_PER_UNIT) -> Floats:
        """Return the ten features in the units of the Wisconsin table, (n, 10)."""
        return in_units(self.um, um_per_unit=um_per_unit)


def nuclei_of(table: pd.DataFrame) -> FieldNuclei:
    """Return the nuclei of a field that count for its 30 features.

    Raises
    ------
    InvalidInput
        When there are fewer than 3: "worst" is the mean of the three largest values.
    """
    values = table[list(WISCONSIN.values())].to_numpy(np.float64)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1) & ~table["cut"].to_numpy(bool))
    if len(rows) < _WORST:
        raise InvalidInput(
            f"Whole nuclei in this field: {len(rows)} of {len(table)}",
            f"At least {_WORST}: the worst value of a feature is the mean of the three largest",
            "Take a larger field; nuclei that the border cuts do not count",
        )
    return FieldNuclei(rows, table["nucleus"].to_numpy(np.intp)[rows], values[rows], len(table) - len(rows))


def statistics(values: Floats) -> Floats:
    """Return mean, standard error and worst of the columns, (n, 10) to (30,).

    The standard error is the standard deviation (n - 1) by the root of n, n being the real number of nuclei.

    References
    ----------
    Street, Wolberg and Mangasarian 1993, doi 10.1117/12.148698; `wdbc.names`: "worst" is the mean of the three largest
    values.
    """
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    worst = np.sort(values, axis=0)[-_WORST:].mean(axis=0)
    return np.concatenate([values.mean(axis=0), error, worst])


def statistics_without_each(values: Floats) -> Floats:
    """Return the statistics of a field without each one of its nuclei, (n, 10) to (n, 30).

    Raises
    ------
    InvalidInput
        When fewer than 3 would be left.
    """
    count = len(values)
    if count <= _WORST:
        raise InvalidInput(f"{count} nuclei to leave one out of", f"At least {_WORST + 1}", "Take a larger field")
    centred = values - values.mean(axis=0)
    mean = -centred / (count - 1)  # of the others, about the mean of all
    variance = ((centred**2).sum(axis=0) - centred**2 - (count - 1) * mean**2) / (count - 2)
    error = np.sqrt(np.maximum(variance, 0.0) / (count - 1))
    return np.concatenate([mean + values.mean(axis=0), error, _worst_without_each(values)], axis=1)


def _worst_without_each(values: Floats) -> Floats:
    """Return the mean of the three largest values of the others, (n, 10): who is among them gives way to the next."""
    order = np.argsort(values, axis=0, kind="stable")[::-1]
    largest = np.take_along_axis(values, order[: _WORST + 1], axis=0)
    worst = np.tile(largest[:_WORST].mean(axis=0), (len(values), 1))
    for place in range(_WORST):
        change = (largest[_WORST] - largest[place]) / _WORST
        worst[order[place], np.arange(values.shape[1])] += change
    return worst
