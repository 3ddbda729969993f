"""From which probability on a case is called positive: rules, and the threshold that a rule chooses. NumPy only."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import nearest
from cancernet.errors import InvalidInput
from cancernet.metrics.binary import f1

__all__ = ["RULES", "Rule", "choose_threshold", "parse_rule"]

Floats = NDArray[np.float64]

RULES = ("balanced", "f1", "0.5", "sensitivity = 0.95", "specificity = 0.95")
_WORDS = ("balanced", "f1", "sensitivity", "specificity")
_LEVEL = re.compile(r"(sensitivity|specificity)\s*=\s*([0-9.eE+-]+)")
_TIE = 1e-12  # shares that should be equal differ by less
_NUDGE = 1e-9  # less than one row can change a share, more than a tie
_MOST_TIES = 200  # equally good cuts that are compared by their neighbourhoods


@dataclass(frozen=True)
class Rule:
    """How a threshold is chosen.

    Parameters
    ----------
    kind
        "balanced", "f1", "fixed", "sensitivity" or "specificity".
    level
        The threshold of "fixed"; the share to reach of the last two; None for the others.
    """

    kind: str
    level: float | None = None

    def __str__(self) -> str:
        """Return the rule as it is written in a study."""
        if self.level is None:
            return self.kind
        return f"{self.level:g}" if self.kind == "fixed" else f"{self.kind} = {self.level:g}"


def parse_rule(rule: str | float) -> Rule:
    """Return the rule of a study file.

    Parameters
    ----------
    rule
        "balanced" (greatest mean of sensitivity and specificity), "f1" (greatest F1), a number above 0 and below 1, or
        "sensitivity = 0.95", "specificity = 0.95" (at least this share, and as much of the other as there is).

    Raises
    ------
    InvalidInput
        When it is none of these; the message offers the nearest.
    """
    text = str(rule).strip().lower()
    if text in ("balanced", "f1"):
        return Rule(text)
    match = _LEVEL.fullmatch(text)
    level = _number(match[2] if match else text)
    if level is None or not 0 < level < 1:
        raise _unknown(rule, text)
    return Rule(match[1] if match else "fixed", level)


def _number(text: str) -> float | None:
    """Return the number that the text is."""
    try:
        return float(text)
    except ValueError:
        return None


def _unknown(rule: str | float, text: str) -> InvalidInput:
    """Return the error for a rule that is none, with the nearest one."""
    word = re.split(r"[\s=<>]", text)[0]
    close = nearest(word, _WORDS)
    known = {name.split()[0]: name for name in RULES}
    todo = f"Did you mean '{known[close]}'?" if close else ""
    return InvalidInput(
        f"Unknown threshold rule '{rule}'", f"Known are: {', '.join(RULES)}, with numbers above 0 and below 1", todo
    )


def choose_threshold(rule: str | float, positive_truth: ArrayLike, p_positive: ArrayLike) -> float:
    """Return the threshold that a rule chooses on these rows.

    Thresholds lie in the gaps between neighbouring probabilities, halfway on the logit scale, so that no row stands on
    the edge. Where several gaps are equally good, the one whose neighbourhood is best is taken: the mean of the gaps
    around it, weighted by a normal curve on the logit scale.

    "balanced" takes, of all thresholds whose balanced accuracy on these rows is within one standard error of the
    greatest, the one nearest to the share of positive rows. For calibrated probabilities that share is the best
    threshold there is (Menon et al. 2013, section 5), while which one is greatest on a few hundred rows is mostly luck:
    drawn anew from the Wisconsin table, thresholds of this rule spread by 0.014, the greatest ones by 0.088.

    Parameters
    ----------
    rule
        As for `parse_rule`.
    positive_truth
        Shape (n,), bool: whether a row is of the positive class; rows that the weights have not seen.
    p_positive
        Shape (n,): calibrated probability of the positive class.

    Returns
    -------
    A number from 0 to 1; cases with at least this probability are called positive.

    Raises
    ------
    InvalidInput
        When the rule is unknown, or the rows are of one class.

    References
    ----------
    Menon, Narasimhan, Agarwal and Chawla 2013, "On the statistical consistency of algorithms for binary classification
    under class imbalance", ICML; one standard error: Breiman et al. 1984, Classification and Regression Trees, 3.4.3.
    """
    chosen = parse_rule(rule)
    if chosen.kind == "fixed":
        return float(chosen.level or 0.5)
    cuts = _Cuts.of(positive_truth, p_positive)
    scores = _scores(chosen, cuts)
    if chosen.kind == "balanced":
        return _nearest_to_share(cuts, scores)
    best = np.flatnonzero(scores >= scores.max() - _TIE)
    return float(cuts.thresholds[best[0] if len(best) == 1 else _calmest(best, scores, cuts)])


@dataclass(frozen=True, eq=False)
class _Cuts:
    """All thresholds that tell rows apart, rising, with what is called positive at each.

    `true` and `false` count the rows of either class that are called positive, shape (cuts,).
    """

    thresholds: Floats
    true: Floats
    false: Floats

    @classmethod
    def of(cls, positive_truth: ArrayLike, p_positive: ArrayLike) -> _Cuts:
        """Return the cuts of these rows."""
        truth, scores = np.asarray(positive_truth, dtype=bool), np.asarray(p_positive, dtype=np.float64)
        if truth.all() or not truth.any():
            raise InvalidInput("The rows to choose a threshold on are of one class", "Rows of both classes")
        thresholds = _gaps(np.unique(scores))
        counts = [len(part) - np.searchsorted(np.sort(part), thresholds) for part in (scores[truth], scores[~truth])]
        return cls(thresholds, counts[0].astype(np.float64), counts[1].astype(np.float64))

    @property
    def sensitivity(self) -> Floats:
        """Share of the positive rows called so."""
        share: Floats = self.true / self.true[0]
        return share

    @property
    def specificity(self) -> Floats:
        """Share of the negative rows called so."""
        share: Floats = 1 - self.false / self.false[0]
        return share


def _gaps(values: Floats) -> Floats:
    """Return one threshold below all values (0), one in each gap between them, and one above all."""
    logits = _logit(values)
    middles = _expit((logits[1:] + logits[:-1]) / 2)
    middles = np.where((middles > values[:-1]) & (middles <= values[1:]), middles, values[1:])
    above = _expit(np.array([logits[-1] + 1.0]))
    return np.concatenate([[0.0], middles, above if values[-1] < above[0] else [1.0]])


def _scores(rule: Rule, cuts: _Cuts) -> Floats:
    """Return how good each cut is by the rule."""
    if rule.kind == "balanced":
        return (cuts.sensitivity + cuts.specificity) / 2
    if rule.kind == "f1":
        return f1(cuts.true, cuts.false, cuts.true[0] - cuts.true)
    reached, other = cuts.sensitivity, cuts.specificity
    if rule.kind == "specificity":
        reached, other = other, reached
    return np.where(reached >= (rule.level or 0) - _TIE, 1 + other + _NUDGE * reached, reached)


def _nearest_to_share(cuts: _Cuts, scores: Floats) -> float:
    """Return the threshold nearest to the share of positive rows, of those within one standard error of the best."""
    best = int(np.argmax(scores))
    positives, negatives = cuts.true[0], cuts.false[0]
    variances = (
        cuts.sensitivity * (1 - cuts.sensitivity) / positives + cuts.specificity * (1 - cuts.specificity) / negatives
    )
    good = np.flatnonzero(scores >= scores[best] - np.sqrt(variances[best]) / 2 - _TIE)
    share = _logit(positives / (positives + negatives))
    return float(cuts.thresholds[good[np.argmin(np.abs(_logit(cuts.thresholds[good]) - share))]])


def _calmest(best: NDArray[np.intp], scores: Floats, cuts: _Cuts) -> int:
    """Return the one of the best cuts whose neighbours are best."""
    best = best[:: -(-len(best) // _MOST_TIES)]
    logits = _logit(cuts.thresholds)
    width = max(float(logits[1:-1].std()) / 4, 1e-6) if len(logits) > 3 else 1.0
    weights = np.exp(-0.5 * ((logits[best][:, None] - logits) / width) ** 2)
    return int(best[np.argmax((weights * scores).sum(axis=1) / weights.sum(axis=1))])


def _logit(shares: Floats) -> Floats:
    """Return the logarithm of the odds, finite also for 0 and 1."""
    epsilon = float(np.finfo(np.float64).eps)
    clipped = np.clip(shares, epsilon, 1 - epsilon)
    return np.log(clipped) - np.log1p(-clipped)


def _expit(logits: Floats) -> Floats:
    """Return the shares of logits."""
    return 1 / (1 + np.exp(-logits))
