"""What each metric is called, what it means, which way is better, and how its number is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cancernet.estimate import Estimate

__all__ = [
    "FAMILIES",
    "Metric",
    "describe",
    "headline",
    "interval",
    "number",
    "rival",
    "share",
    "sort_metrics",
    "verdict",
]

MINUS = "\u2212"

_SEPARATION = "How well it separates the classes"
_DECISIONS = "Decisions at the study's threshold"
_CALIBRATION = "How honest the probabilities are"
_ABSTENTION = "Sets and abstention"
_GRADES = "Distance from the true grade"
_SURVIVAL = "Prognosis"
_OUTLINES = "Outlines"
_OTHER = "Other"
FAMILIES = (_SEPARATION, _DECISIONS, _CALIBRATION, _ABSTENTION, _GRADES, _SURVIVAL, _OUTLINES, _OTHER)


@dataclass(frozen=True)
class Metric:
    """A metric in words.

    Parameters
    ----------
    name, label, meaning, family
        Its key, its heading, one sentence, and the block of the table it stands in.
    better
        "higher", "lower", or "" when neither is better by itself.
    """

    name: str
    label: str
    meaning: str = ""
    family: str = _OTHER
    better: str = ""


_KNOWN = (
    Metric("auroc", "AUROC", "chance that a positive case ranks above a negative one", _SEPARATION, "higher"),
    Metric("macro_auroc", "Macro AUROC", "mean over the classes, each against the rest", _SEPARATION, "higher"),
    Metric("average_precision", "Average precision", "area under precision and recall", _SEPARATION, "higher"),
    Metric("accuracy", "Accuracy", "share of cases answered rightly", _DECISIONS, "higher"),
    Metric("balanced_accuracy", "Balanced accuracy", "mean share found over the classes", _DECISIONS, "higher"),
    Metric("sensitivity", "Sensitivity", "share of the positive cases that are found", _DECISIONS, "higher"),
    Metric("specificity", "Specificity", "share of the negative cases that are cleared", _DECISIONS, "higher"),
    Metric("ppv", "PPV", "share of the calls 'positive' that are right", _DECISIONS, "higher"),
    Metric("npv", "NPV", "share of the calls 'negative' that are right", _DECISIONS, "higher"),
    Metric("f1", "F1", "harmonic mean of sensitivity and PPV", _DECISIONS, "higher"),
    Metric("macro_f1", "Macro F1", "mean F1 over the classes", _DECISIONS, "higher"),
    Metric("mcc", "Matthews correlation", "correlation of answer and truth", _DECISIONS, "higher"),
    Metric("kappa", "Cohen's kappa", "agreement beyond chance", _DECISIONS, "higher"),
    Metric("brier", "Brier score", "mean squared error of the probabilities", _CALIBRATION, "lower"),
    Metric("nll", "Log loss", "surprise at the truth, in nats", _CALIBRATION, "lower"),
    Metric("brier_skill", "Brier skill", "gain over always naming the class shares", _CALIBRATION, "higher"),
    Metric("ece", "Calibration error", "ECE: mean gap between probability and frequency", _CALIBRATION, "lower"),
    Metric("ece_of_perfect", "ECE of a perfect model", "what perfect calibration shows on as many rows", _CALIBRATION),
    Metric("calibration_slope", "Calibration slope", "1 is right; below 1 is overconfident", _CALIBRATION),
    Metric("calibration_intercept", "Calibration intercept", "0 is right; below 0 overstates the risk", _CALIBRATION),
    Metric("coverage", "Coverage of the sets", "share of the sets that hold the truth", _ABSTENTION),
    Metric("set_size", "Set size", "mean number of classes in a set", _ABSTENTION, "lower"),
    Metric("abstained", "Abstained", "share of the cases left to a human", _ABSTENTION, "lower"),
    Metric("selective_accuracy", "Accuracy on the kept", "share right where it did not abstain", _ABSTENTION, "higher"),
    Metric("quadratic_kappa", "Quadratic kappa", "agreement that punishes far misses", _GRADES, "higher"),
    Metric("mean_absolute_error", "Mean absolute error", "distance from the true grade", _GRADES, "lower"),
    Metric("concordance_harrell", "Concordance (Harrell)", "share of pairs ranked rightly", _SURVIVAL, "higher"),
    Metric("concordance_uno", "Concordance (Uno)", "the same, corrected for censoring", _SURVIVAL, "higher"),
    Metric("integrated_brier", "Integrated Brier score", "error of the survival curves", _SURVIVAL, "lower"),
    Metric("observed", "Observed share", "with the event, by Kaplan-Meier", _SURVIVAL),
    Metric("predicted", "Predicted share", "mean of the predictions", _SURVIVAL),
    Metric("calibration_ratio", "Observed by predicted", "1 is calibrated on the whole", _SURVIVAL),
    Metric("calibration_error", "Calibration error", "mean gap over ten groups by risk", _SURVIVAL, "lower"),
    Metric("dice", "Dice", "common area of all nuclei, found and true", _OUTLINES, "higher"),
    Metric("aji", "AJI", "aggregated Jaccard index: area, nucleus by nucleus", _OUTLINES, "higher"),
    Metric("dq", "Detection quality", "F1 of pairs that overlap by more than half", _OUTLINES, "higher"),
    Metric("sq", "Segmentation quality", "how well these pairs overlap", _OUTLINES, "higher"),
    Metric("pq", "Panoptic quality", "detection times segmentation quality", _OUTLINES, "higher"),
    Metric("detection_f1", "Detection F1", "F1 of pairs of centres within 3 microns", _OUTLINES, "higher"),
)
_CAUSES = {
    "concordance": ("Concordance", "pairs ranked rightly, where other causes may come first", "higher"),
    "integrated_brier": ("Integrated Brier score", "error of the predicted shares", "lower"),
    "brier": ("Brier score", "error of the predicted share", "lower"),
    "observed": ("Observed share", "by Aalen-Johansen", ""),
    "predicted": ("Predicted share", "mean of the predictions", ""),
    "calibration_ratio": ("Observed by predicted", "1 is calibrated on the whole", ""),
}
_BY_NAME = {metric.name: metric for metric in _KNOWN}
_RIVALS = {
    "cox": "Cox regression",
    "kaplan-meier": "Kaplan-Meier",
    "aalen-johansen": "Aalen-Johansen",
    "logistic": "logistic regression",
    "majority": "majority class",
    "classical": "classical path",
    "darkness": "darkness",
    "colour": "colour statistics",
    "statistics": "image statistics",
    "measured": "measured numbers",
    "max": "largest features",
    "mean": "mean features",
}
_HEADLINES = (
    *(
        "quadratic_kappa",
        "concordance_uno",
        "concordance_harrell",
        "auroc",
        "macro_auroc",
        "sensitivity",
        "specificity",
    ),
    *("accuracy", "kappa", "ece", "integrated_brier", "mean_absolute_error", "abstained", "balanced_accuracy"),
)


def rival(name: str) -> str:
    """Return what a baseline is called."""
    return _RIVALS.get(name, name)


def describe(name: str) -> Metric:
    """Return the words for a metric name, also for those that are made of a class, a grade, a time or `group_`."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith("group_"):
        inner = describe(name.removeprefix("group_"))
        meaning = f"{inner.meaning}; rows averaged per group" if inner.meaning else "rows averaged per group"
        return Metric(name, f"{inner.label}, per group", meaning, inner.family, inner.better)
    if name.startswith("coverage_"):
        return Metric(name, f"Coverage of {name.removeprefix('coverage_')}", "the same for this class", _ABSTENTION)
    if name.startswith("dice_"):
        return Metric(name, f"Dice of {name.removeprefix('dice_')}", "common area, found and true", _OUTLINES, "higher")
    base, found, rest = name.partition("_at_")
    if name.startswith("auroc_") and base != "auroc":
        return _contrast(name)
    if found and base in _BY_NAME:
        inner = _BY_NAME[base]
        return Metric(name, f"{inner.label} at {rest}", inner.meaning, _SURVIVAL, inner.better)
    of_cause = [kind for kind in _CAUSES if base.startswith(f"{kind}_")]
    return _of_cause(name, of_cause[0]) if of_cause else Metric(name, name.replace("_", " "))


