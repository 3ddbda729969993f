"""The models of a study of survival, fitted on complete training rows: its own, and its baselines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.survival import (
    CauseCox,
    CauseMarginal,
    CoxModel,
    CoxOptions,
    Marginal,
    NetworkModel,
    Predictor,
    fit_cox,
    fit_network,
)

__all__ = ["Model", "Said", "fit_own", "fit_rows", "said_by_rival", "say"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Model = CoxModel | NetworkModel

_LEAST = 1e-4  # the smallest penalty that a ridge tries


@dataclass(frozen=True, eq=False)
class Said:
    """What one model says of the test rows of a fold.

    Parameters
    ----------
    risk, median
        Shape (n,).
    survival, curves
        Shape (n, times) and (n, grid).
    shares, share_curves
        Shape (n, times, causes) and (n, grid, causes); no cause where one event is predicted.
    """

    risk: Floats
    survival: Floats
    curves: Floats
    median: Floats
    shares: Floats
    share_curves: Floats


@dataclass(frozen=True, eq=False)
class OneColumn:
    """A model that looks at one column of rows (n, p)."""

    place: int
    model: CoxModel

    def risk(self, values: ArrayLike) -> Floats:
        """Return the risk, (n,)."""
        return self.model.risk(self._column(values))

    def survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to be free of the event, (n, times)."""
        return self.model.survival(self._column(values), times)

    def median(self, values: ArrayLike) -> Floats:
        """Return the median time to the event, (n,)."""
        return self.model.median(self._column(values))

    def _column(self, values: ArrayLike) -> Floats:
        """Return the column, (n, 1)."""
        return np.asarray(values, dtype=np.float64)[:, [self.place]]


def fit_rows(plan: SurvivalPlan, values: Floats, rows: Ints, *, options: CoxOptions, seed: int) -> CoxModel:
    """Fit a Cox model on the complete values of some rows."""
    return fit_cox(values, plan.outcome.take(rows), options=options, groups=plan.table.groups[rows], seed=seed)


def fit_own(plan: SurvivalPlan, values: Floats, rows: Ints, seed: int) -> Model:
    """Fit the model of the study."""
    options = plan.options
    if isinstance(options, CoxOptions):
        return fit_rows(plan, values, rows, options=options, seed=seed)
    outcome = plan.every if plan.causes else plan.outcome
    return fit_network(values, outcome.take(rows), options=options, groups=plan.table.groups[rows], seed=seed)


def said_by_rival(plan: SurvivalPlan, name: str, known: Floats, *, rows: Ints, new: Floats, seed: int) -> Said:
    """Fit a baseline on the known values of some rows; return what it says of new ones."""
    if name in plan.table.feature_names:
        return say(plan, _alone(plan, plan.table.feature_names.index(name), known, rows=rows, seed=seed), new)
    marginal, groups, every = name == "kaplan-meier", plan.table.groups[rows], plan.every.take(rows)
    options = CoxOptions(inner_folds=plan.study.model.inner_folds)
    model: Predictor = (
        Marginal.fit(plan.outcome.take(rows)) if marginal else fit_rows(plan, known, rows, options=options, seed=seed)
    )
    if not plan.causes:
        return say(plan, model, new)
    causes = (
        CauseMarginal.fit(every) if marginal else CauseCox.fit(known, every, options=options, groups=groups, seed=seed)
    )
    return say(plan, model, new, causes)


def _alone(plan: SurvivalPlan, place: int, values: Floats, *, rows: Ints, seed: int) -> Predictor:
    """Fit a Cox model on one column; next to no penalty, which would only shrink its curves to the mean."""
    options = CoxOptions(penalty=_LEAST, inner_folds=plan.study.model.inner_folds)
    return OneColumn(place, fit_rows(plan, values[:, [place]], rows, options=options, seed=seed))


def say(
    plan: SurvivalPlan, model: Predictor, values: Floats, causes: NetworkModel | CauseCox | CauseMarginal | None = None
) -> Said:
    """Return what a model says of rows, and what one of the causes says of them."""
    times, grid = plan.times, plan.grid
    none = np.zeros((len(values), 0, 0))
    return Said(
        model.risk(values),
        model.survival(values, times),
        model.survival(values, grid),
        model.median(values),
        none if causes is None else causes.incidence(values, times),
        none if causes is None else causes.incidence(values, grid),
    )
