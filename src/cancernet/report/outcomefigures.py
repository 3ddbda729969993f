"""Figures of the answers: confusion matrix, ROC, precision and recall; of more classes, each against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.curves import Confusion, PrecisionRecall, Roc, confusion, precision_recall, roc
from cancernet.metrics.scored import Scored
from cancernet.report.bands import Band, precision_band, roc_band
from cancernet.report.record import Estimates, RunRecord
from cancernet.report.style import BASELINES, DASHES, INK, MUTED, NETWORK, SINGLE, Drawing, class_colours, plain
from cancernet.report.words import rival, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["against_rest", "draw_band", "draw_confusion", "outcome_drawings", "rivals"]

_CORNER = 0.97  # from this AUROC on the curve hugs the corner, and the corner is drawn larger
_MIDDLE = 0.5
_MOST_COUNTED = 12  # classes; beyond them the numbers in the cells cannot be read


def outcome_drawings(record: RunRecord) -> list[Drawing]:
    """Return the confusion matrix and the curves that the truth allows."""
    drawings = [_confusion(record)]
    if len(np.unique(record.scored.truth)) < 2:
        return drawings
    if record.scored.binary:
        return [*drawings, _roc(record), _precision(record)]
    return [*drawings, _rest(record)]


def rivals(record: RunRecord) -> dict[str, Scored]:
    """Return the baselines that have a curve: not the majority class, whose probabilities only tell the folds apart."""
    return {
        name: scored
        for name, scored in record.baseline_scored.items()
        if name != "majority" and np.ptp(scored.probabilities[:, 0]) > 0
    }


# Confusion matrix


def _confusion(record: RunRecord) -> Drawing:
    """Return the figure of the confusion matrix."""
    matrix, positive = confusion(record.scored), record.scored.positive
    side = min(9.0, 3.0 + 0.75 * len(matrix.classes))
    rule = f" at the rule “{record.threshold_rule}”" if record.threshold_rule else ""
    return Drawing(
        "confusion",
        "results",
        "Confusion matrix",
        f"Rows are the truth, columns the answer{rule}; percentages are of the row. Right answers lie on the diagonal.",
        f"Confusion matrix of {matrix.counts.sum()} test rows{rule}. {_confusion_in_words(matrix)}",
        (max(SINGLE[0], side), max(SINGLE[1], side * 0.86)),
        lambda figure: draw_confusion(figure.subplots(), matrix, positive=positive),
    )


def _confusion_in_words(matrix: Confusion) -> str:
    """Return where the rows of each class went."""
    sentences = []
    for name, counts in zip(matrix.classes, matrix.counts, strict=True):
        wrong = ((int(count), other) for count, other in zip(counts, matrix.classes, strict=True) if other != name)
        errors = ", ".join(f"{count} called {plain(other)}" for count, other in wrong if count)
        right = matrix.count(truth=name, predicted=name)
        sentences.append(f"Of {counts.sum()} {plain(name)}, {right} right{', ' + errors if errors else ''}.")
    return " ".join(sentences)


def draw_confusion(axes: Axes, matrix: Confusion, *, positive: str | None = None) -> None:
    """Draw counts and row percentages, classes named, the positive one marked."""
    import seaborn as sns

    rows = np.maximum(matrix.counts.sum(axis=1, keepdims=True), 1)
    shares = matrix.counts / rows  # (classes, classes)
    few = len(matrix.classes) <= _MOST_COUNTED
    written: Any = np.array(
        [
            [f"{count:,}\n{share(part)}" for count, part in zip(*pair, strict=True)]
            for pair in zip(matrix.counts, shares, strict=True)
        ]
    )
    names: Any = [_broken(name) + ("\n(positive)" if name == positive else "") for name in matrix.classes]
    size = float(np.clip(45 / len(matrix.classes), 6, 14))
    shown = {"annot": written if few else False, "fmt": "", "annot_kws": {"fontsize": size, "fontweight": "bold"}}
    look = {"cmap": _ramp(), "vmin": 0, "vmax": 1, "cbar": False, "linewidths": 2}
    sns.heatmap(shares, ax=axes, xticklabels=names, yticklabels=names, **look, **shown)
    axes.set(xlabel="answer", ylabel="truth")
    axes.tick_params(length=0, labelcolor=INK, labelsize=9.5)
    axes.tick_params(axis="y", labelrotation=0)
    axes.grid(visible=False)


def _broken(name: str) -> str:
    """Return the name of a class on at most three short lines, so that neighbours do not touch."""
    return "\n".join(wrap(plain(name, 60), 15, max_lines=3, placeholder="…"))


def _ramp() -> Any:
    """Return colours from white to the colour of the network."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("network", ["#f4f3fa", NETWORK])


