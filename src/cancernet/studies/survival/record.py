"""From pooled forecasts to the record that the report of a study of survival shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.metrics.intervals import Z95
from cancernet.studies.card import GENERAL_LIMITS, versions
from cancernet.studies.survival.fit import FoldFit, Pooled
from cancernet.studies.survival.kept import FoldFound
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.studies.survival.words import calibration, comparison, logrank_words, of_cause
from cancernet.survival import (
    CauseForecast,
    CoxModel,
    CoxOptions,
    Forecast,
    HazardRatio,
    LogRank,
    Measured,
    NetworkOptions,
    Outcome,
    SurvivalRecord,
    logrank,
    measure_forecast,
)

__all__ = ["data_licence", "make_survival_record"]

Floats = NDArray[np.float64]

_FOLD_DRAWS = 200


def make_survival_record(
    plan: SurvivalPlan, fits: tuple[FoldFound, ...], pooled: Pooled, *, final: FoldFit, seconds: float
) -> SurvivalRecord:
    """Return everything that page, figures and `metrics.json` show.

    Parameters
    ----------
    plan, fits, pooled, final
        The study, its folds, their pooled test rows, and the model of the bundle.
    seconds
        That fitting took.
    """
    draws, own = plan.study.report.draws, pooled.forecasts[plan.network_name]
    measured = {name: _measured(pooled, name, draws) for name in pooled.forecasts}
    mine = measured.pop(plan.network_name)
    metrics, differences = _joined(mine), {name: _minus(mine, other) for name, other in measured.items()}
    first = np.flatnonzero(pooled.repeat == 0)
    test = _between_groups(own.outcome.take(first), pooled.group[first])
    return SurvivalRecord(
        name=plan.study.name,
        title=plan.study.title or plan.study.name,
        model=plan.network_name,
        event=plan.event,
        forecast=own,
        group=pooled.group,
        first=first,
        metrics=metrics,
        facts=_facts(plan, final, seconds),
        statements=_statements(plan, metrics, differences, test),
        logrank=test,
        folds=tuple(_of_fold(plan, own, fit) for fit in fits) if len(fits) > 1 else (),
        baselines={name: _joined(other) for name, other in measured.items()},
        differences=differences,
        ratios=_ratios(plan, fits, final),
        examples=next((fit.examples for fit in fits if fit.examples), ()),
        competing=plan.every if len(plan.every.causes) > 1 else None,
        causes=pooled.causes[plan.network_name],
        notes=plan.notes(),
        leak_sentences=plan.audit.sentences(),
        leak_audit=plan.audit.to_dict(),
        limits=(*plan.study.limits, *GENERAL_LIMITS),
        licences=(("data", data_licence(plan)), ("weights", plan.study.licence or "not stated")),
    )


def _measured(pooled: Pooled, name: str, draws: int) -> tuple[Measured, ...]:
    """Return the metrics of a model: of the event, and of each cause."""
    forecasts: tuple[Forecast | CauseForecast, ...] = (pooled.forecasts[name], *pooled.causes[name].values())
    return tuple(Measured(forecast, draws=draws) for forecast in forecasts)


def _joined(measured: tuple[Measured, ...]) -> dict[str, Estimate]:
    """Return all estimates of a model."""
    return {name: estimate for one in measured for name, estimate in one.estimates.items()}


def _minus(mine: tuple[Measured, ...], other: tuple[Measured, ...]) -> dict[str, Estimate]:
    """Return all paired differences of two models."""
    pairs = zip(mine, other, strict=True)
    return {name: estimate for one, two in pairs for name, estimate in one.minus(two).items()}


def data_licence(plan: SurvivalPlan) -> str:
    """Return the licence of the data: what they say themselves, or what the study says of them."""
    return plan.table.licence or plan.study.data_licence or "not stated"


def _of_fold(plan: SurvivalPlan, own: Forecast, fit: FoldFound) -> Mapping[str, Estimate]:
    """Return the metrics of one fold."""
    folds = len(plan.split.folds) // plan.split.repeats
    rows = np.flatnonzero(own.strata == fit.fold.repeat * folds + fit.fold.number)
    return measure_forecast(own.take(rows), draws=_FOLD_DRAWS)


def _between_groups(outcome: Outcome, group: NDArray[np.int64]) -> LogRank | None:
    """Return the log-rank test of the risk groups."""
    return logrank(outcome, group) if len(np.unique(group)) > 1 else None


def _ratios(plan: SurvivalPlan, fits: tuple[FoldFound, ...], final: FoldFit) -> tuple[HazardRatio, ...]:
    """Return the hazard ratios of the bundle's model, the strongest first; a network has none."""
    model = final.model
    if not isinstance(model, CoxModel):
        return ()
    chosen = np.mean([fit.chosen for fit in fits], axis=0)
    made = []
    for place in np.argsort(-np.abs(model.coefficients), kind="stable").tolist():
        centre, half = float(model.coefficients[place]), Z95 * float(model.spread[place])
        known = bool(np.isfinite(half))
        low, high = (float(np.exp(centre - half)), float(np.exp(centre + half))) if known else (None, None)
        name = plan.table.feature_names[place]
        made.append(HazardRatio(name, float(np.exp(centre)), low, high, float(chosen[place])))
    return tuple(made)


