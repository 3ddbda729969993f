"""Logistic regression with the elastic net for many columns: few of them are chosen, with weights that shrink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput

__all__ = ["ElasticNet", "fit_elastic"]

STRENGTH, RATIO = 0.02, 0.5  # of the penalty, and the share of the absolute values in it
_STEPS, _SMALL = 2_000, 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ElasticNet:
    """A fitted model on standardised columns.

    Parameters
    ----------
    weights
        Shape (columns, classes): change of a logit for one standard deviation of a column; 0 where it was not chosen.
    intercept
        Shape (classes,).
    mean, scale
        Shape (columns,), of the training rows.
    """

    weights: Floats
    intercept: Floats
    mean: Floats
    scale: Floats

    def logits(self, values: ArrayLike) -> Floats:
        """Return logits (n, classes) of raw rows (n, columns)."""
        standard = (np.asarray(values, dtype=np.float64) - self.mean) / self.scale
        logits: Floats = standard @ self.weights + self.intercept
        return logits


def fit_elastic(
    values: ArrayLike, codes: ArrayLike, *, classes: int, strength: float = STRENGTH, ratio: float = RATIO
) -> ElasticNet:
    """Return the model that minimises mean loss + strength x (ratio x abs(w) + (1 - ratio) / 2 x w²).

    Parameters
    ----------
    values
        Shape (n, columns), complete; columns are standardised by these rows.
    codes
        Shape (n,), of the classes.
    classes
        How many.
    strength, ratio
        Of the penalty, as lambda and alpha of glmnet.

    Raises
    ------
    InvalidInput
        When the rows are of one class.

    References
    ----------
    Zou & Hastie 2005, doi:10.1111/j.1467-9868.2005.00503.x; penalty as Friedman et al. 2010, doi:10.18637/jss.v033.i01;
    minimised by accelerated proximal gradients with restarts: Beck & Teboulle 2009, doi:10.1137/080716542, O'Donoghue
    & Candès 2015, doi:10.1007/s10208-013-9150-3.
    """
    raw, truth = np.asarray(values, dtype=np.float64), np.asarray(codes, dtype=np.int64)
    if len(np.unique(truth)) < 2:
        raise InvalidInput("The training rows are of one class", "Two classes at least", "Use other folds")
    mean, spread = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    x = np.column_stack([np.ones(len(raw)), (raw - mean) / scale])
    wanted = np.zeros((len(raw), classes))
    wanted[np.arange(len(raw)), truth] = 1
    found = _minimised(x, wanted, strength, ratio)
    return ElasticNet(found[1:], found[0] - found[0].mean(), mean, scale)


def _minimised(x: Floats, wanted: Floats, strength: float, ratio: float) -> Floats:
    """Return intercepts and weights, (1 + columns, classes)."""
    n = len(x)
    step = 1 / (0.5 * _largest_square(x) / n + strength * (1 - ratio))
    here = ahead = np.zeros((x.shape[1], wanted.shape[1]))
    pace = 1.0
    for _ in range(_STEPS):
        slope = x.T @ (_shares(x @ ahead) - wanted) / n
        slope[1:] += strength * (1 - ratio) * ahead[1:]
        new = ahead - step * slope
        new[1:] = np.sign(new[1:]) * np.maximum(np.abs(new[1:]) - step * strength * ratio, 0)
        moved = new - here
        if ((ahead - new) * moved).sum() > 0:  # momentum points uphill: start it anew
            pace = 1.0
        following = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead, here, pace = new + (pace - 1) / following * moved, new, following
        if np.abs(moved).max() < _SMALL:
            break
    return here


def _largest_square(x: Floats) -> float:
    """Return the largest eigenvalue of x'x, by the smaller of the two Gram matrices."""
    gram = x @ x.T if x.shape[0] < x.shape[1] else x.T @ x
    return float(np.linalg.eigvalsh(gram)[-1])


def _shares(logits: Floats) -> Floats:
    """Return the softmax of each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return shares