# ROC


def _roc(record: RunRecord) -> Drawing:
    """Return the figure of the ROC curves."""
    others = rivals(record)
    words = "; ".join(
        f"{plain(name)} AUROC {values['auroc'].format()}"
        for name, values in _named(record, others)
        if "auroc" in values
    )
    false, true = _point(record.scored)
    at_rule = (
        f"the study's threshold finds {share(true)} of the positive cases and calls {share(false)} of the others "
        "positive"
    )
    return Drawing(
        "roc",
        "results",
        "ROC curve",
        "Sensitivity over the false alarms, for every threshold. Band: 95 %, groups resampled. Dot: the study's "
        "threshold.",
        f"ROC curve of {len(record.scored)} test rows: {words}; {at_rule}.",
        SINGLE,
        lambda figure: _draw_roc(figure.subplots(), record, others=others),
    )


def _named(record: RunRecord, others: Mapping[str, Scored]) -> list[tuple[str, Estimates]]:
    """Return name and metrics of the network and of the baselines that are drawn."""
    return [(record.model, record.metrics), *((rival(name), record.baselines.get(name, {})) for name in others)]


def _label(name: str, estimates: Estimates, *, metric: str) -> str:
    """Return the text of the legend: name and value with its interval."""
    estimate = estimates.get(metric)
    return plain(name) if estimate is None else f"{plain(name)}\n{estimate.format()}"


def _point(scored: Scored) -> tuple[float, float]:
    """Return false and true positive rate of the answers given."""
    called, truth = scored.predicted == scored.positive_code, scored.positive_truth
    return float(called[~truth].mean()), float(called[truth].mean())


def _draw_roc(axes: Axes, record: RunRecord, *, others: Mapping[str, Scored]) -> None:
    """Draw network and baselines, the chosen point, and the corner again when all is in it."""
    curves = [roc(record.scored), *(roc(scored) for scored in others.values())]
    band, point = roc_band(record.scored), _point(record.scored)
    labels = [_label(name, values, metric="auroc") for name, values in _named(record, others)]
    draw_roc(axes, curves, band=band, point=point, labels=labels)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", zorder=0.5)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set(xlabel="false positive rate (1 − specificity)", ylabel="true positive rate (sensitivity)")  # noqa: RUF001
    axes.legend(loc="lower right", title="AUROC (95 % interval)", title_fontsize=8.5, fontsize=8.5)
    area = record.metrics.get("auroc")
    if area is not None and area.value is not None and area.value >= _CORNER:
        corner = axes.inset_axes((0.36, 0.45, 0.6, 0.42), xlim=(-0.004, 0.2), ylim=(0.8, 1.004))
        draw_roc(corner, curves, band=band, point=point, labels=[""] * len(curves))
        corner.tick_params(labelsize=7, length=2)
        corner.set_title("the corner, five times larger", fontsize=7.5, fontweight="normal", color=MUTED, pad=3)


def draw_roc(
    axes: Axes, curves: Sequence[Roc], *, band: Band, point: tuple[float, float], labels: Sequence[str]
) -> None:
    """Draw ROC curves, the first one with its band and the point of the answers given."""
    draw_band(axes, band, colour=NETWORK)
    for place, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        colour, dash = _line(place)
        axes.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=colour,
            linestyle=dash,
            label=label or "_",
            zorder=3 - place * 0.1,
        )
    axes.plot(*point, "o", color=NETWORK, markersize=8, markeredgecolor="white", markeredgewidth=1.5, zorder=4)


def _line(place: int) -> tuple[str, Any]:
    """Return colour and dashes of the network (0) or a baseline."""
    return (NETWORK, "-") if place == 0 else (BASELINES[(place - 1) % len(BASELINES)], DASHES[place % len(DASHES)])


def draw_band(axes: Axes, band: Band, *, colour: str) -> None:
    """Draw a band."""
    axes.fill_between(band.places, band.low, band.high, color=colour, alpha=0.15, linewidth=0)


# Precision and recall


