"""Curves as numbers, computed once and drawn anywhere. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.metrics.calibration import BINS, bin_shares
from cancernet.metrics.decision import net_benefit
from cancernet.metrics.intervals import wilson
from cancernet.metrics.ranking import Ranking
from cancernet.metrics.scored import Scored

__all__ = [
    "Confusion",
    "DecisionCurve",
    "PrecisionRecall",
    "Reliability",
    "RiskCoverage",
    "Roc",
    "confusion",
    "decision_curve",
    "precision_recall",
    "reliability",
    "risk_coverage",
    "roc",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of rows by truth and answer.

    Parameters
    ----------
    counts
        Shape (classes, classes): rows are the truth, columns the answers, both in the order of `classes`.
    classes
        Names.
    """

    counts: NDArray[np.int64]
    classes: tuple[str, ...]

    def count(self, *, truth: str, predicted: str) -> int:
        """Return the number of rows of one class that were called another (or the same)."""
        return int(self.counts[self.classes.index(truth), self.classes.index(predicted)])


@dataclass(frozen=True, eq=False)
class Roc:
    """Receiver operating characteristic, from nothing called positive to everything.

    Parameters
    ----------
    false_positive_rate, true_positive_rate
        Shape (points,), rising from 0 to 1.
    thresholds
        Shape (points,), falling: rows with at least this probability are called positive; the first is infinite.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision (PPV) over recall (sensitivity).

    Parameters
    ----------
    recall
        Shape (points,), rising to 1.
    precision
        Shape (points,).
    thresholds
        Shape (points,), falling.
    prevalence
        Precision of calling everything positive.
    """

    recall: Floats
    precision: Floats
    thresholds: Floats
    prevalence: float


@dataclass(frozen=True, eq=False)
class Reliability:
    """Promised and observed shares in bins of equal mass, from the lowest probabilities to the highest.

    Parameters
    ----------
    predicted
        Shape (bins,): mean probability.
    observed
        Shape (bins,): share of events.
    low, high
        Shape (bins,): 95 % Wilson interval of `observed`, the rows taken as independent.
    rows
        Shape (bins,): rows of each bin; need not be whole, as rows on a boundary are shared.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    rows: Floats


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Share of wrong answers among the surest cases.

    Parameters
    ----------
    coverage
        Shape (points,), rising to 1: share of the rows that are answered, the surest first.
    risk
        Shape (points,): share of wrong answers among them.
    confidence
        Shape (points,), falling: highest probability of the least sure of them.
    """

    coverage: Floats
    risk: Floats
    confidence: Floats


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit per row of acting on the model, on all cases, on none.

    Parameters
    ----------
    thresholds
        Shape (points,): probability from which on one would act.
    model, everyone, no_one
        Shape (points,).
    """

    thresholds: Floats
    model: Floats
    everyone: Floats
    no_one: Floats


def confusion(scored: Scored) -> Confusion:
    """Count the answers at the study's rule by truth."""
    size = len(scored.classes)
    counts = np.bincount(scored.truth * size + scored.predicted, minlength=size**2).reshape(size, size)
    return Confusion(counts.astype(np.int64), scored.classes)


def roc(scored: Scored) -> Roc:
    """Return the ROC curve of the positive class.

    Raises
    ------
    InvalidInput
        When the rows are of one class, or there is no positive class.
    """
    true, false, thresholds = _steps(scored)
    if not false[-1]:
        raise InvalidInput("All rows are of the positive class", "Rows of both classes")
    return Roc(np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1]), np.append(np.inf, thresholds))


def precision_recall(scored: Scored) -> PrecisionRecall:
    """Return the precision-recall curve of the positive class.

    Raises
    ------
    InvalidInput
        When no row is of the positive class, or there is no positive class.
    """
    true, false, thresholds = _steps(scored)
    return PrecisionRecall(true / true[-1], true / (true + false), thresholds, float(true[-1] / len(scored)))


def _steps(scored: Scored) -> tuple[Floats, Floats, Floats]:
    """Return true and false positives at each different probability, highest first, and these probabilities."""
    if not scored.positive_truth.any():
        raise InvalidInput(f"No row is of the positive class '{scored.positive}'", "Rows of both classes")
    ranked = Ranking.of(scored.p_positive, scored.positive_truth, np.zeros(len(scored)))
    true, false = ranked.curve(np.ones((1, 1)))
    return true[0], false[0], ranked.scores[ranked.ends]


def reliability(scored: Scored, *, bins: int = BINS) -> Reliability:
    """Return promised and observed shares: of the positive class, or of right answers by the most probable class.

    The bins are those of `ece`.

    Raises
    ------
    InvalidInput
        When there are no rows.
    """
    _require_rows(scored)
    scores, events = scored.probabilities.max(axis=1), scored.probabilities.argmax(axis=1) == scored.truth
    if scored.binary:
        scores, events = scored.p_positive, scored.positive_truth
    shares = bin_shares(scores, bins)
    rows, happened = shares.sum(axis=1), np.clip(shares @ events.astype(np.float64), 0, shares.sum(axis=1))
    low, high = wilson(happened, rows)
    return Reliability(shares @ scores / rows, happened / rows, low, high, rows)


def risk_coverage(scored: Scored) -> RiskCoverage:
    """Return the share of wrong answers at each share of cases answered; equally sure cases come together.

    Raises
    ------
    InvalidInput
        When there are no rows.

    References
    ----------
    Geifman and El-Yaniv 2017, arXiv:1705.08500.
    """
    _require_rows(scored)
    wrong = scored.truth != scored.predicted
    ranked = Ranking.of(scored.probabilities.max(axis=1), wrong, np.zeros(len(scored)))
    errors, right = (part[0] for part in ranked.curve(np.ones((1, 1))))
    kept = errors + right
    return RiskCoverage(kept / len(scored), errors / kept, ranked.scores[ranked.ends])


def decision_curve(scored: Scored, *, thresholds: ArrayLike | None = None) -> DecisionCurve:
    """Return the net benefit of the model, of treating all, and of treating none.

    Parameters
    ----------
    scored
        Answers and truth of a binary task.
    thresholds
        Shape (points,), at least 0 and below 1; 0.01 to 0.99 when None.

    Raises
    ------
    InvalidInput
        When there are no rows, or no positive class.
    """
    _require_rows(scored)
    marks = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    truth = scored.positive_truth
    everyone = net_benefit(truth, np.ones(len(scored)), thresholds=marks)
    return DecisionCurve(marks, net_benefit(truth, scored.p_positive, thresholds=marks), everyone, np.zeros(len(marks)))


def _require_rows(scored: Scored) -> None:
    """Refuse an empty sample."""
    if not len(scored):
        raise InvalidInput("There are no rows to draw a curve of", "One row at least")
