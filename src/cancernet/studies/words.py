"""What a run says in sentences: nothing is called better unless a paired interval says so."""

from __future__ import annotations

from collections.abc import Mapping

from cancernet.estimate import Estimate
from cancernet.studies.sections import ReportOptions

__all__ = ["abstention_sentence", "calibration_sentence", "comparison_sentence", "coverage_sentence"]

_NAMES = {"auroc": "AUROC", "macro_auroc": "macro AUROC", "quadratic_kappa": "quadratic kappa", "accuracy": "accuracy"}


def comparison_sentence(differences: Mapping[str, Estimate], baseline: str, metrics: tuple[str, ...]) -> str:
    """Return whether the network is better than a baseline, by the paired intervals of some metrics."""
    judged = {name: differences[name] for name in metrics if name in differences}
    verdicts = {name: _verdict(difference) for name, difference in judged.items()}
    numbers = "; ".join(f"{_NAMES.get(name, name)} {_signed(difference)}" for name, difference in judged.items())
    return f"{_claim(verdicts, baseline)} (network minus {baseline}, with 95 % intervals: {numbers})."


def _claim(verdicts: Mapping[str, str], baseline: str) -> str:
    """Return what the verdicts by metric come to."""
    better, worse = (
        " and ".join(_NAMES.get(name, name) for name, verdict in verdicts.items() if verdict == wanted)
        for wanted in ("better", "worse")
    )
    if better and worse:
        return f"The network is better than the {baseline} baseline in {better}, and worse in {worse}"
    if better:
        return f"The network is better than the {baseline} baseline on the same rows, in {better}"
    if worse:
        return f"The network is not better than the {baseline} baseline, and worse in {worse}"
    return f"The network is not better than the {baseline} baseline: no paired interval excludes zero"


def calibration_sentence(metrics: Mapping[str, Estimate]) -> str:
    """Return the ECE beside the one that a perfectly calibrated model of this size would show."""
    found, perfect = metrics["ece"], metrics["ece_of_perfect"]
    if found.value is None or perfect.value is None or perfect.high is None:
        return "The calibration error is undefined here."
    met = found.value <= max(0.04, perfect.high)
    verdict = "within" if met else "above"
    return (
        f"Calibration: ECE {found.format()}, {verdict} the goal (at most 0.04, or below {perfect.high:.3f}, the 95th "
        f"percentile of a perfectly calibrated model on this many cases, whose mean is {perfect.value:.3f})."
    )


def coverage_sentence(metrics: Mapping[str, Estimate], report: ReportOptions) -> str:
    """Return whether the prediction sets keep their promise."""
    coverage = metrics.get("coverage")
    if coverage is None or coverage.value is None:
        return "Prediction sets were not measured."
    if coverage.value >= report.coverage:
        kept = "at least the promise"
    elif coverage.high is not None and coverage.high >= report.coverage:
        kept = "below the promise, but the interval includes it"
    else:
        kept = "below the promise, and the interval excludes it"
    promise = f"Prediction sets that promised to hold the truth for {100 * report.coverage:g} % of cases"
    return f"{promise} held it for {coverage.format()}: {kept}."


def abstention_sentence(metrics: Mapping[str, Estimate]) -> str:
    """Return how often the model abstains and how good the rest is."""
    abstained, selective = metrics.get("abstained"), metrics.get("selective_accuracy")
    if abstained is None or abstained.value is None or selective is None:
        return "The model never abstains."
    return (
        f"It abstained on {100 * abstained.value:.1f} % of cases; on the others its accuracy was {selective.format()}."
    )


def _verdict(difference: Estimate) -> str:
    """Return 'better', 'worse' or 'equal' by the interval."""
    if difference.low is None or difference.high is None:
        return "equal"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "equal"


def _signed(difference: Estimate) -> str:
    """Return '+0.001 (-0.002 to +0.004)'."""
    if difference.value is None or difference.low is None or difference.high is None:
        return difference.format()
    return f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
