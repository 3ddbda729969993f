"""Net benefit: what acting on a model is worth, compared with treating all or none. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["net_benefit"]


def net_benefit(positive_truth: ArrayLike, p_positive: ArrayLike, *, thresholds: ArrayLike) -> NDArray[np.float64]:
    """Return true positives per row less false positives weighted by the odds of the threshold.

    Parameters
    ----------
    positive_truth
        Shape (n,), bool; one row at least.
    p_positive
        Shape (n,): calibrated probability of the positive class.
    thresholds
        Shape (m,): probability from which on one would act, at least 0 and below 1.

    Returns
    -------
    Shape (m,): share of rows, at most the prevalence; 0 is worth as much as treating none.

    References
    ----------
    Vickers and Elkin 2006, doi:10.1177/0272989X06295361.
    """
    truth, marks = np.asarray(positive_truth, dtype=bool), np.asarray(thresholds, dtype=np.float64)
    scores = np.asarray(p_positive, dtype=np.float64)
    true = _at_least(scores[truth], marks) / len(scores)
    false = _at_least(scores[~truth], marks) / len(scores)
    benefit: NDArray[np.float64] = true - false * marks / (1 - marks)
    return benefit


def _at_least(scores: NDArray[np.float64], marks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many scores reach each mark."""
    return np.asarray(len(scores) - np.searchsorted(np.sort(scores), marks, side="left"), dtype=np.int64)
