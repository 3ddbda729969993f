"""The sentences of a report on survival."""

from __future__ import annotations

from collections.abc import Mapping

from cancernet.estimate import Estimate
from cancernet.survival import LogRank, time_name

__all__ = ["calibration", "comparison", "logrank_words", "of_cause"]


def comparison(name: str, found: Mapping[str, Estimate]) -> str:
    """Return whether the model is better than a baseline; only an interval that excludes zero says so."""
    said = []
    for metric, label, better in (
        ("concordance_uno", "concordance (Uno)", 1),
        ("integrated_brier", "integrated Brier score", -1),
    ):
        gain = found[metric]
        said.append(f"{label} {gain.format()}: {_verdict(gain, better)}")
    return f"Minus {name}, on the same patients: {'; '.join(said)}."


def of_cause(cause: str, metrics: Mapping[str, Estimate], differences: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Return how well one of several causes is told, and what the model gains over each baseline."""
    name = f"concordance_{cause}"
    gains = [
        f"minus {rival} {found[name].format()}: {_verdict(found[name], 1)}"
        for rival, found in differences.items()
        if name in found and rival != "kaplan-meier"
    ]
    ends = "; ".join((f"concordance {metrics[name].format()}", *gains))
    return f"{cause.capitalize()}, where other causes may come first: {ends}."


def _verdict(gain: Estimate, better: int) -> str:
    """Return whether a difference shows anything; `better` is the sign of a gain."""
    if gain.low is None or gain.high is None or gain.low <= 0 <= gain.high:
        return "no difference is shown"
    return "better" if (gain.low > 0) == (better > 0) else "worse"


def calibration(unit: str, metrics: Mapping[str, Estimate], time: float) -> str:
    """Return whether predicted and observed shares agree at a time."""
    name = time_name(time)
    seen, ratio = metrics[f"observed_at_{name}"], metrics[f"calibration_ratio_at_{name}"]
    if seen.value is None:
        return f"Nothing is said of {name} {unit}: {(seen.reason or '').removesuffix('.')}."
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


def logrank_words(test: LogRank) -> str:
    """Return what the log-rank test says."""
    p = "p < 0.0001" if test.p < 1e-4 else f"p = {test.p:.2g}"
    return (
        f"The {len(test.observed)} risk groups, whose cut points come from the training rows, differ by the log-rank "
        f"test: chi-squared {test.statistic:.1f}, {test.freedom} degree{'s' * (test.freedom > 1)} of freedom, {p}."
    )
