"""What a run hands to its report: everything measured, nothing computed later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate

if TYPE_CHECKING:
    from cancernet.data import Table
    from cancernet.metrics import Scored

__all__ = ["Estimates", "HistoryRow", "Importance", "RunRecord"]

Estimates = Mapping[str, Estimate]
HistoryRow = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Importance:
    """How much a score falls when one feature is shuffled.

    Parameters
    ----------
    feature
        Its name, as in the table.
    estimate
        The fall, with its interval.
    """

    feature: str
    estimate: Estimate


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """All that the page, the figures and `metrics.json` show; they draw and write, and compute no result.

    Parameters
    ----------
    name, kind, title
        The study's name; "train" or "evaluate"; the heading of the page.
    facts
        Pairs of label and value: data, rows, groups, split, seed, model, versions, date, seconds.
    statements
        Whole sentences for the top of the page, the most important first.
    data_notes
        Sentences about the data: layout of the features, missing values.
    table
        The rows the figures of features show; None when the input is no table.
    scored
        The pooled test rows.
    metrics
        Of the pooled test rows, by metric name.
    validation
        The same on validation rows; None when there are none.
    folds
        The same per fold, in order.
    operating_points
        By threshold rule, the threshold metrics there; "threshold" itself may be one of them.
    threshold, threshold_rule
        Probability of the positive class from which on a case is called positive (None: the most probable class, or
        one threshold per fold), and its rule.
    baselines, baseline_scored
        By name of the baseline: its metrics, and its scored test rows (same rows as `scored`).
    differences
        By name of the baseline: network minus baseline on the same rows, paired.
    leak_audit, leak_sentences
        What the audit found: for machines and for people.
    history
        One row per epoch: repeat, fold, inner, epoch, loss, val_loss and whatever else was logged.
    importance, importance_metric
        Permutation importance per feature, and the score that falls.
    prevalence
        By prevalence (a number or a share in words): "ppv" and "npv" there.
    limits
        Sentences.
    licences
        Pairs of what and licence.
    synthetic
        The data are synthetic or simulated, which the page says at its top.
    headline
        Metric names for the cards at the top; empty: chosen by the kind of task.
    sections
        Further sections for other kinds of task: pairs of heading and paragraphs.
    extra_metrics
        Further entries of `metrics.json`, JSON-ready, by key.
    """

    name: str
    kind: Literal["train", "evaluate"]
    title: str
    scored: Scored
    metrics: Estimates
    table: Table | None = None
    facts: tuple[tuple[str, str], ...] = ()
    statements: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()
    validation: Estimates | None = None
    folds: tuple[Estimates, ...] = ()
    operating_points: Mapping[str, Estimates] = field(default_factory=dict)
    threshold: float | None = None
    threshold_rule: str = ""
    baselines: Mapping[str, Estimates] = field(default_factory=dict)
    baseline_scored: Mapping[str, Scored] = field(default_factory=dict)
    differences: Mapping[str, Estimates] = field(default_factory=dict)
    leak_audit: Mapping[str, Any] = field(default_factory=dict)
    leak_sentences: tuple[str, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    importance: tuple[Importance, ...] = ()
    importance_metric: str = "auroc"
    prevalence: Mapping[str, Estimates] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    licences: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False
    headline: tuple[str, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    extra_metrics: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the rows of the network and of its baselines together."""
        rows = len(self.scored.truth)
        for name, scored in self.baseline_scored.items():
            if len(scored.truth) != rows:
                wrong = f"baseline '{name}' has {len(scored.truth)} rows, the network {rows}"
                raise InvalidInput(wrong, "The same rows in the same order")
