"""Cox with a ridge penalty, by Newton's method; more columns than patients are turned into fewer without loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.partial import RiskSets

__all__ = ["ridge", "ridge_spread"]

Floats = NDArray[np.float64]

_STEPS, _HALVINGS = 60, 30
_DONE = 1e-9  # largest change of a linear predictor's standard deviation


def ridge(values: Floats, sets: RiskSets, *, penalty: float, start: Floats | None = None) -> Floats:
    """Return the coefficients that minimise -log(partial likelihood) / n + penalty / 2 x sum of squares.

    Parameters
    ----------
    values
        Shape (n, p), centred and scaled.
    sets
        Who was at risk.
    penalty
        Zero or more.
    start
        Coefficients to begin with; zeros when None.

    Returns
    -------
    Shape (p,).

    Raises
    ------
    InvalidInput
        When the likelihood has no maximum: some columns order the events perfectly, or repeat each other.
    """
    if values.shape[1] > len(values):
        turn, reduced = _turned(values)
        begun = None if start is None else turn.T @ start
        return np.asarray(turn @ ridge(reduced, sets, penalty=penalty, start=begun), dtype=np.float64)
    beta = np.zeros(values.shape[1]) if start is None else start.copy()
    for _ in range(_STEPS):
        step = _newton_step(values, sets, beta, penalty)
        beta, moved = _shortened(values, sets, beta, step=step, penalty=penalty)
        if moved < _DONE:
            return beta
    raise _no_maximum()


def ridge_spread(values: Floats, sets: RiskSets, beta: Floats, *, penalty: float) -> Floats:
    """Return the standard errors of ridge coefficients, (p,), about their penalised mean.

    References
    ----------
    Gray 1992, doi:10.1080/01621459.1992.10476248.
    """
    plain = sets.information(values, values @ beta)
    inverse = np.linalg.pinv(plain + len(values) * penalty * np.eye(len(beta)))
    spread: Floats = np.sqrt(np.maximum(np.diag(inverse @ plain @ inverse), 0.0))
    return spread


def _turned(values: Floats) -> tuple[Floats, Floats]:
    """Return the directions (p, n) in which the rows differ, and the rows in them (n, n): sums of squares stay."""
    left, sizes, right = np.linalg.svd(values, full_matrices=False)
    return np.asarray(right.T, dtype=np.float64), np.asarray(left * sizes, dtype=np.float64)


def _newton_step(values: Floats, sets: RiskSets, beta: Floats, penalty: float) -> Floats:
    """Return the step to the maximum of the quadratic that touches here."""
    n, predictor = len(values), values @ beta
    gradient = values.T @ sets.slopes(predictor).gradient / n - penalty * beta
    curvature = sets.information(values, predictor) / n + penalty * np.eye(len(beta))
    try:
        return np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise _no_maximum() from error


def _shortened(values: Floats, sets: RiskSets, beta: Floats, *, step: Floats, penalty: float) -> tuple[Floats, float]:
    """Return the coefficients after as much of the step as does not make things worse, and how far it moved."""
    now = _objective(values, sets, beta, penalty)
    for halving in range(_HALVINGS):
        part = step / 2**halving
        if _objective(values, sets, beta + part, penalty) <= now + 1e-12 * (1 + abs(now)):
            return beta + part, float(np.abs(part).max(initial=0.0))
    return beta, 0.0


def _objective(values: Floats, sets: RiskSets, beta: Floats, penalty: float) -> float:
    """Return what is minimised; infinite where the predictors are too large for a computer."""
    predictor = values @ beta
    if not np.abs(predictor).max(initial=0.0) < 500:
        return float("inf")
    return -sets.likelihood(predictor) / len(values) + penalty / 2 * float(beta @ beta)


def _no_maximum() -> InvalidInput:
    """Return the error for a likelihood that rises without end."""
    return InvalidInput(
        "The Cox model without a penalty has no solution for these columns",
        "Columns that do not repeat each other, and that do not order the events perfectly",
        "Give a penalty above zero, or leave columns out",
    )
