"""All fits of a study of survival: each fold, its baselines, and the model of the bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.data import Fold, Medians
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.survival import (
    CoxModel,
    CoxOptions,
    Forecast,
    Marginal,
    NetworkModel,
    Predictor,
    fit_cox,
    fit_network,
)
from cancernet.training import seed_of

__all__ = ["FoldFit", "Pooled", "fit_all", "fit_fold", "fit_rows", "pool_folds"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Model = CoxModel | NetworkModel


_LEAST = 1e-4  # the smallest penalty that a ridge tries


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


@dataclass(frozen=True, eq=False)
class Said:
    """What one model says of the test rows of a fold: (n,), (n, times), (n, grid), (n,)."""

    risk: Floats
    survival: Floats
    curves: Floats
    median: Floats


@dataclass(frozen=True, eq=False)
class FoldFit:
    """A fitted fold.

    Parameters
    ----------
    fold
        Its rows.
    model
        The model of the study, fitted on its training rows.
    medians
        Of its training rows.
    said
        By each model.
    group
        Shape (n,): the risk group of each test row, by cuts that the training rows chose.
    cuts
        Between the groups.
    """

    fold: Fold
    model: Model
    medians: Medians
    said: Mapping[str, Said]
    group: Ints
    cuts: Floats


@dataclass(frozen=True, eq=False)
class Pooled:
    """The test rows of all folds together.

    Parameters
    ----------
    rows, fold, repeat
        Shape (n,): rows of the table, and by which fold each was tested.
    forecasts
        By model; patients are compared inside a fold only, where one model judged both.
    median, group
        Shape (n,), of the model of the study.
    """

    rows: Ints
    fold: Ints
    repeat: Ints
    forecasts: Mapping[str, Forecast]
    median: Floats
    group: Ints


def fit_all(plan: SurvivalPlan, advance: Callable[[], None] | None = None) -> tuple[tuple[FoldFit, ...], FoldFit]:
    """Return the fits of all folds, and that of the bundle: on all rows, or of a held-out split the tested one."""
    fits = []
    for fold in plan.split.folds:
        fits.append(fit_fold(plan, fold))
        if advance is not None:
            advance()
    if plan.split.kind == "held-out":
        return tuple(fits), fits[0]
    everything = np.arange(len(plan.table))
    return tuple(fits), fit_fold(plan, Fold(0, 0, train=everything, validation=everything[:0], test=everything))


def fit_fold(plan: SurvivalPlan, fold: Fold) -> FoldFit:
    """Fit the model and its baselines on the training rows of a fold."""
    train = np.concatenate([fold.train, fold.validation])
    seed = seed_of(plan.study.training.seed, fold.repeat, fold.number)
    medians = Medians.fit(plan.table.values[train], plan.table.feature_names)
    known, new = medians.apply(plan.table.values[train]), medians.apply(plan.table.values[fold.test])
    model = _fit_own(plan, known, train, seed)
    rivals = {name: _rival(plan, name, known, rows=train, seed=seed) for name in plan.rivals}
    shares = np.arange(1, plan.study.report.groups) / plan.study.report.groups
    cuts = np.unique(np.quantile(model.risk(known), shares))
    said = {name: _said(plan, one, new) for name, one in {plan.network_name: model, **rivals}.items()}
    group = np.searchsorted(cuts, said[plan.network_name].risk, "right").astype(np.int64)
    return FoldFit(fold, model, medians, said, group, cuts)


def fit_rows(plan: SurvivalPlan, values: Floats, rows: Ints, *, options: CoxOptions, seed: int) -> CoxModel:
    """Fit a Cox model on the complete values of some rows."""
    return fit_cox(values, plan.outcome.take(rows), options=options, groups=plan.table.groups[rows], seed=seed)


def _fit_own(plan: SurvivalPlan, values: Floats, rows: Ints, seed: int) -> Model:
    """Fit the model of the study."""
    options = plan.study.model
    if isinstance(options, CoxOptions):
        return fit_rows(plan, values, rows, options=options, seed=seed)
    groups = plan.table.groups[rows]
    return fit_network(values, plan.outcome.take(rows), options=options, groups=groups, seed=seed)


def _rival(plan: SurvivalPlan, name: str, values: Floats, *, rows: Ints, seed: int) -> Predictor:
    """Fit a baseline."""
    if name == "kaplan-meier":
        return Marginal.fit(plan.outcome.take(rows))
    if name in plan.table.feature_names:
        return _alone(plan, plan.table.feature_names.index(name), values, rows=rows, seed=seed)
    return fit_rows(plan, values, rows, options=CoxOptions(inner_folds=plan.study.model.inner_folds), seed=seed)


def _alone(plan: SurvivalPlan, place: int, values: Floats, *, rows: Ints, seed: int) -> Predictor:
    """Fit a Cox model on one column; next to no penalty, which would only shrink its curves to the mean."""
    options = CoxOptions(penalty=_LEAST, inner_folds=plan.study.model.inner_folds)
    return OneColumn(place, fit_rows(plan, values[:, [place]], rows, options=options, seed=seed))


def _said(plan: SurvivalPlan, model: Predictor, values: Floats) -> Said:
    """Return what a model says of rows."""
    times, grid = plan.times, plan.grid
    return Said(model.risk(values), model.survival(values, times), model.survival(values, grid), model.median(values))


def pool_folds(plan: SurvivalPlan, fits: tuple[FoldFit, ...]) -> Pooled:
    """Return the test rows of all folds."""
    rows = np.concatenate([fit.fold.test for fit in fits])
    sizes = [len(fit.fold.test) for fit in fits]
    folds = len(plan.split.folds) // plan.split.repeats
    strata = np.repeat([fit.fold.repeat * folds + fit.fold.number for fit in fits], sizes)
    forecasts = {name: _pooled(plan, fits, name, rows=rows, strata=strata) for name in fits[0].said}
    return Pooled(
        rows,
        np.repeat([fit.fold.number for fit in fits], sizes),
        np.repeat([fit.fold.repeat for fit in fits], sizes),
        forecasts,
        np.concatenate([fit.said[plan.network_name].median for fit in fits]),
        np.concatenate([fit.group for fit in fits]),
    )


def _pooled(plan: SurvivalPlan, fits: tuple[FoldFit, ...], name: str, *, rows: Ints, strata: Ints) -> Forecast:
    """Return the forecast of one model."""
    said = [fit.said[name] for fit in fits]
    return Forecast(
        outcome=plan.outcome.take(rows),
        risk=np.concatenate([part.risk for part in said]),
        times=plan.times,
        survival=np.concatenate([part.survival for part in said]),
        grid=plan.grid,
        curves=np.concatenate([part.curves for part in said]),
        groups=plan.table.groups[rows],
        strata=strata.astype(np.int64),
    )
