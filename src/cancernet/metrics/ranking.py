"""How well a score ranks: AUROC, average precision, DeLong's interval. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.metrics.binary import ratio
from cancernet.metrics.intervals import Z95

__all__ = ["Ranking", "area", "auroc", "average_precision", "delong", "perfect_area", "precision_area"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows sorted by score, highest first, so that one sort serves all resamples.

    Parameters
    ----------
    scores
        Shape (n,), falling.
    hits
        Shape (n,), 1.0 where the event happened.
    groups
        Shape (n,): index of the group.
    ends
        Shape (different scores,): last row of each run of equal scores.
    """

    scores: Floats
    hits: Floats
    groups: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, scores: ArrayLike, hits: ArrayLike, groups: ArrayLike) -> Ranking:
        """Sort rows given in any order: scores, whether the event happened, group indices, each of shape (n,)."""
        values = np.asarray(scores, dtype=np.float64)
        order = np.argsort(-values, kind="stable")
        values = values[order]
        ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
        happened = np.asarray(hits)[order].astype(np.float64)
        return cls(values, happened, np.asarray(groups, dtype=np.int64)[order], ends)

    def curve(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return true and false positives at each different score.

        Parameters
        ----------
        counts
            Shape (draws, groups): how often each group counts.

        Returns
        -------
        Two arrays of shape (draws, different scores).
        """
        weights = counts[:, self.groups]
        mass = np.cumsum(weights, axis=1)[:, self.ends]
        weights *= self.hits
        true = np.cumsum(weights, axis=1, out=weights)[:, self.ends]
        return true, mass - true

    def gap(self, counts: Floats) -> Floats:
        """Return the running sum of score minus event at each different score; shape (draws, different scores)."""
        weights = counts[:, self.groups]
        weights *= self.scores - self.hits
        return np.cumsum(weights, axis=1, out=weights)[:, self.ends]


def area(true: Floats, false: Floats) -> Floats:
    """Return the area under the ROC curve, ties counted half; NaN without rows of both kinds.

    Parameters
    ----------
    true, false
        Shape (draws, different scores), from `Ranking.curve`.
    """
    steps = np.diff(false, axis=1, prepend=0)
    heights = true - np.diff(true, axis=1, prepend=0) / 2
    return ratio(np.einsum("ij,ij->i", steps, heights), true[:, -1] * false[:, -1])


def precision_area(true: Floats, false: Floats) -> Floats:
    """Return the average precision (no interpolation); NaN without events. Arguments as for `area`."""
    called = true + false
    precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
    steps = np.diff(true, axis=1, prepend=0)
    return ratio(np.einsum("ij,ij->i", steps, precision), true[:, -1])


def auroc(positive_truth: ArrayLike, p_positive: ArrayLike) -> float | None:
    """Return the probability that a positive row scores above a negative one; None without rows of both kinds.

    Parameters
    ----------
    positive_truth
        Shape (n,), bool.
    p_positive
        Shape (n,): any score that rises with the positive class.
    """
    return _single(area, positive_truth, p_positive)


def average_precision(positive_truth: ArrayLike, p_positive: ArrayLike) -> float | None:
    """Return the mean of the precision over the positive rows; None without any. Arguments as for `auroc`."""
    return _single(precision_area, positive_truth, p_positive)


def _single(
    function: Callable[[Floats, Floats], Floats], positive_truth: ArrayLike, p_positive: ArrayLike
) -> float | None:
    """Apply `area` or `precision_area` to rows that count once."""
    rows = np.asarray(p_positive).shape[0]
    if rows == 0:
        return None
    curve = Ranking.of(p_positive, positive_truth, np.zeros(rows)).curve(np.ones((1, 1)))
    value = float(function(*curve)[0])
    return None if math.isnan(value) else value


def delong(positive_truth: ArrayLike, p_positive: ArrayLike) -> tuple[float, float] | None:
    """Return the 95 % interval of AUROC for independent rows, on the logit scale so that it stays within 0 and 1.

    None where the variance is zero (perfect ranking) or cannot be had (a class with one row); see `perfect_area`.

    Parameters
    ----------
    positive_truth
        Shape (n,), bool.
    p_positive
        Shape (n,): any score that rises with the positive class.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595; logit interval: Pepe 2003, The Statistical Evaluation
    of Medical Tests for Classification and Prediction, section 5.2.
    """
    truth, scores = np.asarray(positive_truth, dtype=bool), np.asarray(p_positive, dtype=np.float64)
    above = _shares_below(scores[truth], scores[~truth])
    below = 1 - _shares_below(scores[~truth], scores[truth])
    if min(len(above), len(below)) < 2:
        return None
    value = float(above.mean())
    variance = above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)
    if variance <= 0 or not 0 < value < 1:
        return None
    half = Z95 * math.sqrt(variance) / (value * (1 - value))
    return _expit(_logit(value) - half), _expit(_logit(value) + half)


def perfect_area(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the 95 % score interval of AUROC from the numbers of rows alone; it exists for a perfect ranking too.

    Parameters
    ----------
    value
        AUROC, 0 to 1.
    positives, negatives
        Independent rows (or groups) of either kind, at least 1.

    References
    ----------
    Newcombe 2006, doi:10.1002/sim.2324, method 5 (the variance of Hanley and McNeil 1982 at the bound).
    """

    def outside(bound: float) -> bool:
        pairs, mean = positives * negatives, (positives + negatives) / 2 - 1
        spread = 1 + mean * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        return (value - bound) ** 2 > Z95**2 * bound * (1 - bound) * spread / pairs

    return _bisect(0.0, value, outside), _bisect(1.0, value, outside)


def _bisect(outer: float, inner: float, outside: Callable[[float], bool]) -> float:
    """Return the bound between a point outside the interval and one within it."""
    for _ in range(60):
        middle = (outer + inner) / 2
        if outside(middle):
            outer = middle
        else:
            inner = middle
    return inner


def _shares_below(scores: Floats, others: Floats) -> Floats:
    """Return for each score the share of the others below it, ties counted half."""
    ordered = np.sort(others)
    left, right = np.searchsorted(ordered, scores, "left"), np.searchsorted(ordered, scores, "right")
    return (left + right) / 2 / max(len(ordered), 1)


def _logit(share: float) -> float:
    """Return the logarithm of the odds."""
    return math.log(share / (1 - share))


def _expit(logit: float) -> float:
    """Return the share of a logit."""
    return 1 / (1 + math.exp(-logit))
