"""Figures of trust: reliability of the probabilities, risk over coverage, worth of acting on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cancernet.metrics.curves import (
    DecisionCurve,
    Reliability,
    RiskCoverage,
    decision_curve,
    reliability,
    risk_coverage,
)
from cancernet.metrics.scored import Scored
from cancernet.report.outcomefigures import rivals
from cancernet.report.record import RunRecord
from cancernet.report.style import BASELINES, DASHES, MUTED, NETWORK, SINGLE, Drawing, class_colours, key, plain
from cancernet.report.words import rival, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["decision_drawings", "draw_decision", "draw_reliability", "draw_risk", "trust_drawings"]


def trust_drawings(record: RunRecord) -> list[Drawing]:
    """Return reliability and risk over coverage; nothing without rows."""
    return [_reliability(record), _risk(record)] if len(record.scored) else []


def decision_drawings(record: RunRecord) -> list[Drawing]:
    """Return the decision curve of a binary task with rows of both classes."""
    scored = record.scored
    return [_decision(record)] if scored.binary and len(np.unique(scored.truth)) == 2 else []


# Reliability


def _reliability(record: RunRecord) -> Drawing:
    """Return the reliability diagram."""
    curve, scored = reliability(record.scored), record.scored
    what = f"probability of “{plain(scored.positive)}”" if scored.positive is not None else "probability of the answer"
    error = record.metrics.get("ece")
    words = f"ECE {error.format()}. " if error is not None else ""
    outside = int(((curve.predicted < curve.low) | (curve.predicted > curve.high)).sum())
    return Drawing(
        "reliability",
        "trust",
        "Reliability",
        "Ten bins of equal size. On the dotted line a promised 80 % comes true in 80 of 100 cases; below it the model "
        "promises too much. Bars: 95 % Wilson intervals. Beneath: how often each probability is given.",
        f"Observed share over promised {what} in {len(curve.rows)} bins. {words}In {outside} of {len(curve.rows)} "
        "bins the promise lies outside the interval of what was observed.",
        (SINGLE[0], 5.2),
        lambda figure: _draw_reliability(figure, scored, curve=curve, what=what),
    )


def _draw_reliability(figure: Figure, scored: Scored, *, curve: Reliability, what: str) -> None:
    """Draw the diagram above and the histogram beneath."""
    above, beneath = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
    draw_reliability(above, curve)
    above.set_ylabel("observed share")
    edges = np.linspace(0, 1, 31)
    colours = class_colours(scored.classes, scored.positive)
    if scored.binary:
        parts = [scored.p_positive[scored.truth == code] for code in range(len(scored.classes))]
        beneath.hist(parts, edges, stacked=True, color=list(colours.values()))
        key(above, colours, loc="upper left", title="truth (below)", title_fontsize=8)
    else:
        beneath.hist(scored.probabilities.max(axis=1), edges, color=NETWORK)
    beneath.set(xlabel=what, ylabel="rows", yscale="symlog", xlim=(-0.02, 1.02))
    beneath.yaxis.set_major_formatter("{x:,.0f}")
    beneath.set_ylim(bottom=0)


def draw_reliability(axes: Axes, curve: Reliability) -> None:
    """Draw observed over promised shares with their intervals."""
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":")
    errors = np.maximum(np.stack([curve.observed - curve.low, curve.high - curve.observed]), 0)
    style: dict[str, Any] = {"fmt": "o-", "color": NETWORK, "ecolor": "#9c8fd0", "elinewidth": 1.8, "linewidth": 1.0}
    axes.errorbar(curve.predicted, curve.observed, errors, markersize=6.5, markeredgecolor="white", **style)
    axes.set_ylim(-0.03, 1.03)


# Risk over coverage


def _risk(record: RunRecord) -> Drawing:
    """Return the figure of risk over coverage."""
    curve, scored = risk_coverage(record.scored), record.scored
    half = float(np.interp(0.5, curve.coverage, curve.risk))
    words = (
        f"errors are {share(float(curve.risk[-1]))} when every case is answered and {share(half)} for the surest half"
    )
    point = _kept(scored)
    if point is not None:
        words += (
            f"; the sets leave {share(1 - point[0])} of the cases to a human, with {share(point[1])} errors on the kept"
        )
    return Drawing(
        "risk-coverage",
        "trust",
        "Risk over coverage",
        "Share of wrong answers when only the surest cases are answered. A curve that rises to the right shows that "
        "the model knows when it does not know. Diamond: what the study's sets and limits keep.",
        f"Risk over coverage: {words}.",
        (SINGLE[0], 5.2),
        lambda figure: draw_risk(figure.subplots(), curve, point=point),
    )


def _kept(scored: Scored) -> tuple[float, float] | None:
    """Return the share of the cases that are answered and the errors among them; None without abstention."""
    if scored.abstained is None or scored.abstained.all():
        return None
    kept = ~scored.abstained
    return float(kept.mean()), float((scored.truth != scored.predicted)[kept].mean())


def draw_risk(axes: Axes, curve: RiskCoverage, *, point: tuple[float, float] | None = None) -> None:
    """Draw risk over coverage, and the point at which the study abstains."""
    from matplotlib.ticker import PercentFormatter

    axes.fill_between(curve.coverage, 0, curve.risk, color=NETWORK, alpha=0.1, linewidth=0, step="post")
    axes.plot(curve.coverage, curve.risk, color=NETWORK, drawstyle="steps-post", label="surest cases first")
    if point is not None:
        axes.plot(*point, "D", color="#b26a00", markersize=8, markeredgecolor="white", label="the study's abstention")
    axes.set(xlim=(0, 1.02), xlabel="share of cases answered", ylabel="share of wrong answers")
    axes.set_ylim(0, max(0.02, 1.25 * float(curve.risk[curve.coverage > 0.05].max(initial=0.0))))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.legend(loc="upper left")


# Worth of acting


def _decision(record: RunRecord) -> Drawing:
    """Return the decision curve."""
    others = {name: decision_curve(scored) for name, scored in rivals(record).items()}
    curve = decision_curve(record.scored)
    best = curve.model > np.maximum(curve.everyone, curve.no_one) + 1e-12
    words = f"the network is worth more than treating all or none at {best.sum()} of {len(best)} thresholds"
    if best.any():
        words += f", between {curve.thresholds[best].min():.2f} and {curve.thresholds[best].max():.2f}"
    return Drawing(
        "decision-curve",
        "decisions",
        "Decision curve",
        "Net benefit of acting on the model: true positives less false ones, weighted by the odds of the threshold "
        "at which one would act. Above both thin lines the model is worth using.",
        f"Net benefit over the threshold: {words}.",
        SINGLE,
        lambda figure: draw_decision(figure.subplots(), curve, others=others),
    )


def draw_decision(axes: Axes, curve: DecisionCurve, *, others: dict[str, DecisionCurve]) -> None:
    """Draw net benefit of the network, the baselines, treating all and none."""
    axes.plot(curve.thresholds, curve.everyone, color=MUTED, linewidth=1.2, linestyle=(0, (4, 2)), label="treat all")
    axes.plot(curve.thresholds, curve.no_one, color=MUTED, linewidth=1.2, label="treat none")
    for place, (name, other) in enumerate(others.items()):
        colour, dash = BASELINES[place % len(BASELINES)], DASHES[(place + 1) % len(DASHES)]
        axes.plot(other.thresholds, other.model, color=colour, linestyle=dash, label=plain(rival(name)))
    axes.plot(curve.thresholds, curve.model, color=NETWORK, label="network")
    top = max(0.01, float(curve.model.max()), float(curve.everyone.max()))
    axes.set(xlim=(0, 1), ylim=(-0.12 * top, 1.12 * top))
    axes.set(xlabel="threshold probability at which one would act", ylabel="net benefit (per case)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.13), ncols=4, fontsize=8.5, columnspacing=1.2)
