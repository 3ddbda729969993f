"""Figures of fitting and of what was fitted: learning curves, network against baselines, permutation importance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.report.record import Estimates, HistoryRow, Importance, RunRecord
from cancernet.report.style import INK, MUTED, NETWORK, Drawing, plain
from cancernet.report.words import describe, interval, number, rival, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Learning",
    "difference_drawings",
    "draw_forest",
    "draw_learning",
    "importance_drawings",
    "learning",
    "learning_drawings",
    "rank_importance",
]

_TRAINING, _HELD_OUT = "#7d8496", NETWORK
_MOST_IMPORTANT = 20
_IN_A_ROW = 2  # forests side by side
_IDLE = "#8a90a0"
_TONES = {"better": NETWORK, "worse": "#d55e00", "no difference shown": _IDLE, "differs": INK, "": _IDLE}
_COMPARED = (
    *(
        "auroc",
        "macro_auroc",
        "average_precision",
        "accuracy",
        "balanced_accuracy",
        "sensitivity",
        "specificity",
        "mcc",
    ),
    *("macro_f1", "kappa", "brier", "ece", "quadratic_kappa", "concordance_uno", "concordance_harrell"),
)


# Learning curves


@dataclass(frozen=True)
class Learning:
    """One logged number over the epochs.

    Parameters
    ----------
    epochs
        Shape (epochs,), counted from 1, as far as at least half of the fits ran.
    mean, low, high
        Shape (epochs,): mean over the fits still running, and their 10th and 90th percentiles.
    runs
        One array per fit.
    """

    epochs: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    runs: tuple[NDArray[np.float64], ...]


def learning(history: Sequence[HistoryRow], name: str) -> Learning | None:
    """Return how a logged number went over the epochs of all fits; None when it was not logged."""
    fits: dict[tuple[str, ...], dict[int, float]] = defaultdict(dict)
    for row in history:
        if _finite(row.get(name)):
            fit = tuple(str(row.get(part, "")) for part in ("repeat", "fold", "inner"))
            fits[fit][int(row["epoch"])] = float(row[name])
    if not fits:
        return None
    runs = tuple(np.array([value for _, value in sorted(values.items())]) for values in fits.values())
    return _summary(runs)


def _finite(value: float | int | str | None) -> bool:
    """Return whether a logged value is a number that can be drawn."""
    return isinstance(value, float | int) and bool(np.isfinite(value))


def _summary(runs: tuple[NDArray[np.float64], ...]) -> Learning:
    """Return mean and spread over the fits, as far as half of them ran."""
    lengths = sorted((len(run) for run in runs), reverse=True)
    last = lengths[(len(runs) - 1) // 2]
    columns = [np.array([run[epoch] for run in runs if len(run) > epoch]) for epoch in range(last)]
    low, mean, high = (np.array([function(column) for column in columns]) for function in (_low, np.mean, _high))
    return Learning(np.arange(1, last + 1), mean, low, high, runs)


def _low(values: NDArray[np.float64]) -> float:
    """Return the 10th percentile."""
    return float(np.percentile(values, 10))


def _high(values: NDArray[np.float64]) -> float:
    """Return the 90th percentile."""
    return float(np.percentile(values, 90))


def learning_drawings(record: RunRecord) -> list[Drawing]:
    """Return the learning curves; nothing when nothing was logged."""
    training, held_out = learning(record.history, "loss"), learning(record.history, "val_loss")
    if training is None:
        return []
    fits, last = len(training.runs), int(training.epochs[-1])
    words = f"training loss falls from {number(training.mean[0])} to {number(training.mean[-1])}"
    if held_out is not None:
        best = int(held_out.mean.argmin())
        words += f"; validation loss is lowest, {number(held_out.mean[best])}, at epoch {held_out.epochs[best]}"
    spread = "The line is the mean over the fits, the band holds the middle 80 %. " if fits > 1 else ""
    return [
        Drawing(
            "learning-curves",
            "training",
            "Learning curves",
            f"{spread}Drawn as far as at least half of the fits ran. A validation curve that turns up while the "
            "training curve still falls is overfitting.",
            f"Loss over {last} epochs, {fits} {'fits' if fits > 1 else 'fit'}: {words}.",
            (9.6, 3.9),
            lambda figure: draw_learning(figure.subplots(), training, held_out=held_out),
        )
    ]


def draw_learning(axes: Axes, training: Learning, *, held_out: Learning | None) -> None:
    """Draw the losses over the epochs: mean, band and every fit."""
    for curve, colour, name, dash in (
        (training, _TRAINING, "training", "--"),
        (held_out, _HELD_OUT, "validation", "-"),
    ):
        if curve is None:
            continue
        for run in curve.runs:
            shown = run[: len(curve.epochs)]
            axes.plot(np.arange(1, len(shown) + 1), shown, color=colour, alpha=0.18, linewidth=0.7)
        axes.fill_between(curve.epochs, curve.low, curve.high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(curve.epochs, curve.mean, color=colour, linestyle=dash, label=name)
    axes.set(xlabel="epoch", ylabel="loss (cross-entropy)", xlim=(1, max(2, int(training.epochs[-1]))))
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", integer=True)
    axes.legend(loc="upper right")


# Dots with intervals


def draw_forest(axes: Axes, names: Sequence[str], *, estimates: Sequence[Estimate], colours: Sequence[str]) -> None:
    """Draw one dot with its interval per name, from the top down, and a line at zero."""
    for place, (estimate, colour) in enumerate(zip(estimates, colours, strict=True)):
        if estimate.value is None:
            axes.text(0, place, "undefined", color=MUTED, va="center", fontsize=8)
            continue
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=2.2, alpha=0.75)
        axes.plot(estimate.value, place, "o", color=colour, markersize=6, markeredgecolor="white")
    axes.axvline(0, color=INK, linewidth=1, zorder=0.5)
    axes.set_yticks(range(len(names)), [plain(name, 44) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")


def difference_drawings(record: RunRecord) -> list[Drawing]:
    """Return the forest plot of network minus baseline, one panel per baseline; nothing without comparisons."""
    panels = {name: _compared(differences) for name, differences in record.differences.items()}
    panels = {name: names for name, names in panels.items() if names}
    if not panels:
        return []
    longest = max(len(names) for names in panels.values())
    words = " ".join(
        _difference_in_words(name, record.differences[name], names=names) for name, names in panels.items()
    )
    return [
        Drawing(
            "differences",
            "metrics",
            "Network minus baseline",
            "Paired differences on the same rows with 95 % intervals. Purple: the network is better; orange: it is "
            "worse; grey: the interval holds zero, so no difference is shown.",
            f"Dots with intervals around zero. {words}",
            (9.6 if len(panels) > 1 else 6.4, (1.0 + 0.34 * longest) * ceil(len(panels) / _IN_A_ROW)),
            lambda figure: _draw_differences(figure, record, panels=panels),
        )
    ]


def _compared(differences: Estimates) -> list[str]:
    """Return the metrics of a comparison that the figure shows."""
    return [name for name in _COMPARED if name in differences and differences[name].value is not None]


def _difference_in_words(baseline: str, differences: Estimates, *, names: Sequence[str]) -> str:
    """Return the differences from one baseline in words."""
    parts = [
        f"{describe(name).label} {number(differences[name].value, signed=True)} "
        f"({interval(differences[name], signed=True)}; {verdict(differences[name], describe(name).better)})"
        for name in names
    ]
    return f"Against {plain(rival(baseline))}: {', '.join(parts)}."


def _draw_differences(figure: Figure, record: RunRecord, *, panels: Mapping[str, Sequence[str]]) -> None:
    """Draw one forest per baseline, two side by side."""
    grid = figure.subplots(ceil(len(panels) / _IN_A_ROW), min(len(panels), _IN_A_ROW), squeeze=False).ravel()
    for empty in grid[len(panels) :]:
        empty.set_axis_off()
    for axes, (baseline, names) in zip(grid, panels.items(), strict=False):
        estimates = [record.differences[baseline][name] for name in names]
        metrics = [describe(name) for name in names]
        tones = [_TONES[verdict(estimate, metric.better)] for estimate, metric in zip(estimates, metrics, strict=True)]
        labels = [
            f"{metric.label} (lower is better)" if metric.better == "lower" else metric.label for metric in metrics
        ]
        draw_forest(axes, labels, estimates=estimates, colours=tones)
        axes.set_title(f"minus {plain(rival(baseline))}")
        axes.set_xlabel("difference")


# Permutation importance


def importance_drawings(record: RunRecord) -> list[Drawing]:
    """Return the figure of the permutation importance; nothing when it was not measured."""
    ranked = rank_importance(record.importance)
    if not ranked:
        return []
    shown, metric = ranked[:_MOST_IMPORTANT], describe(record.importance_metric).label
    which = f"the first {len(shown)} of {len(ranked)} features" if len(shown) < len(ranked) else "all features"
    leaders = "; ".join(f"{plain(item.feature)} {item.estimate.format()}" for item in shown[:5])
    return [
        Drawing(
            "permutation-importance",
            "importance",
            "Permutation importance",
            f"Fall of {metric} when one feature is shuffled among the rows, with 95 % intervals; {which}. Purple: "
            "above zero with its whole interval. Features that repeat each other share their importance, so that "
            "each alone can look idle.",
            f"Dots with intervals, the most important feature first: {leaders}.",
            (7.4, 1.0 + 0.27 * len(shown)),
            lambda figure: _draw_importance(figure.subplots(), shown, label=f"fall of {metric} when shuffled"),
        )
    ]


def rank_importance(importance: Sequence[Importance]) -> list[Importance]:
    """Return the features, the most important first, undefined ones last."""
    return sorted(importance, key=lambda item: np.inf if item.estimate.value is None else -item.estimate.value)


def _draw_importance(axes: Axes, shown: Sequence[Importance], *, label: str) -> None:
    """Draw the features with their falls."""
    estimates = [item.estimate for item in shown]
    tones = [_TONES[verdict(estimate, "higher")] for estimate in estimates]
    draw_forest(axes, [item.feature for item in shown], estimates=estimates, colours=tones)
    axes.set_xlabel(label)
