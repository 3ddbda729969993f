"""The tables of the page: what stands in which cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cancernet.estimate import Estimate
from cancernet.report.fitfigures import rank_importance
from cancernet.report.record import Estimates, RunRecord
from cancernet.report.sheets import plural
from cancernet.report.words import Metric, describe, number, rival, share, sort_metrics, verdict

__all__ = [
    "Block",
    "Cell",
    "Grid",
    "Row",
    "fold_grid",
    "folds_sentence",
    "group_metrics_grid",
    "importance_grid",
    "metrics_grid",
    "operating_grid",
    "prevalence_grid",
    "site_grid",
    "sites_sentence",
]

_FOLD_METRICS = (
    *("quadratic_kappa", "mean_absolute_error", "auroc", "macro_auroc", "concordance_uno", "accuracy"),
    *("balanced_accuracy", "sensitivity", "specificity", "macro_f1", "brier", "ece", "abstained"),
)
_MOST_FOLD_COLUMNS = 7
_PER_GROUP = "group_"
_TONES = {"better": "good", "worse": "bad"}


@dataclass(frozen=True)
class Cell:
    """An estimate, or nothing; with the verdict on it when it is a paired difference. Or a text, such as a count."""

    estimate: Estimate | None
    signed: bool = False
    verdict: str = ""
    text: str = ""

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
    """A table: caption, headings of the columns (the first one of the rows' names), blocks.

    The rows may be explained, and the table folded away until it is asked for.
    """

    caption: str
    heads: tuple[str, ...]
    blocks: tuple[Block, ...]
    explained: bool = False
    folded: bool = False


def metrics_grid(record: RunRecord) -> Grid:
    """Return all metrics of rows: network, validation, and each baseline with its paired difference."""
    caption = f"Metrics on {len(record.scored.truth):,} test rows with 95 % intervals"
    return _grid_of_metrics(record, caption, per_group=False)


def group_metrics_grid(record: RunRecord) -> Grid | None:
    """Return the same of groups, their rows averaged; None where they were not measured."""
    if not any(name.startswith(_PER_GROUP) for name in record.metrics):
        return None
    groups = max(estimate.n for name, estimate in record.metrics.items() if name.startswith(_PER_GROUP))
    caption = f"Metrics on {groups:,} {plural(record.group_name)}, the rows of each averaged, with 95 % intervals"
    return _grid_of_metrics(record, caption, per_group=True)


def _grid_of_metrics(record: RunRecord, caption: str, *, per_group: bool) -> Grid:
    """Return the metrics of rows, or those of groups, by family."""
    columns = [(head, _of_kind(estimates, per_group=per_group), paired) for head, estimates, paired in _columns(record)]
    columns = [column for place, column in enumerate(columns) if column[1] or not place]
    names = list(dict.fromkeys(name for _, estimates, paired in columns if not paired for name in estimates))
    blocks = tuple(
        Block(tuple(_metric_row(metric, columns) for metric in metrics), family)
        for family, metrics in sort_metrics(names)
    )
    return Grid(caption, ("Metric", *(head for head, _, _ in columns)), blocks, explained=True)


def _of_kind(estimates: Estimates, *, per_group: bool) -> Estimates:
    """Return the metrics of rows, or those of groups by their names without the prefix."""
    if per_group:
        return {
            name.removeprefix(_PER_GROUP): value for name, value in estimates.items() if name.startswith(_PER_GROUP)
        }
    return {name: value for name, value in estimates.items() if not name.startswith(_PER_GROUP)}


def _columns(record: RunRecord) -> list[tuple[str, Estimates, bool]]:
    """Return heading, estimates and whether they are differences, for each column."""
    own = record.model.capitalize()
    columns: list[tuple[str, Estimates, bool]] = [(own, record.metrics, False)]
    for name, estimates in record.baselines.items():
        columns.append((f"{rival(name)[:1].upper()}{rival(name)[1:]}", estimates, False))
        if record.differences.get(name):
            columns.append((f"{own} minus {rival(name)}", record.differences[name], True))
    if record.validation is not None:
        columns.append((f"{own}, validation rows", record.validation, False))
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
    parts = {f"Fold {place}": fold for place, fold in enumerate(record.folds, 1)}
    return _grid_of_parts("Results of each fold", "Fold", parts)


def site_grid(record: RunRecord) -> Grid | None:
    """Return the main metrics of each site, and of all rows; None without sites."""
    if not record.by_site:
        return None
    return _grid_of_parts("Results at each site", "Site", {**record.by_site, "All rows": record.metrics})


def _grid_of_parts(caption: str, head: str, parts: Mapping[str, Estimates]) -> Grid | None:
    """Return the main metrics of parts of the rows, one part in a line."""
    names = [name for name in _FOLD_METRICS if any(name in part for part in parts.values())][:_MOST_FOLD_COLUMNS]
    if not names:
        return None
    rows = tuple(
        Row(label, tuple(Cell(part.get(name)) for name in names), _size(part), marked=label == "All rows")
        for label, part in parts.items()
    )
    return Grid(caption, (head, *(describe(name).label for name in names)), (Block(rows),))


def _size(part: Estimates) -> str:
    """Return how many rows, and groups where they are fewer, a part of the rows has."""
    rows = max((estimate.n for estimate in part.values()), default=0)
    groups = max((estimate.groups for estimate in part.values()), default=0)
    if not rows:
        return ""
    return f"{rows:,} rows" + (f", {groups:,} groups" if 0 < groups < rows else "")


def folds_sentence(record: RunRecord) -> str:
    """Return how far the folds lie apart."""
    span = _span(record.folds, "folds")
    text = "A fold is small, so its numbers scatter; the pooled result above is the one to quote."
    return f"{span} {text}" if span else text


def sites_sentence(record: RunRecord) -> str:
    """Return how far the sites lie apart."""
    span = _span(list(record.by_site.values()), "sites")
    text = (
        "Sites differ in scanner, stain and mixture of classes. A result that holds at one site only, or that is worse "
        "inside each site than over all rows, may have been read off the site and not off the tissue."
    )
    return f"{span} {text}" if span else text


def _span(parts: Sequence[Estimates], what: str) -> str:
    """Return between which values the main metric lies over parts of the rows; nothing where it is undefined."""
    name = next((name for name in _FOLD_METRICS if any(name in part for part in parts)), "")
    values = [part[name].value for part in parts if name in part]
    known = [value for value in values if value is not None]
    if not known:
        return ""
    return (
        f"{describe(name).label} lies between {number(min(known))} and {number(max(known))} over {len(known)} {what}."
    )


def importance_grid(record: RunRecord) -> Grid | None:
    """Return the importance of every feature."""
    if not record.importance:
        return None
    rows = tuple(Row(item.feature, (Cell(item.estimate),)) for item in rank_importance(record.importance))
    head = f"Fall of {describe(record.importance_metric).label}"
    return Grid("Permutation importance of every feature", ("Feature", head), (Block(rows),))
