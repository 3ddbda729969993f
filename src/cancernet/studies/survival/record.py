"""From pooled forecasts to the record that the report of a study of survival shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.metrics.intervals import Z95
from cancernet.studies.card import GENERAL_LIMITS, versions
from cancernet.studies.survival.fit import FoldFit, Pooled, fit_rows
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.survival import (
    CoxModel,
    CoxOptions,
    Example,
    Forecast,
    HazardRatio,
    LogRank,
    Measured,
    NetworkOptions,
    Outcome,
    SurvivalRecord,
    answer,
    logrank,
    measure_forecast,
    time_name,
)

__all__ = ["data_licence", "make_survival_record"]

Floats = NDArray[np.float64]

_SHOWN = (0.1, 0.5, 0.9)  # of the risks of the first fold: whose curves are shown
_REFITS, _FEW, _WIDE = 100, 25, 60  # models for the band; of more columns than the last number fewer
_FOLD_DRAWS = 200


def make_survival_record(
    plan: SurvivalPlan, fits: tuple[FoldFit, ...], pooled: Pooled, *, final: FoldFit, seconds: float
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
    measured = {name: Measured(forecast, draws=draws) for name, forecast in pooled.forecasts.items()}
    mine = measured.pop(plan.network_name)
    metrics, differences = mine.estimates, {name: mine.minus(other) for name, other in measured.items()}
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
        baselines={name: other.estimates for name, other in measured.items()},
        differences=differences,
        ratios=_ratios(plan, fits, final),
        examples=_examples(plan, fits[0]),
        competing=plan.every if len(plan.every.causes) > 1 else None,
        notes=plan.notes(),
        leak_sentences=plan.audit.sentences(),
        leak_audit=plan.audit.to_dict(),
        limits=(*plan.study.limits, *GENERAL_LIMITS),
        licences=(("data", data_licence(plan)), ("weights", plan.study.licence or "not stated")),
    )


def data_licence(plan: SurvivalPlan) -> str:
    """Return the licence of the data: what they say themselves, or what the study says of them."""
    return plan.table.licence or plan.study.data_licence or "not stated"


def _of_fold(plan: SurvivalPlan, own: Forecast, fit: FoldFit) -> Mapping[str, Estimate]:
    """Return the metrics of one fold."""
    folds = len(plan.split.folds) // plan.split.repeats
    rows = np.flatnonzero(own.strata == fit.fold.repeat * folds + fit.fold.number)
    return measure_forecast(own.take(rows), draws=_FOLD_DRAWS)


def _between_groups(outcome: Outcome, group: NDArray[np.int64]) -> LogRank | None:
    """Return the log-rank test of the risk groups."""
    return logrank(outcome, group) if len(np.unique(group)) > 1 else None


def _ratios(plan: SurvivalPlan, fits: tuple[FoldFit, ...], final: FoldFit) -> tuple[HazardRatio, ...]:
    """Return the hazard ratios of the bundle's model, the strongest first; a network has none."""
    model = final.model
    if not isinstance(model, CoxModel):
        return ()
    chosen = np.mean([fit.model.coefficients != 0 for fit in fits if isinstance(fit.model, CoxModel)], axis=0)
    made = []
    for place in np.argsort(-np.abs(model.coefficients), kind="stable").tolist():
        centre, half = float(model.coefficients[place]), Z95 * float(model.spread[place])
        known = bool(np.isfinite(half))
        low, high = (float(np.exp(centre - half)), float(np.exp(centre + half))) if known else (None, None)
        name = plan.table.feature_names[place]
        made.append(HazardRatio(name, float(np.exp(centre)), low, high, float(chosen[place])))
    return tuple(made)


def _examples(plan: SurvivalPlan, fit: FoldFit) -> tuple[Example, ...]:
    """Return the curves of test patients of low, middle and high risk, with their bands.

    The band holds the middle 95 % of the curves of models that were fitted, with the same penalty, on training patients
    drawn with replacement: how far the curve would have been another one had other patients been in the study. Of
    networks it holds all that the answer is the mean of, each fitted without another part of the patients.
    """
    risk, train = fit.said[plan.network_name].risk, np.concatenate([fit.fold.train, fit.fold.validation])
    places = np.argsort(risk, kind="stable")[[int(share * (len(risk) - 1)) for share in _SHOWN]]
    shown = fit.medians.apply(plan.table.values[fit.fold.test[places]])
    times = np.append(0.0, plan.grid)
    low, high = _band(plan, fit, shown, times=times, train=train)
    curves, ids = fit.model.survival(shown, times), plan.table.ids[fit.fold.test[places]]
    return tuple(Example(str(ids[row]), times, curves[row], low[row], high[row]) for row in range(len(places)))