def _precision(record: RunRecord) -> Drawing:
    """Return the figure of precision over recall."""
    others = rivals(record)
    curve = precision_recall(record.scored)
    words = "; ".join(
        f"{plain(name)} average precision {values['average_precision'].format()}"
        for name, values in _named(record, others)
        if "average_precision" in values
    )
    return Drawing(
        "precision-recall",
        "decisions",
        "Precision and recall",
        "How many of the calls “positive” are right (PPV), over the share of positive cases found. The dotted line "
        "is the prevalence: what calling everything positive brings. Band: 95 %, groups resampled.",
        f"Precision over recall: {words}; prevalence {share(curve.prevalence)}.",
        SINGLE,
        lambda figure: _draw_precision(figure.subplots(), record, others=others),
    )


def _draw_precision(axes: Axes, record: RunRecord, *, others: Mapping[str, Scored]) -> None:
    """Draw precision over recall of network and baselines."""
    curves = [precision_recall(record.scored), *(precision_recall(scored) for scored in others.values())]
    draw_band(axes, precision_band(record.scored), colour=NETWORK)
    for place, (curve, (name, values)) in enumerate(zip(curves, _named(record, others), strict=True)):
        label, (colour, dash) = _label(name, values, metric="average_precision"), _line(place)
        draw_precision(axes, curve, colour=colour, dash=dash, label=label, height=3 - place)
    axes.axhline(curves[0].prevalence, color=MUTED, linewidth=1, linestyle=":")
    axes.text(
        0.01, curves[0].prevalence, f"prevalence {share(curves[0].prevalence)}", color=MUTED, fontsize=8, va="bottom"
    )
    axes.set(xlim=(-0.02, 1.02), ylim=(0, 1.03), xlabel="recall (sensitivity)", ylabel="precision (PPV)")
    height = curves[0].prevalence + 0.06 if curves[0].prevalence < _MIDDLE else 0.02
    axes.legend(loc="lower left", bbox_to_anchor=(0.03, height), **_LEGEND)


_LEGEND: dict[str, Any] = {"title": "average precision (95 % interval)", "title_fontsize": 8.5, "fontsize": 8.5}


def draw_precision(axes: Axes, curve: PrecisionRecall, *, colour: str, dash: Any, label: str, height: int = 2) -> None:
    """Draw one curve of precision over recall."""
    axes.plot(
        curve.recall, curve.precision, color=colour, linestyle=dash, label=label, drawstyle="steps-pre", zorder=height
    )


# More than two classes


def against_rest(scored: Scored, name: str) -> Scored:
    """Return the rows as a binary task: one class against all others."""
    code = scored.classes.index(name)
    one = scored.probabilities[:, code]
    pair = np.stack([1 - one, one], axis=1)
    truth, predicted = (scored.truth == code).astype(np.int64), (scored.predicted == code).astype(np.int64)
    return Scored(truth, pair, predicted, scored.groups, (f"not {name}", name), name)


def _rest(record: RunRecord) -> Drawing:
    """Return the figure of the curves of one class against the rest."""
    scored = record.scored
    counts: NDArray[np.int64] = np.bincount(scored.truth, minlength=len(scored.classes))
    present = {name: int(count) for name, count in zip(scored.classes, counts, strict=True) if 0 < count < len(scored)}
    area = record.metrics.get("macro_auroc")
    words = f"Macro AUROC {area.format()}. " if area is not None else ""
    rows = ", ".join(f"{plain(name)} {count}" for name, count in present.items())
    return Drawing(
        "one-against-rest",
        "results",
        "Each class against the rest",
        "ROC and precision-recall of each class in turn as the positive one; in brackets its rows.",
        f"ROC and precision-recall curves, one line per class. {words}Test rows: {rows}.",
        (9.6, 4.5),
        lambda figure: _draw_rest(figure, scored, present=present),
    )


def _draw_rest(figure: Figure, scored: Scored, *, present: Mapping[str, int]) -> None:
    """Draw ROC on the left, precision and recall on the right, one legend for both."""
    left, right = figure.subplots(1, 2)
    colours = class_colours(scored.classes)
    for place, (name, count) in enumerate(present.items()):
        binary, dash = against_rest(scored, name), DASHES[place % len(DASHES)]
        curve = roc(binary)
        label = f"{plain(name)} ({count:,})"
        left.plot(curve.false_positive_rate, curve.true_positive_rate, color=colours[name], linestyle=dash, label=label)
        draw_precision(right, precision_recall(binary), colour=colours[name], dash=dash, label=label)
    square: dict[str, Any] = {"aspect": "equal", "xlim": (-0.02, 1.02), "ylim": (-0.02, 1.02)}
    left.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", zorder=0.5)
    left.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC", **square)
    right.set(xlabel="recall", ylabel="precision", title="Precision and recall", **square)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center")