def _of_cause(name: str, kind: str) -> Metric:
    """Return the words for `<kind>_<cause>` and `<kind>_<cause>_at_<t>`."""
    label, meaning, better = _CAUSES[kind]
    cause, _, time = name.removeprefix(f"{kind}_").partition("_at_")
    return Metric(name, f"{label} of {cause}{f' at {time}' if time else ''}", meaning, _SURVIVAL, better)


def _contrast(name: str) -> Metric:
    """Return the words for `auroc_<a>_vs_<b>` and `auroc_from_<grade>`."""
    rest = name.removeprefix("auroc_")
    if rest.startswith("from_"):
        grade = rest.removeprefix("from_")
        meaning = "chance that a case of that grade or a worse one ranks above a milder one"
        return Metric(name, f"AUROC, grade {grade} or worse", meaning, _SEPARATION, "higher")
    one, _, other = rest.partition("_vs_")
    meaning = "chance that the two are ranked rightly, on cases of either type"
    return Metric(name, f"AUROC, {one} against {other}", meaning, _SEPARATION, "higher")


def sort_metrics(names: Sequence[str]) -> list[tuple[str, list[Metric]]]:
    """Return the metrics by family, families and known metrics in the order of this module."""
    order = {metric.name: place for place, metric in enumerate(_KNOWN)}
    metrics = sorted(map(describe, names), key=lambda metric: order.get(metric.name, len(order)))
    families = [(family, [metric for metric in metrics if metric.family == family]) for family in FAMILIES]
    return [(family, members) for family, members in families if members]


