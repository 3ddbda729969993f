"""All fits of a study of survival: each fold with its baselines, and the model of the bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold, Medians
from cancernet.studies.survival.examples import make_examples
from cancernet.studies.survival.kept import FoldFound, keep_found, kept_found
from cancernet.studies.survival.models import Model, fit_own, said_by_rival, say
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.survival import CauseForecast, CoxModel, Forecast, NetworkModel
from cancernet.training import seed_of

__all__ = ["FoldFit", "Pooled", "fit_all", "fit_fold", "pool_folds"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
    found
        What is kept of it.
    """

    fold: Fold
    model: Model
    medians: Medians
    found: FoldFound

    @property
    def cuts(self) -> Floats:
        """Between the risk groups, chosen by the training rows."""
        return self.found.cuts


@dataclass(frozen=True, eq=False)
class Pooled:
    """The test rows of all folds together.

    Parameters
    ----------
    rows, fold, repeat
        Shape (n,): rows of the table, and by which fold each was tested.
    forecasts
        By model; patients are compared inside a fold only, where one model judged both.
    causes
        By model and cause; empty where one event is predicted.
    median, group
        Shape (n,), of the model of the study.
    """

    rows: Ints
    fold: Ints
    repeat: Ints
    forecasts: Mapping[str, Forecast]
    causes: Mapping[str, Mapping[str, CauseForecast]]
    median: Floats
    group: Ints


def fit_all(
    plan: SurvivalPlan, advance: Callable[[], None] | None = None, *, work: Path | None = None
) -> tuple[tuple[FoldFound, ...], FoldFit]:
    """Return what all folds found, and the fit of the bundle: on all rows, or of a held-out split the tested one.

    Parameters
    ----------
    plan
        What to do.
    advance
        Called after each fold.
    work
        Where each fold is kept; those that are there already are not fitted again.
    """
    found, last = [], None
    for fold in plan.split.folds:
        kept = kept_found(work, fold)
        if kept is None:
            last = fit_fold(plan, fold)
            keep_found(work, last.found)
        found.append(kept or last.found)  # type: ignore[union-attr]  # one of both is there
        if advance is not None:
            advance()
    if plan.split.kind == "held-out":
        return tuple(found), last or fit_fold(plan, plan.split.folds[0])
    everything = np.arange(len(plan.table))
    return tuple(found), fit_fold(plan, Fold(0, 0, train=everything, validation=everything[:0], test=everything))


def fit_fold(plan: SurvivalPlan, fold: Fold) -> FoldFit:
    """Fit the model and its baselines on the training rows of a fold."""
    train = np.concatenate([fold.train, fold.validation])
    seed = seed_of(plan.study.training.seed, fold.repeat, fold.number)
    medians = Medians.fit(plan.table.values[train], plan.table.feature_names)
    known, new = medians.apply(plan.table.values[train]), medians.apply(plan.table.values[fold.test])
    model = fit_own(plan, known, train, seed)
    own = say(plan, model, new, model if plan.causes and isinstance(model, NetworkModel) else None)
    rivals = {name: said_by_rival(plan, name, known, rows=train, new=new, seed=seed) for name in plan.rivals}
    shares = np.arange(1, plan.study.report.groups) / plan.study.report.groups
    cuts = np.unique(np.quantile(model.risk(known), shares))
    first = fold.repeat == fold.number == 0
    found = FoldFound(
        fold=fold,
        said={plan.network_name: own, **rivals},
        group=np.searchsorted(cuts, own.risk, "right").astype(np.int64),
        cuts=cuts,
        chosen=model.coefficients != 0 if isinstance(model, CoxModel) else np.zeros(0, dtype=np.bool_),
        history=_history(fold, model),
        examples=make_examples(plan, model, fold, medians=medians, risk=own.risk) if first else (),
    )
    return FoldFit(fold, model, medians, found)


def _history(fold: Fold, model: Model) -> tuple[dict[str, float], ...]:
    """Return the penalty and how many columns it kept, or the epochs of the networks."""
    row: dict[str, float] = {"repeat": fold.repeat + 1, "fold": fold.number + 1}
    if isinstance(model, CoxModel):
        return ({**row, "penalty": model.penalty, "columns": int((model.coefficients != 0).sum())},)
    return tuple({**row, "network": place, "epochs": count} for place, count in enumerate(model.epochs, 1))


def pool_folds(plan: SurvivalPlan, fits: tuple[FoldFound, ...]) -> Pooled:
    """Return the test rows of all folds."""
    rows = np.concatenate([fit.fold.test for fit in fits])
    sizes = [len(fit.fold.test) for fit in fits]
    folds = len(plan.split.folds) // plan.split.repeats
    strata = np.repeat([fit.fold.repeat * folds + fit.fold.number for fit in fits], sizes).astype(np.int64)
    names = tuple(fits[0].said)
    return Pooled(
        rows,
        np.repeat([fit.fold.number for fit in fits], sizes),
        np.repeat([fit.fold.repeat for fit in fits], sizes),
        {name: _pooled(plan, fits, name, rows=rows, strata=strata) for name in names},
        {name: _pooled_causes(plan, fits, name, rows=rows, strata=strata) for name in names},
        np.concatenate([fit.said[plan.network_name].median for fit in fits]),
        np.concatenate([fit.group for fit in fits]),
    )


def _pooled(plan: SurvivalPlan, fits: tuple[FoldFound, ...], name: str, *, rows: Ints, strata: Ints) -> Forecast:
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
        strata=strata,
    )


def _pooled_causes(
    plan: SurvivalPlan, fits: tuple[FoldFound, ...], name: str, *, rows: Ints, strata: Ints
) -> dict[str, CauseForecast]:
    """Return the forecasts of each cause by one model."""
    shares, curves = (
        np.concatenate([getattr(fit.said[name], key) for fit in fits]) for key in ("shares", "share_curves")
    )
    outcome, groups = plan.every.take(rows), plan.table.groups[rows]
    return {
        cause: CauseForecast(
            outcome, cause, plan.times, shares[:, :, place], plan.grid, curves[:, :, place], groups, strata
        )
        for place, cause in enumerate(plan.causes)
    }
