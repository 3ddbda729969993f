"""The model of Cox with ridge or elastic net, its penalty chosen inside the training rows. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.elastic import elastic_path, largest_penalty
from cancernet.survival.inner import inner_folds
from cancernet.survival.newton import ridge, ridge_spread
from cancernet.survival.options import CoxOptions
from cancernet.survival.outcome import Outcome
from cancernet.survival.partial import RiskSets
from cancernet.survival.predicted import Baseline

__all__ = ["CoxModel", "fit_cox"]

Floats = NDArray[np.float64]

_RIDGE = (1e-4, 10.0)  # penalties that are tried, per standard deviation and patient
_FALL = 0.02  # the last penalty of an elastic net, per largest one


@dataclass(frozen=True, eq=False)
class CoxModel:
    """A fitted Cox model: hazard = baseline x exp(linear predictor).

    Parameters
    ----------
    mean, scale
        Shape (p,), of the training rows, in the units of the columns.
    coefficients
        Shape (p,): logarithms of the hazard ratios per standard deviation.
    spread
        Shape (p,): their standard errors; NaN for an elastic net, which has none that hold.
    baseline
        Of a patient with the mean of every column.
    penalty
        As it was chosen.
    """

    mean: Floats
    scale: Floats
    coefficients: Floats
    spread: Floats
    baseline: Baseline
    penalty: float

    def risk(self, values: ArrayLike) -> Floats:
        """Return the linear predictor of rows (n, p): the logarithm of the hazard ratio to the mean patient, (n,)."""
        rows = np.asarray(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.mean) or not np.isfinite(rows).all():
            raise InvalidInput(
                f"Values of shape {rows.shape}, {int((~np.isfinite(rows)).sum())} of them missing",
                f"Rows of {len(self.mean)} numbers",
                "Fill the gaps first",
            )
        predictor: Floats = (rows - self.mean) / self.scale @ self.coefficients
        return predictor

    def survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to be free of the event, (n, times); NaN past the follow-up of the training rows."""
        return self.baseline.survival(self.risk(values), times)

    def median(self, values: ArrayLike) -> Floats:
        """Return the median time to the event, (n,); NaN where the follow-up is too short to see it."""
        return self.baseline.median(self.risk(values))


def fit_cox(
    values: ArrayLike,
    outcome: Outcome,
    *,
    options: CoxOptions | None = None,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> CoxModel:
    """Fit the model on training rows.

    Parameters
    ----------
    values
        Shape (n, p), raw units, no gaps.
    outcome
        Of the n rows; all causes are one event.
    options
        How.
    groups
        Shape (n,): rows of one group stay together in the inner folds; each row on its own when None.
    seed
        Of the inner folds.

    Raises
    ------
    InvalidInput
        When the shapes differ, there is a gap, or no maximum.

    Examples
    --------
    >>> import numpy as np
    >>> from cancernet.survival import Coding, make_outcome
    >>> outcome = make_outcome([5, 4, 3, 2, 1], [1, 0, 1, 1, 1], coding=Coding("years"))
    >>> model = fit_cox([[1.0], [2.0], [2.5], [2.0], [4.0]], outcome, options=CoxOptions(penalty=0.1))
    >>> np.round(model.coefficients, 3), np.round(model.survival([[1.0]], [2.0, 6.0]), 3)
    (array([0.976]), array([[0.918,   nan]]))
    """
    rows, chosen = np.asarray(values, dtype=np.float64), options or CoxOptions()
    if rows.ndim != 2 or len(rows) != len(outcome) or not np.isfinite(rows).all():
        raise InvalidInput(
            f"Values of shape {rows.shape} for {len(outcome)} patients", "A row of finite numbers for each patient"
        )
    if chosen.penalty is None:
        penalty = _chosen_penalty(rows, outcome, chosen, groups=groups, seed=seed)
        chosen = chosen.model_copy(update={"penalty": penalty})
    return _fitted(rows, outcome, chosen)


def _fitted(rows: Floats, outcome: Outcome, options: CoxOptions) -> CoxModel:
    """Return the model with a given penalty."""
    mean, scale = _standard(rows)
    scaled, sets, penalty = (rows - mean) / scale, RiskSets(outcome, ties=options.ties), options.penalty or 0.0
    beta = _path(scaled, sets, options.l1_ratio, _down_to(scaled, sets, options))[-1]
    spread = np.full(len(beta), np.nan)
    if options.l1_ratio == 0 and len(beta) < len(rows):
        spread = ridge_spread(scaled, sets, beta, penalty=penalty)
    return CoxModel(mean, scale, beta, spread, Baseline.fit(outcome, scaled @ beta), penalty)


def _down_to(scaled: Floats, sets: RiskSets, options: CoxOptions) -> Floats:
    """Return the penalties on the way to the given one: an elastic net is begun with those above it."""
    penalty = options.penalty or 0.0
    if options.l1_ratio == 0:
        return np.array([penalty])
    largest = largest_penalty(scaled, sets, l1_ratio=options.l1_ratio)
    if penalty <= 0:
        raise InvalidInput("An elastic net without a penalty", "A penalty above zero", "Or use l1_ratio = 0")
    return np.geomspace(largest, penalty, 10) if penalty < largest else np.array([penalty])


def _standard(rows: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column; 1 for one that does not vary."""
    scale = rows.std(axis=0)
    return rows.mean(axis=0), np.where(scale > 1e-12 * (1 + np.abs(rows).max(axis=0, initial=0.0)), scale, 1.0)


def _path(scaled: Floats, sets: RiskSets, l1_ratio: float, penalties: Floats) -> Floats:
    """Return the coefficients for falling penalties, (penalties, p)."""
    if l1_ratio > 0:
        return elastic_path(scaled, sets, l1_ratio=l1_ratio, penalties=penalties)
    path, beta = [], None
    for penalty in penalties.tolist():
        beta = ridge(scaled, sets, penalty=penalty, start=beta)
        path.append(beta)
    return np.array(path)


def _chosen_penalty(
    rows: Floats, outcome: Outcome, options: CoxOptions, *, groups: ArrayLike | None, seed: int
) -> float:
    """Return the penalty of the largest cross-validated partial likelihood."""
    names = np.arange(len(rows)).astype(str) if groups is None else np.asarray(groups)
    mean, scale = _standard(rows)
    penalties = _tried((rows - mean) / scale, RiskSets(outcome, ties=options.ties), options)
    every, total = RiskSets(outcome, ties=options.ties), np.zeros(len(penalties))
    for held in inner_folds(outcome, names, folds=options.inner_folds, seed=seed):
        rest = np.delete(np.arange(len(rows)), held)
        mean, scale = _standard(rows[rest])
        sets, scaled = RiskSets(outcome.take(rest), ties=options.ties), (rows - mean) / scale
        path = _path(scaled[rest], sets, options.l1_ratio, penalties)
        predictors = path @ scaled.T
        total += [every.likelihood(line) - sets.likelihood(line[rest]) for line in predictors]
    return float(penalties[int(total.argmax())])


def _tried(scaled: Floats, sets: RiskSets, options: CoxOptions) -> Floats:
    """Return the penalties that are tried, falling."""
    if options.l1_ratio == 0:
        return np.geomspace(_RIDGE[1], _RIDGE[0], options.tried)
    largest = largest_penalty(scaled, sets, l1_ratio=options.l1_ratio)
    return np.geomspace(largest, largest * _FALL, options.tried)
