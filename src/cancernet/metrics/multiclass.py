"""Metrics of several classes from confusion counts, rows truth and columns answers. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.binary import f1, ratio

__all__ = ["balanced_accuracy", "kappa", "macro_f1", "recalls"]

Floats = NDArray[np.float64]


def recalls(confusion: Floats) -> Floats:
    """Return the share of each class that was answered right.

    Parameters
    ----------
    confusion
        Shape (..., classes, classes).

    Returns
    -------
    Shape (..., classes), NaN for a class without rows.
    """
    return ratio(_hits(confusion), confusion.sum(axis=-1))


def balanced_accuracy(confusion: Floats) -> Floats:
    """Return the mean of the recalls, NaN when a class has no rows; shape (...)."""
    means: Floats = recalls(confusion).mean(axis=-1)
    return means


def macro_f1(confusion: Floats) -> Floats:
    """Return the mean of F1 over the classes, each taken as positive in turn, NaN when a class has no rows."""
    hits, rows = _hits(confusion), confusion.sum(axis=-1)
    scores = f1(hits, confusion.sum(axis=-2) - hits, rows - hits)
    means: Floats = np.where(rows > 0, scores, np.nan).mean(axis=-1)
    return means


def kappa(confusion: Floats) -> Floats:
    """Return the agreement beyond chance.

    References
    ----------
    Cohen 1960, doi:10.1177/001316446002000104.
    """
    total = confusion.sum(axis=(-2, -1))
    chance = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1)
    return ratio(_hits(confusion).sum(axis=-1) * total - chance, total**2 - chance)


def _hits(confusion: Floats) -> Floats:
    """Return the counts of right answers per class."""
    return np.diagonal(confusion, axis1=-2, axis2=-1)
