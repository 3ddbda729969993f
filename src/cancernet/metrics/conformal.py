"""Split conformal sets: which classes a case may be of, at a promised coverage. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput

__all__ = ["fit_conformal", "prediction_sets"]

_ROUNDING = 1e-9  # sums of weights that should be equal differ by less


def fit_conformal(probabilities: ArrayLike, truth: ArrayLike, *, coverage: float, groups: ArrayLike) -> float:
    """Return the quantile of 1 - p(true class) that `prediction_sets` needs.

    Each group weighs 1 / (groups + 1), shared by its rows; the missing part stands for the case to come, whose score
    may be anything. The truth is then in the set of a new group's row with at least the coverage, averaged over groups.
    With too few groups for the coverage the quantile is 1.0: every set holds all classes.

    Parameters
    ----------
    probabilities
        Shape (n, classes), calibrated, of rows that the weights have not seen.
    truth
        Shape (n,): codes.
    coverage
        Promised share, above 0 and below 1.
    groups
        Shape (n,): the group of each row.

    Raises
    ------
    InvalidInput
        When the coverage is not between 0 and 1, or there are no rows.

    References
    ----------
    Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World; groups: Lee, Barber and Willett 2023,
    arXiv:2306.06342, section 3.
    """
    if not 0 < coverage < 1:
        raise InvalidInput(f"The coverage is {coverage}", "A number above 0 and below 1", "Try 0.9")
    values, codes = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if not len(values):
        raise InvalidInput("There are no rows to fit conformal sets on", "One row at least")
    scores = 1 - values[np.arange(len(values)), codes]
    _, place, rows = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    weights = 1 / (rows[place] * (len(rows) + 1.0))
    order = np.argsort(scores, kind="stable")
    reached = np.flatnonzero(np.cumsum(weights[order]) >= coverage - _ROUNDING)
    return float(np.clip(scores[order[reached[0]]], 0, 1)) if reached.size else 1.0


def prediction_sets(probabilities: ArrayLike, quantile: float, predicted: ArrayLike) -> NDArray[np.bool_]:
    """Return which classes each case may be of.

    Parameters
    ----------
    probabilities
        Shape (n, classes), calibrated as those that the quantile was fitted on.
    quantile
        From `fit_conformal`; 1.0 gives all classes.
    predicted
        Shape (n,): codes of the answers, which may differ from the most probable class.

    Returns
    -------
    Shape (n, classes), bool; the most probable class and the answer are always in.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    sets = 1 - values <= quantile
    rows = np.arange(len(values))
    sets[rows, values.argmax(axis=1)] = True
    sets[rows, np.asarray(predicted, dtype=np.int64)] = True
    return sets
