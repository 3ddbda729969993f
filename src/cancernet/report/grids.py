"""The tables of the page: what stands in which cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cancernet.estimate import Estimate
from cancernet.report.fitfigures import rank_importance
from cancernet.report.record import Estimates, RunRecord
from cancernet.report.words import Metric, describe, number, rival, share, sort_metrics, verdict

__all__ = [
    "Block",
    "Cell",
    "Grid",
    "Row",
    "fold_grid",
    "importance_grid",
    "metrics_grid",
    "operating_grid",
    "prevalence_grid",
]

_FOLD_METRICS = (
    *("auroc", "macro_auroc", "quadratic_kappa", "concordance_uno", "accuracy", "balanced_accuracy", "sensitivity"),
    *("specificity", "macro_f1", "brier", "ece", "abstained"),
)
_MOST_FOLD_COLUMNS = 7
_TONES = {"better": "good", "worse": "bad"}


@dataclass(frozen=True)
class Cell:
    """An estimate, or nothing; with the verdict on it when it is a paired difference."""

    estimate: Estimate | None
    signed: bool = False
    verdict: str = ""

    @property
    def tone(self) -> str:
        """The class of the verdict's style."""
        return _TONES.get(self.verdict, "")


@dataclass(frozen=True)
class Row:
    """A heading, what it means, and the cells; marked when it is the one in use."""

    label: str
    cells: tuple[Cell, ...]
    note: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Block:
    """Rows under a heading."""

    rows: tuple[Row, ...]
    heading: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: caption, headings of the columns (the first one of the rows' names), blocks; rows may be explained."""

    caption: str
    heads: tuple[str, ...]
    blocks: tuple[Block, ...]
    explained: bool = False


def metrics_grid(record: RunRecord) -> Grid:
    """Return all metrics: network, validation, and each baseline with its paired difference."""
    columns = _columns(record)
    names = list(dict.fromkeys([*record.metrics, *(name for values in record.baselines.values() for name in values)]))
    blocks = tuple(
        Block(tuple(_metric_row(metric, columns) for metric in metrics), family)
        for family, metrics in sort_metrics(names)
    )
    caption = f"Metrics on {len(record.scored.truth):,} test rows with 95 % intervals"
    return Grid(caption, ("Metric", *(head for head, _, _ in columns)), blocks, explained=True)


def _columns(record: RunRecord) -> list[tuple[str, Estimates, bool]]:
    """Return heading, estimates and whether they are differences, for each column."""
    columns: list[tuple[str, Estimates, bool]] = [("Network", record.metrics, False)]
    for name, estimates in record.baselines.items():
        columns.append((f"{rival(name)[:1].upper()}{rival(name)[1:]}", estimates, False))
        if record.differences.get(name):
            columns.append((f"Network minus {rival(name)}", record.differences[name], True))
    if record.validation is not None:
        columns.append(("Network, validation rows", record.validation, False))
    return columns


def _metric_row(metric: Metric, columns: Sequence[tuple[str, Estimates, bool]]) -> Row:
    """Return the row of one metric."""
    cells = (_cell(estimates.get(metric.name), metric, paired=paired) for _, estimates, paired in columns)
    return Row(metric.label, tuple(cells), metric.meaning)


def _cell(estimate: Estimate | None, metric: Metric, *, paired: bool) -> Cell:
    """Return a cell; a paired difference says what it shows."""
    if estimate is None or not paired:
        return Cell(estimate)
    return Cell(estimate, signed=True, verdict=verdict(estimate, metric.better))


def operating_grid(record: RunRecord) -> Grid | None:
    """Return the threshold metrics at each rule; the study's own rule is marked."""
    points = record.operating_points
    if not points:
        return None
    names = _known_first(points.values())
    heads = ("Rule", *("Threshold" if name == "threshold" else describe(name).label for name in names))
    rows = tuple(
        Row(
            rule,
            tuple(Cell(estimates.get(name)) for name in names),
            "the study's rule" if rule == record.threshold_rule else "",
            rule == record.threshold_rule,
        )
        for rule, estimates in points.items()
    )
    return Grid("Operating points: what each rule for the threshold brings", heads, (Block(rows),))


def _known_first(rows: Iterable[Estimates]) -> list[str]:
    """Return the metric names of some rows: the threshold, then in the order of the metrics."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    ordered = [metric.name for _, metrics in sort_metrics(names) for metric in metrics]
    return sorted(ordered, key=lambda name: name != "threshold")


def prevalence_grid(prevalence: Mapping[str, Estimates]) -> Grid | None:
    """Return the predictive values at each prevalence."""
    if not prevalence:
        return None
    rows = tuple(
        Row(_prevalence(key), (Cell(values.get("ppv")), Cell(values.get("npv")))) for key, values in prevalence.items()
    )
    heads = ("Prevalence", "PPV: a “positive” is right", "NPV: a “negative” is right")
    return Grid("Predictive values at other prevalences", heads, (Block(rows),))


def _prevalence(text: str) -> str:
    """Return a prevalence as a percentage when it is a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        return text
    return share(value) if 0 <= value <= 1 else text


def fold_grid(record: RunRecord) -> Grid | None:
    """Return the main metrics of each fold."""
    names = [name for name in _FOLD_METRICS if any(name in fold for fold in record.folds)][:_MOST_FOLD_COLUMNS]
    if not names:
        return None
    rows = tuple(
        Row(f"Fold {place}", tuple(Cell(fold.get(name)) for name in names), _fold_size(fold))
        for place, fold in enumerate(record.folds, 1)
    )
    return Grid("Results of each fold", ("Fold", *(describe(name).label for name in names)), (Block(rows),))


def _fold_size(fold: Estimates) -> str:
    """Return how many rows a fold tested."""
    rows = max((estimate.n for estimate in fold.values()), default=0)
    return f"{rows:,} rows" if rows else ""


def folds_sentence(record: RunRecord) -> str:
    """Return how far the folds lie apart."""
    name = next((name for name in _FOLD_METRICS if any(name in fold for fold in record.folds)), "")
    values = [fold[name].value for fold in record.folds if name in fold]
    known = [value for value in values if value is not None]
    text = "A fold is small, so its numbers scatter; the pooled result above is the one to quote."
    if not known:
        return text
    span = f"between {number(min(known))} and {number(max(known))} over {len(known)} folds"
    return f"{describe(name).label} lies {span}. {text}"


def importance_grid(record: RunRecord) -> Grid | None:
    """Return the importance of every feature."""
    if not record.importance:
        return None
    rows = tuple(Row(item.feature, (Cell(item.estimate),)) for item in rank_importance(record.importance))
    head = f"Fall of {describe(record.importance_metric).label}"
    return Grid("Permutation importance of every feature", ("Feature", head), (Block(rows),))
