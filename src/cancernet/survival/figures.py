"""Figures of a study of survival: curves by risk group, predicted against observed, hazard ratios, ROC, patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.report.style import DASHES, GRID, INK, MUTED, NETWORK, SINGLE, Drawing, plain
from cancernet.survival.curves import Curve, aalen_johansen, kaplan_meier
from cancernet.survival.measure import time_name
from cancernet.survival.observed import calibration_groups
from cancernet.survival.record import Example, HazardRatio, SurvivalRecord
from cancernet.survival.roc import roc_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["survival_drawings"]

_RISKS = ("#0072b2", "#009e73", "#e69f00", "#d55e00", "#7a2048")  # from low to high
_MOST_RATIOS = 20
_TICKS = 6
_RESAMPLED = "95 % of the curves of models fitted on resampled training patients"
_EACH = "the curves of all networks, each fitted without another part of the training patients"
_BANDS = dict.fromkeys(("cox-network", "logistic-hazard", "competing-hazards"), _EACH)


def survival_drawings(record: SurvivalRecord) -> list[Drawing]:
    """Return the figures that the record allows, not drawn yet."""
    competing = [_competing(record)] if record.competing is not None else []
    ratios = [ratio for ratio in record.ratios if ratio.value != 1][:_MOST_RATIOS]
    return [
        _groups(record),
        _calibration(record),
        _roc(record),
        *([_forest(record, ratios)] if ratios else []),
        *([_patients(record)] if record.examples else []),
        *competing,
    ]


# Curves by risk group


def _groups(record: SurvivalRecord) -> Drawing:
    """Return the figure of Kaplan-Meier curves by risk group, with numbers at risk."""
    outcome, group = record.forecast.outcome.take(record.first), record.group[record.first]
    codes = np.unique(group)
    curves = {code: kaplan_meier(outcome.take(group == code)) for code in codes.tolist()}
    names = _group_names(len(codes))
    said = "; ".join(
        f"{name}: {int((group == code).sum())} patients, {_half(curve, outcome.unit)}"
        for name, (code, curve) in zip(names, curves.items(), strict=True)
    )
    test = record.logrank
    tested = "" if test is None else f" Log-rank chi-squared {test.statistic:.1f}, {_p(test.p)}."
    return Drawing(
        "survival-by-risk",
        "results",
        "Survival by risk group",
        "What became of test patients whose predicted risk is low, middle or high; cut points come from the training "
        "rows. Bands are 95 %. Below: how many were still followed; where few are, a curve says little.",
        f"Kaplan-Meier curves of {len(outcome)} test patients by risk group. {said}.{tested}",
        (8.6, 5.4),
        lambda figure: _draw_groups(figure, list(curves.values()), names=names, record=record),
    )


def _group_names(count: int) -> tuple[str, ...]:
    """Return what risk groups are called, from low to high."""
    if count == 2:
        return ("low risk", "high risk")
    return (
        ("low risk", "middle risk", "high risk")
        if count == 3
        else tuple(f"risk {n} of {count}" for n in range(1, count + 1))
    )


def _half(curve: Curve, unit: str) -> str:
    """Return when half of a group have had the event."""
    median = curve.quantile()
    return "more than half free of the event to the end" if median is None else f"half by {median:.4g} {unit}"


def _p(value: float) -> str:
    """Return a p-value as text."""
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def _draw_groups(figure: Figure, curves: Sequence[Curve], *, names: Sequence[str], record: SurvivalRecord) -> None:
    """Draw curves, and the table of numbers at risk under them."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 0.06 + 0.055 * len(curves)))
    end, unit = record.forecast.horizon, record.forecast.outcome.unit
    ticks = np.linspace(0, end, _TICKS)
    for place, (curve, name) in enumerate(zip(curves, names, strict=True)):
        colour = _RISKS[place * (len(_RISKS) - 1) // max(len(curves) - 1, 1)]
        draw_curve(upper, curve, end=end, colour=colour, label=name)
        for tick, seen in zip(ticks.tolist(), curve.seen(ticks).tolist(), strict=True):
            lower.text(tick, -place, f"{seen}", ha="center", va="center", fontsize=8.5, color=colour)
    upper.set(ylim=(0, 1.02), ylabel=f"free of {plain(record.event)}")
    upper.legend(loc="lower left")
    lower.set(ylim=(-len(curves) + 0.4, 0.6), xlim=(-0.02 * end, 1.02 * end), xlabel=unit, xticks=ticks.tolist())
    lower.set_yticks([-place for place in range(len(curves))], names)
    lower.set_title("still followed", fontsize=9, fontweight="normal", color=MUTED)
    lower.grid(False)
    lower.spines[["left", "bottom"]].set_visible(False)
    lower.tick_params(length=0)


def draw_curve(axes: Axes, curve: Curve, *, end: float, colour: str, label: str) -> None:
    """Draw a step function with its band, from time zero to an end."""
    inside = curve.times <= end
    times = np.concatenate([[0.0], curve.times[inside], [min(end, float(curve.times[-1]))]])
    parts = (curve.values, curve.low, curve.high)
    values, low, high = (np.concatenate([[curve.start], part[inside], part[inside][-1:]]) for part in parts)
    axes.fill_between(times, low, high, step="post", color=colour, alpha=0.16, linewidth=0)
    axes.step(times, values, where="post", color=colour, label=label)


# Predicted against observed


def _calibration(record: SurvivalRecord) -> Drawing:
    """Return the figure of predicted against observed shares."""
    times = record.forecast.times.tolist()
    said = []
    for time in times:
        ratio = record.metrics[f"calibration_ratio_at_{time_name(time)}"]
        said.append(f"At {time_name(time)} {record.forecast.outcome.unit} observed by predicted is {ratio.format(2)}.")
    return Drawing(
        "predicted-and-observed",
        "trust",
        "Predicted against observed",
        "Ten groups of test patients by predicted risk: what was predicted for them, and what was seen "
        "(Kaplan-Meier, with 95 % intervals). Calibrated predictions lie on the diagonal.",
        f"Calibration at {len(times)} times. {' '.join(said)}",
        (3.7 * len(times) + 0.6, 4.7),
        lambda figure: _draw_calibration(figure, record),
    )


def _draw_calibration(figure: Figure, record: SurvivalRecord) -> None:
    """Draw one panel for each time."""
    forecast = record.forecast
    panels = np.atleast_1d(figure.subplots(1, len(forecast.times)))
    outcome = forecast.outcome.take(record.first)
    for place, (axes, time) in enumerate(zip(panels, forecast.times.tolist(), strict=True)):
        chance = 1 - forecast.survival[record.first, place]
        groups = calibration_groups(outcome, chance, time=time, groups=min(10, len(outcome)))
        predicted, observed = [group.predicted for group in groups], np.array([group.observed for group in groups])
        spread = [observed - [group.low for group in groups], [group.high for group in groups] - observed]
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
        axes.errorbar(
            predicted, observed, yerr=np.maximum(spread, 0), fmt="o", color=NETWORK, markersize=5, linewidth=1.3
        )
        most = min(1.0, 1.08 * max(*predicted, *(group.high for group in groups)))
        axes.set(xlim=(0, most), ylim=(0, most), xlabel="predicted", aspect="equal")
        axes.set_title(f"by {time_name(time)} {forecast.outcome.unit}")
    panels[0].set_ylabel("observed")


# ROC at times


def _roc(record: SurvivalRecord) -> Drawing:
    """Return the figure of the ROC curves at times."""
    forecast = record.forecast
    labels = [
        f"by {time_name(time)}: {record.metrics[f'auroc_at_{time_name(time)}'].format(2)}"
        for time in forecast.times.tolist()
    ]
    return Drawing(
        "roc-at-times",
        "metrics",
        "ROC at given times",
        "Those who have had the event by a time against those still free of it; weighted for those censored by "
        "then. The numbers are AUROC with 95 % intervals, of comparisons inside the folds.",
        f"Time-dependent ROC, in {forecast.outcome.unit}. AUROC {'; '.join(labels)}.",
        SINGLE,
        lambda figure: _draw_roc(figure.subplots(), record, labels),
    )


def _draw_roc(axes: Axes, record: SurvivalRecord, labels: Sequence[str]) -> None:
    """Draw one curve for each time that has one."""
    forecast = record.forecast
    outcome = forecast.outcome.take(record.first)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    for place, (time, label) in enumerate(zip(forecast.times.tolist(), labels, strict=True)):
        if record.metrics[f"auroc_at_{time_name(time)}"].value is None:
            continue
        wrong, right = roc_at(outcome, 1 - forecast.survival[record.first, place], time=time)
        colour = _RISKS[place % len(_RISKS)]
        axes.plot(wrong, right, color=colour, linestyle=DASHES[place % len(DASHES)], label=label)
    axes.set(xlabel="1 − specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")  # noqa: RUF001
    axes.legend(loc="lower right", title=f"{forecast.outcome.unit}, AUROC")


# Hazard ratios


def _forest(record: SurvivalRecord, ratios: Sequence[HazardRatio]) -> Drawing:
    """Return the forest plot of hazard ratios."""
    said = "; ".join(f"{plain(ratio.name)} {ratio.value:.2f}" for ratio in ratios[:10])
    known = ratios[0].low is not None
    note = (
        "Lines are 95 % intervals about the penalised value."
        if known
        else "An elastic net leaves no interval that holds; behind each name stands the share of folds that kept it."
    )
    return Drawing(
        "hazard-ratios",
        "importance",
        "Hazard ratios",
        f"How much the hazard is multiplied by for one standard deviation more of a column, all others equal. {note}",
        f"Hazard ratios of the bundle's model. {said}.",
        (7.2, 1.4 + 0.3 * len(ratios)),
        lambda figure: _draw_forest(figure.subplots(), ratios),
    )


def _draw_forest(axes: Axes, ratios: Sequence[HazardRatio]) -> None:
    """Draw the ratios on a logarithmic scale."""
    places = -np.arange(len(ratios))
    axes.axvline(1, color=MUTED, linewidth=1)
    for place, ratio in zip(places.tolist(), ratios, strict=True):
        if ratio.low is not None and ratio.high is not None:
            axes.plot([ratio.low, ratio.high], [place, place], color=NETWORK, linewidth=1.6)
        axes.plot(ratio.value, place, "s", color=NETWORK, markersize=5)
    names = [f"{plain(r.name)}" if r.low is not None else f"{plain(r.name)} ({r.chosen:.0%})" for r in ratios]
    axes.set_xscale("log")
    axes.set_yticks(places, names)
    axes.set_xlabel("hazard ratio per standard deviation (logarithmic)")
    bounds = [bound for r in ratios for bound in (r.low or r.value, r.high or r.value)]
    ticks = [
        tick
        for tick in (0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 5, 10)
        if min(bounds) * 0.9 < tick < max(bounds) * 1.1
    ]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.minorticks_off()


# Single patients


def _patients(record: SurvivalRecord) -> Drawing:
    """Return the figure of the curves of single patients."""
    said = "; ".join(f"{plain(one.name)} ends at {one.survival[-1]:.2f}" for one in record.examples)
    return Drawing(
        "patients",
        "trust",
        "Predicted curves of three patients",
        f"Test patients of low, middle and high risk. The bands hold {_BANDS.get(record.model, _RESAMPLED)}: they "
        "tell how sure the curve is, not how long this patient will live.",
        f"Predicted curves with bands, to {record.forecast.horizon:g} {record.forecast.outcome.unit}: {said}.",
        (6.4, 4.2),
        lambda figure: _draw_patients(figure.subplots(), record.examples, record=record),
    )


def _draw_patients(axes: Axes, examples: Sequence[Example], *, record: SurvivalRecord) -> None:
    """Draw curves with bands."""
    for place, one in enumerate(examples):
        colour = _RISKS[place * (len(_RISKS) - 1) // max(len(examples) - 1, 1)]
        axes.fill_between(one.times, one.low, one.high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(one.times, one.survival, color=colour, label=plain(one.name))
    unit = record.forecast.outcome.unit
    axes.set(ylim=(0, 1.02), xlim=(0, record.forecast.horizon), xlabel=unit, ylabel=f"free of {plain(record.event)}")
    axes.axhline(0.5, color=GRID, linewidth=1.2)
    axes.legend(loc="lower left")


# Competing causes


def _competing(record: SurvivalRecord) -> Drawing:
    """Return the figure of the shares that have had each cause."""
    outcome = record.competing
    if outcome is None:
        raise ValueError("there are no competing causes")
    curves = {cause: aalen_johansen(outcome, cause) for cause in outcome.causes}
    until = record.forecast.horizon
    said = "; ".join(f"{plain(cause)} {float(curve.at(until)):.1%}" for cause, curve in curves.items())
    predicted = " Dotted: the mean of the predicted shares of the test patients." if record.causes else ""
    return Drawing(
        "causes",
        "data",
        "What comes first",
        "The share of all patients that has had each cause first (Aalen-Johansen). Dashed: 1 minus Kaplan-Meier, which "
        f"treats those who had another cause as if they might still have this one, and is too high for real life."
        f"{predicted}",
        f"Cumulative incidence by {until:g} {outcome.unit}: {said}.",
        (6.4, 4.2),
        lambda figure: _draw_competing(figure.subplots(), curves, record=record),
    )


def _draw_competing(axes: Axes, curves: dict[str, Curve], *, record: SurvivalRecord) -> None:
    """Draw the curves of all causes."""
    until, outcome = record.forecast.horizon, record.competing
    if outcome is None:
        return
    grid: NDArray[np.float64] = np.linspace(0, until, 400)
    for place, (cause, curve) in enumerate(curves.items()):
        colour = _RISKS[(3 - 3 * place) % len(_RISKS)]
        draw_curve(axes, curve, end=until, colour=colour, label=plain(cause))
        alone = 1 - kaplan_meier(outcome.of_cause(cause)).at(grid)
        axes.plot(grid, alone, color=colour, linestyle="--", linewidth=1.2)
        if cause in record.causes:
            forecast = record.causes[cause]
            mean = forecast.curves[record.first].mean(axis=0)
            axes.plot(np.append(0, forecast.grid), np.append(0, mean), color=colour, linestyle=":", linewidth=2.2)
    axes.set(ylim=(0, 1.02), xlim=(0, until), xlabel=outcome.unit, ylabel="share with the event")
    axes.legend(loc="upper left")
    axes.tick_params(colors=INK)
