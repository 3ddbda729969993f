"""Slope and intercept of calibration: the logistic regression of the truth on the model's logit. NumPy only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.estimate import Estimate
from cancernet.metrics.intervals import Z95, student

__all__ = ["calibration_line"]

Floats = NDArray[np.float64]

_ALIKE = 1e-6  # logits that differ by less are one: what is left is rounding
_EPSILON = float(np.finfo(np.float64).eps)
_WIDEST = 1e3  # half an interval on the logit scale, beyond which it says nothing
_STEPS = 100  # of Newton's method; it needs about 8


def calibration_line(positive_truth: ArrayLike, p_positive: ArrayLike, *, groups: ArrayLike) -> dict[str, Estimate]:
    """Return `calibration_slope` (1 is right) and `calibration_intercept` (0 is right) by logistic recalibration.

    The slope is that of a logistic regression of the truth on the logit of the probability: below 1 the probabilities
    are too extreme. The intercept is that of the same regression with the slope held at 1 (calibration in the large):
    above 0 the probabilities are too low on average. Intervals are Wald's; where groups have several rows the
    variance is the one that is robust to groups.

    Parameters
    ----------
    positive_truth
        Shape (n,), bool.
    p_positive
        Shape (n,): probability of the positive class.
    groups
        Shape (n,): index of the group.

    References
    ----------
    Cox 1958, doi:10.1093/biomet/45.3-4.562; Van Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005;
    Liang and Zeger 1986, doi:10.1093/biomet/73.1.13.
    """
    truth, codes = np.asarray(positive_truth, dtype=np.float64), np.asarray(groups, dtype=np.int64)
    shares = np.clip(np.asarray(p_positive, dtype=np.float64), _EPSILON, 1 - _EPSILON)
    logits = np.log(shares) - np.log1p(-shares)
    constant = np.ones((len(logits), 1))
    line = np.column_stack([constant, logits])
    lines = {
        "calibration_slope": (line, np.zeros_like(logits), _why_no_slope(truth, logits)),
        "calibration_intercept": (constant, logits, _why_no_intercept(truth)),
    }
    return {
        name: _last_coefficient(*parts[:2], truth=truth, groups=codes, why=parts[2]) for name, parts in lines.items()
    }


def _why_no_intercept(truth: Floats) -> str | None:
    """Return why no logistic regression has a finite intercept."""
    return None if 0 < truth.mean() < 1 else "all rows are of one class"


def _why_no_slope(truth: Floats, logits: Floats) -> str | None:
    """Return why no logistic regression has a finite slope."""
    if _why_no_intercept(truth):
        return _why_no_intercept(truth)
    if np.ptp(logits) < _ALIKE:
        return "all rows have the same probability"
    inside, outside = logits[truth == 1], logits[truth == 0]
    apart = inside.min() >= outside.max() or outside.min() >= inside.max()
    return "the probabilities separate the classes perfectly, no finite slope fits" if apart else None


def _last_coefficient(
    design: Floats, offset: Floats, *, truth: Floats, groups: NDArray[np.int64], why: str | None
) -> Estimate:
    """Return the last coefficient of a logistic regression with its Wald interval."""
    rows, count = len(truth), len(np.unique(groups))
    if why:
        return Estimate.undefined(why, n=rows, groups=count)
    weights = _newton(design, offset, truth)
    means = _expit(design @ weights + offset)
    bread = np.asarray(np.linalg.inv((design * (means * (1 - means))[:, None]).T @ design), dtype=np.float64)
    clustered = count < rows
    spread = _sandwich(bread, design * (truth - means)[:, None], groups, count) if clustered else bread
    reach = student(max(count - 1, 1)) if clustered else Z95
    value, half = float(weights[-1]), reach * math.sqrt(spread[-1, -1])
    if count < 2:
        return Estimate(value, None, None, rows, count, "none", "the rows are of one group")
    if not half < _WIDEST:
        return Estimate(value, None, None, rows, count, "none", "the probabilities are all next to 0 or 1")
    method = "wald, robust to groups" if clustered else "wald"
    return Estimate(value, value - half, value + half, rows, count, method)


def _newton(design: Floats, offset: Floats, truth: Floats) -> Floats:
    """Return the coefficients of greatest likelihood by Newton's method with halved steps."""
    weights = np.zeros(design.shape[1])
    loss = _loss(design @ weights + offset, truth)
    for _ in range(_STEPS):
        means = _expit(design @ weights + offset)
        slope = design.T @ (truth - means)
        curvature = (design * (means * (1 - means))[:, None]).T @ design
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        while _loss(design @ (weights + step) + offset, truth) > loss + 1e-12 and np.abs(step).max() > _EPSILON:
            step = step / 2
        weights = weights + step
        loss = _loss(design @ weights + offset, truth)
        if np.abs(step).max() < 1e-10:
            break
    return weights


def _loss(logits: Floats, truth: Floats) -> float:
    """Return the mean negative logarithm of the likelihood."""
    return float((np.logaddexp(0, logits) - truth * logits).mean())


def _sandwich(bread: Floats, scores: Floats, groups: NDArray[np.int64], count: int) -> Floats:
    """Return the covariance that is robust to groups."""
    sums = np.stack([np.bincount(np.unique(groups, return_inverse=True)[1], weights=part) for part in scores.T], axis=1)
    spread: Floats = bread @ (sums.T @ sums) @ bread * (count / max(count - 1, 1))
    return spread


def _expit(logits: Floats) -> Floats:
    """Return probabilities of logits without overflow."""
    return np.exp(-np.logaddexp(0, -logits))
