"""Metrics of two classes from the four counts; arrays of any shape, NaN where a number does not exist. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["f1", "jaccard", "matthews", "ratio"]

Floats = NDArray[np.float64]


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return numerator / denominator, NaN where the denominator is zero."""
    missing = np.full(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)), np.nan)
    shares: Floats = np.divide(numerator, denominator, out=missing, where=np.asarray(denominator) != 0)
    return shares


def f1(tp: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the harmonic mean of sensitivity and positive predictive value."""
    return ratio(2 * tp, 2 * tp + fp + fn)


def jaccard(tp: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the share of hits among rows that are positive or called so; F1 = 2 J / (1 + J)."""
    return ratio(tp, tp + fp + fn)


def matthews(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> Floats:
    """Return the correlation of answers and truth.

    References
    ----------
    Matthews 1975, doi:10.1016/0005-2795(75)90109-9.
    """
    margins = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return ratio(tp * tn - fp * fn, margins)
