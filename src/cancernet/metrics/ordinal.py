"""Metrics of ordered grades from confusion counts, rows truth and columns answers. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.binary import ratio

__all__ = ["mean_absolute_error", "quadratic_kappa"]

Floats = NDArray[np.float64]


def quadratic_kappa(confusion: Floats) -> Floats:
    """Return the agreement beyond chance where a miss counts by its squared distance in grades.

    1 - sum(d^2 observed) / sum(d^2 expected), with d the distance of truth and answer, and the counts expected from
    the margins of the table.

    Parameters
    ----------
    confusion
        Shape (..., grades, grades), in the order of severity.

    Returns
    -------
    Shape (...), at most 1, 0 for chance; NaN where all rows are, and were called, of one grade.

    References
    ----------
    Cohen 1968, doi:10.1037/h0026256.
    """
    weights = _distances(confusion) ** 2
    chance = confusion.sum(axis=-1)[..., :, None] * confusion.sum(axis=-2)[..., None, :]  # times the number of rows
    observed = (weights * confusion).sum(axis=(-2, -1)) * confusion.sum(axis=(-2, -1))
    agreement: Floats = 1 - ratio(observed, (weights * chance).sum(axis=(-2, -1)))
    return agreement


def mean_absolute_error(confusion: Floats) -> Floats:
    """Return the mean distance of truth and answer in grades; confusion (..., grades, grades), NaN without rows."""
    return ratio((_distances(confusion) * confusion).sum(axis=(-2, -1)), confusion.sum(axis=(-2, -1)))


def _distances(confusion: Floats) -> Floats:
    """Return how far each cell lies from the diagonal, shape (grades, grades)."""
    grades = np.arange(confusion.shape[-1], dtype=np.float64)
    return np.abs(grades[:, None] - grades)
