"""Stacking of classes: a logistic regression whose weights are drawn to the plain mean of the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.data import rows_by_fold
from cancernet.errors import InvalidInput
from cancernet.fusion.options import StackOptions

__all__ = ["PENALTIES", "Stack", "fit_stack", "mean_weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RIDGE, _SMALL = 1e-9, 1e-10
_STEPS, _HALVES = 50, 20
PENALTIES = tuple(np.geomspace(100.0, 1e-3, 11).tolist())  # the first is next to the mean, the last next to none


@dataclass(frozen=True, eq=False)
class Stack:
    """A fitted stack.

    Parameters
    ----------
    weights
        Shape (columns, classes): change of a logit by one unit of a source's answer.
    intercept
        Shape (classes,).
    penalty
        As it was chosen.
    """

    weights: Floats
    intercept: Floats
    penalty: float

    def logits(self, values: ArrayLike) -> Floats:
        """Return logits (n, classes) of the answers of the sources (n, columns)."""
        logits: Floats = np.asarray(values, dtype=np.float64) @ self.weights + self.intercept
        return logits


def mean_weights(places: Mapping[str, Sequence[int]], classes: int) -> Floats:
    """Return the weights (columns, classes) of the plain mean of the sources: a geometric mean of their probabilities.

    Parameters
    ----------
    places
        Positions of the columns of each source: one, of the odds of the last of two classes, or one for each class.
    classes
        How many.
    """
    columns = sum(map(len, places.values()))
    weights = np.zeros((columns, classes))
    for at in places.values():
        weights[list(at)] = [[-0.5, 0.5]] if len(at) == 1 else np.eye(classes)
    return weights / len(places)


def fit_stack(
    values: ArrayLike,
    codes: ArrayLike,
    *,
    centre: Floats,
    groups: ArrayLike,
    options: StackOptions | None = None,
    seed: int = 0,
) -> Stack:
    """Return the stack that minimises mean log loss + penalty / 2 x (weights - centre)².

    Parameters
    ----------
    values
        Shape (n, columns): answers of the sources for patients that these had not seen.
    codes
        Shape (n,): their classes.
    centre
        Shape (columns, classes): what the weights are drawn to; see `mean_weights`.
    groups
        Shape (n,): rows of one patient stay together in the inner folds.
    options
        How.
    seed
        Of the inner folds.

    Raises
    ------
    InvalidInput
        When the rows lack a class, or a class has too few patients.

    References
    ----------
    Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1; van der Laan, Polley and Hubbard 2007, doi:10.2202/1544-6115.1309.
    """
    rows, truth = np.asarray(values, dtype=np.float64), np.asarray(codes, dtype=np.int64)
    chosen = options or StackOptions()
    if len(np.unique(truth)) < centre.shape[1]:
        raise InvalidInput("The training rows lack a class", "Patients of each class", "Use fewer folds")
    if chosen.penalty is not None:
        return _fitted(rows, truth, centre, chosen.penalty)
    folds = rows_by_fold(truth, np.asarray(groups), folds=chosen.inner_folds, seed=seed)
    losses = [_held_out_loss(rows, truth, centre, penalty=penalty, folds=folds) for penalty in PENALTIES]
    return _fitted(rows, truth, centre, PENALTIES[int(np.argmin(losses))])


def _held_out_loss(rows: Floats, truth: Ints, centre: Floats, *, penalty: float, folds: Sequence[Ints]) -> float:
    """Return the log loss of rows that were left out."""
    total = 0.0
    for held in folds:
        stack = _fitted(np.delete(rows, held, axis=0), np.delete(truth, held), centre, penalty)
        total += _losses(stack.logits(rows[held]), truth[held]).sum()
    return total


def _losses(logits: Floats, truth: Ints) -> Floats:
    """Return the log loss of each row."""
    losses: Floats = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(truth)), truth]
    return losses


def _fitted(rows: Floats, truth: Ints, centre: Floats, penalty: float) -> Stack:
    """Return the stack with a given penalty, by Newton's method with halved steps."""
    x, wanted = np.column_stack([rows, np.ones(len(rows))]), np.eye(centre.shape[1])[truth]
    aim = np.vstack([centre, np.zeros(centre.shape[1])])
    ridge = np.full(len(aim), max(penalty, _RIDGE))
    ridge[-1] = _RIDGE  # the intercepts are free, but for a constant in all of them

    def objective(weights: Floats) -> float:
        """Return what is minimised."""
        return float(_losses(x @ weights, truth).mean() + (ridge[:, None] * (weights - aim) ** 2).sum() / 2)

    here, loss = aim, objective(aim)
    for _ in range(_STEPS):
        step = _newton_step(x, wanted, here, aim=aim, ridge=ridge)
        tried = [here - step / 2**half for half in range(_HALVES)]
        ahead = next((weights for weights in tried if objective(weights) <= loss), here)
        here, loss, before = ahead, objective(ahead), loss
        if before - loss < _SMALL:
            break
    return Stack(here[:-1], here[-1] - here[-1].mean(), penalty)


def _newton_step(x: Floats, wanted: Floats, weights: Floats, *, aim: Floats, ridge: Floats) -> Floats:
    """Return the inverse of the curvature times the slope, in the shape of the weights."""
    logits = x @ weights
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    slope = x.T @ (shares - wanted) / len(x) + ridge[:, None] * (weights - aim)
    count, classes = weights.shape
    bent = np.empty((classes, count, classes, count))
    for one in range(classes):
        for other in range(classes):
            spread = shares[:, one] * ((one == other) - shares[:, other]) / len(x)
            bent[one, :, other] = (x * spread[:, None]).T @ x + np.diag(ridge) * (one == other)
    size = classes * count
    step = np.linalg.solve(bent.reshape(size, size), slope.T.ravel())
    return np.asarray(step.reshape(classes, count).T, dtype=np.float64)