def _facts(plan: SurvivalPlan, final: FoldFit, seconds: float) -> tuple[tuple[str, str], ...]:
    """Return pairs of label and value for the page."""
    split = plan.split
    folds = len(split.folds) // split.repeats
    times = f", repeated {split.repeats} times" if split.repeats > 1 else ""
    grouped = "row (each row is one patient)" if plan.table.group_column == "row" else f"column '{split.group_column}'"
    return (
        ("Data", f"{plan.table.name}: {len(plan.table)} patients, {len(plan.table.features)} features"),
        ("Event", f"{plan.event}, {int(plan.outcome.event.sum())} of {len(plan.outcome)}"),
        ("Groups", f"{len(np.unique(plan.table.groups))}, by {grouped}"),
        (
            "Split",
            f"{folds}-fold cross-validation by group, stratified by event{times}; test rows pooled over folds"
            if split.kind == "k-fold"
            else f"held out by group: {len(split.folds[0].test)} test rows",
        ),
        ("Model", _model_words(plan, final)),
        ("Horizon", f"{plan.grid[-1]:g} {plan.outcome.unit}: errors are averaged up to it"),
        ("Seeds", f"inner folds {plan.study.training.seed}, split {split.seed}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions().items())),
        ("Fitting took", f"{seconds:.0f} s"),
    )


def _model_words(plan: SurvivalPlan, final: FoldFit) -> str:
    """Return what the model is, in a few words."""
    options, model, columns = plan.options, final.model, len(plan.table.features)
    if isinstance(options, CoxOptions) and isinstance(model, CoxModel):
        kept = int((model.coefficients != 0).sum())
        form = "ridge" if options.l1_ratio == 0 else f"elastic net, l1_ratio {options.l1_ratio:g}"
        how = "given" if options.penalty is not None else f"chosen by {options.inner_folds}-fold partial likelihood"
        return f"Cox, {form}: {kept} of {columns} columns, penalty {model.penalty:.3g} ({how})"
    epochs = "" if isinstance(model, CoxModel) else f", {min(model.epochs)} to {max(model.epochs)} epochs"
    conv = isinstance(options, NetworkOptions) and options.body == "conv1d"
    body = ", conv1d over the 30 nuclear features" if conv else ""
    return f"{options.name}: mean of {options.inner_folds} networks of {columns} columns{body}{epochs}"


def _statements(
    plan: SurvivalPlan,
    metrics: Mapping[str, Estimate],
    differences: Mapping[str, Mapping[str, Estimate]],
    test: LogRank | None,
) -> tuple[str, ...]:
    """Return the sentences at the top of the report."""
    compared = tuple(comparison(name, found) for name, found in differences.items())
    calibrated = tuple(calibration(plan.outcome.unit, metrics, time) for time in plan.times.tolist())
    causes = tuple(of_cause(cause, metrics, differences) for cause in plan.causes)
    return (*compared, *calibrated, *causes, *(() if test is None else (logrank_words(test),)))