def headline(names: Sequence[str], most: int = 6) -> list[str]:
    """Return the metrics that stand at the top of a page, the most telling first."""
    return [name for name in _HEADLINES if name in names][:most]


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """Return a number as text; one that is not 1 or 0 is not shown as if it were.

    Parameters
    ----------
    value
        None is a dash.
    digits
        Behind the point.
    signed
        Write the plus sign too, as for a difference, and +0.000 for a very small one.
    """
    if value is None:
        return "–"
    text = f"{abs(value):.{digits}f}"
    if signed:
        return f"{MINUS if value < 0 else '+' if value > 0 else ''}{text}"
    step = f"{10.0**-digits:.{digits}f}"
    if value != 0 and float(text) == 0:
        text = f"<{step}"
    elif abs(value) < 1 and float(text) == 1:
        text = f">{1 - 10.0**-digits:.{digits}f}"
    return f"{MINUS if value < 0 else ''}{text}"


def share(value: float | None, digits: int = 1) -> str:
    """Return a share as a percentage; one that is not all or nothing is not shown as if it were."""
    if value is None:
        return "–"
    text = f"{100 * value:.{digits}f}"
    if value < 1 and float(text) >= 100:
        text = f">{100 - 10.0**-digits:.{digits}f}"
    elif value > 0 and float(text) == 0:
        text = f"<{10.0**-digits:.{digits}f}"
    return f"{text} %"


def interval(estimate: Estimate, digits: int = 3, *, signed: bool = False) -> str:
    """Return '0.987 to 0.997'; empty when there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{number(estimate.low, digits, signed=signed)} to {number(estimate.high, digits, signed=signed)}"


def verdict(difference: Estimate, better: str) -> str:
    """Return what a paired difference, network minus baseline, shows: the interval must exclude zero.

    Returns
    -------
    "better", "worse", "differs" (when neither way is better), "no difference shown", or "" without an interval.
    """
    if difference.low is None or difference.high is None:
        return ""
    if difference.low <= 0 <= difference.high:
        return "no difference shown"
    if not better:
        return "differs"
    return "better" if (difference.low > 0) == (better == "higher") else "worse"
