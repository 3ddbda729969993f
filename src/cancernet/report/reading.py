"""How to read the numbers: the paragraphs at the end of a page, chosen by what the page shows."""

from __future__ import annotations

from cancernet.report.record import RunRecord

__all__ = ["reading"]

_INTERVALS = (
    "Intervals",
    "Behind each number stands its 95 % interval: the values that fit the data about as well. Independent groups "
    "(patients), not rows, are counted or resampled. A result without its interval is a rumour.",
)
_BINARY = (
    (
        "Sensitivity and specificity",
        "Sensitivity is the share of the cases of class {positive} that are found; specificity the share of the "
        "others that are cleared. Both move with the threshold: what one gains the other loses.",
    ),
    (
        "AUROC",
        "Draw one case of class {positive} and one other: the AUROC is the chance that the first one gets the higher "
        "score. 0.5 is guessing, 1 is perfect. It does not depend on the threshold or on the prevalence.",
    ),
)
_CALIBRATION = (
    "Calibration",
    "Of the cases given 80 %, eighty in a hundred should be so. ECE is the mean gap, and is never zero on few rows: "
    "compare it with the ECE that a perfectly calibrated model of as many rows would show. A slope below 1 is "
    "overconfidence.",
)
_SETS = (
    "Sets and abstention",
    "Instead of one answer the model can name the set of classes that it cannot exclude; the sets hold the truth at "
    "least as often as promised. A case with more than one class in its set, or unlike all training rows, is left to "
    "a human.",
)
_PAIRED = (
    "Better or worse",
    "Two models are compared on the same rows: the paired difference must have an interval without zero. Two "
    "intervals that overlap say little.",
)
_POOLED = (
    "Folds",
    "In cross-validation each row is tested by a network that never saw its group. The folds' answers are "
    "pooled, and the pooled result is the one to quote.",
)
_BENEFIT = (
    "Net benefit",
    "True positives less false positives, weighted by how many needless interventions one found case is worth. A model "
    "helps at those thresholds where its line lies above treating all and treating none.",
)


def reading(record: RunRecord) -> list[tuple[str, str]]:
    """Return pairs of term and explanation for what the page shows."""
    positive = record.scored.positive
    terms = [_INTERVALS]
    if positive is not None:
        terms += [(term, text.format(positive=f"“{positive}”")) for term, text in _BINARY]
    wanted = (
        (_CALIBRATION, "ece" in record.metrics),
        (_SETS, "coverage" in record.metrics),
        (_PAIRED, bool(record.differences)),
        (_POOLED, len(record.folds) > 1),
        (_BENEFIT, positive is not None),
    )
    return terms + [term for term, shown in wanted if shown]