def _band(
    plan: SurvivalPlan, fit: FoldFit, shown: Floats, *, times: Floats, train: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the lower and the upper ends of the bands, (patients, times)."""
    model = fit.model
    if not isinstance(model, CoxModel):
        each = [answer(model.part, logits, times=times.tolist()).survival for logits in model.each(shown)]
        return np.min(each, axis=0), np.max(each, axis=0)
    drawn = np.array([one.survival(shown, times) for one in _refitted(plan, fit, train, model.penalty)])
    low, high = np.nanquantile(drawn, (0.025, 0.975), axis=0)
    return low, high


def _refitted(plan: SurvivalPlan, fit: FoldFit, train: NDArray[np.int64], penalty: float) -> Iterator[CoxModel]:
    """Yield models of resampled training patients."""
    l1_ratio = plan.study.model.l1_ratio if isinstance(plan.study.model, CoxOptions) else 0.0
    options = CoxOptions(l1_ratio=l1_ratio, penalty=penalty)
    members = _members(plan.table.groups[train])
    generator = np.random.default_rng(plan.study.training.seed)
    for _ in range(_REFITS if plan.table.values.shape[1] <= _WIDE else _FEW):
        drawn = generator.integers(0, len(members), size=len(members))
        rows = train[np.concatenate([members[place] for place in drawn.tolist()])]
        yield fit_rows(plan, fit.medians.apply(plan.table.values[rows]), rows, options=options, seed=0)


def _members(groups: NDArray[np.str_]) -> list[NDArray[np.int64]]:
    """Return the rows of each group."""
    _, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])


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
    compared = tuple(_comparison(name, found) for name, found in differences.items())
    calibrated = tuple(_calibration(plan, metrics, time) for time in plan.times.tolist())
    return (*compared, *calibrated, *(() if test is None else (_logrank_words(test),)))


def _comparison(name: str, found: Mapping[str, Estimate]) -> str:
    """Return whether the model is better than a baseline; only an interval that excludes zero says so."""
    said = []
    for metric, label, better in (
        ("concordance_uno", "concordance (Uno)", 1),
        ("integrated_brier", "integrated Brier score", -1),
    ):
        gain = found[metric]
        verdict = "no difference is shown"
        if gain.low is not None and gain.high is not None and (gain.low > 0 or gain.high < 0):
            verdict = "better" if (gain.low > 0) == (better > 0) else "worse"
        said.append(f"{label} {gain.format()}: {verdict}")
    return f"Minus {name}, on the same patients: {'; '.join(said)}."


def _calibration(plan: SurvivalPlan, metrics: Mapping[str, Estimate], time: float) -> str:
    """Return whether predicted and observed shares agree at a time."""
    name, unit = time_name(time), plan.outcome.unit
    seen, ratio = metrics[f"observed_at_{name}"], metrics[f"calibration_ratio_at_{name}"]
    predicted = metrics[f"predicted_at_{name}"].value or 0.0
    inside = seen.low is not None and seen.high is not None and seen.low <= predicted <= seen.high
    verdict = "they agree" if inside else "they do not agree"
    return (
        f"At {name} {unit} {predicted:.1%} were predicted to have had the event, {_percent(seen)} had it: {verdict} "
        f"(observed by predicted {ratio.format(2)})."
    )


def _percent(estimate: Estimate) -> str:
    """Return '24.1 % (22.0 to 26.3)'."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate.format()
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def _logrank_words(test: LogRank) -> str:
    """Return what the log-rank test says."""
    p = "p < 0.0001" if test.p < 1e-4 else f"p = {test.p:.2g}"
    return (
        f"The {len(test.observed)} risk groups, whose cut points come from the training rows, differ by the log-rank "
        f"test: chi-squared {test.statistic:.1f}, {test.freedom} degree{'s' * (test.freedom > 1)} of freedom, {p}."
    )
