"""How evenly the answers are over the groups: counts of each group, and the table of those with most errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.scored import Scored
from cancernet.report.grids import Block, Cell, Grid, Row
from cancernet.report.record import GroupRow, RunRecord
from cancernet.report.sheets import plural
from cancernet.report.words import number
from cancernet.tasks import expected_grade

__all__ = ["MOST_GROUPS", "group_grid", "group_rows", "groups_sentence", "mixed_sentence"]

MOST_GROUPS = 20  # that the table lists
_LONG = 8  # rows from which on the table is folded away


def group_rows(scored: Scored) -> tuple[GroupRow, ...]:
    """Return how the rows of each group were answered, the group with most errors first.

    Groups with equally many errors stand in the order of their share of errors, then of their names.

    Parameters
    ----------
    scored
        Answers beside the truth.
    """
    right = np.flatnonzero(scored.truth == scored.predicted)
    counts, called = _tally(scored, scored.truth), _tally(scored, scored.predicted)
    found = _tally(scored, scored.truth, right)
    column = scored.positive_code if scored.binary else scored.truth
    probability = _means(scored, scored.probabilities[np.arange(len(scored)), column])
    columns = (np.unique(scored.groups).tolist(), _rows(counts), _rows(called), _rows(found), probability.tolist())
    rows = [GroupRow(*fields, *grades) for *fields, grades in zip(*columns, _grades(scored), strict=True)]
    return tuple(sorted(rows, key=lambda row: (-row.errors, row.rows, row.group)))


def _rows(table: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Return the rows of a table of counts."""
    return [tuple(row) for row in table.tolist()]


def _tally(
    scored: Scored, codes: NDArray[np.int64], rows: NDArray[np.int64] | slice = slice(None)
) -> NDArray[np.int64]:
    """Return how often each class stands in each group, shape (groups, classes)."""
    classes = len(scored.classes)
    cells = scored.group_codes[rows] * classes + codes[rows]
    return np.bincount(cells, minlength=scored.group_count * classes).reshape(-1, classes)


def _means(scored: Scored, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the rows of each group, shape (groups,)."""
    means: NDArray[np.float64] = np.bincount(scored.group_codes, weights=values) / np.bincount(scored.group_codes)
    return means


def _grades(scored: Scored) -> list[tuple[float, float] | tuple[None, None]]:
    """Return mean true and mean expected grade of each group; nothing where the classes have no order."""
    if not scored.ordered:
        return [(None, None)] * scored.group_count
    truth = _means(scored, scored.truth.astype(np.float64))
    expected = _means(scored, expected_grade(scored.probabilities))
    return list(zip(truth.tolist(), expected.tolist(), strict=True))


def group_grid(record: RunRecord) -> Grid | None:
    """Return the table of the groups with most errors and of all together; None without groups of several rows."""
    if max((row.rows for row in record.by_group), default=0) < 2:
        return None
    rows = [_row(row, record) for row in record.by_group[:MOST_GROUPS]]
    total = _row(_total(record), record, marked=True)
    name = record.group_name[:1].upper() + record.group_name[1:]
    caption = f"Answers by {record.group_name}"
    if len(record.by_group) > MOST_GROUPS:
        caption = f"The {MOST_GROUPS} {plural(record.group_name)} with most errors"
    return Grid(caption, (name, *_heads(record)), (Block((total, *rows)),), folded=len(rows) > _LONG)


def _heads(record: RunRecord) -> tuple[str, ...]:
    """Return the headings of the columns behind the name."""
    positive = record.scored.positive
    if positive is not None:
        return ("Right", f"{positive} missed", "False alarms", f"Mean probability of {positive}")
    if record.scored.ordered:
        return ("Right", "Truth", "Answers", "Mean true grade", "Mean expected grade")
    return ("Right", "Truth", "Answers", "Mean probability of the truth")


def _row(row: GroupRow, record: RunRecord, *, marked: bool = False) -> Row:
    """Return the row of a group."""
    scored = record.scored
    texts = [f"{row.right:,} of {row.rows:,}"]
    if scored.positive is not None:
        yes, no = scored.positive_code, 1 - scored.positive_code
        texts += [_of(row.counts[yes] - row.found[yes], row.counts[yes])]
        texts += [_of(row.counts[no] - row.found[no], row.counts[no]), number(row.probability, 2)]
    else:
        texts += [_listed(row.counts, scored.classes), _listed(row.called, scored.classes)]
        texts += [number(value, 2) for value in _averages(row, scored)]
    return Row(row.group, tuple(Cell(None, text=text) for text in texts), marked=marked)


def _averages(row: GroupRow, scored: Scored) -> tuple[float | None, ...]:
    """Return the means that a row of several classes shows."""
    return (row.grade, row.expected_grade) if scored.ordered else (row.probability,)


def _of(part: int, whole: int) -> str:
    """Return '3 of 12'; a dash when there is nothing to count."""
    return f"{part:,} of {whole:,}" if whole else "–"


def _listed(counts: Sequence[int], classes: Sequence[str]) -> str:
    """Return the classes that occur with their counts; the name alone when all rows are of one class."""
    present = [(name, count) for name, count in zip(classes, counts, strict=True) if count]
    return ", ".join(f"{count:,} {name}" for name, count in present)


def _total(record: RunRecord) -> GroupRow:
    """Return all groups together."""
    rows = record.by_group
    counts, called, found = (
        tuple(int(count) for count in np.sum([getattr(row, name) for row in rows], axis=0))
        for name in ("counts", "called", "found")
    )
    name = f"All {len(rows):,} {plural(record.group_name)}"
    means = [_average(rows, field) for field in ("probability", "grade", "expected_grade")]
    return GroupRow(name, counts, called, found, means[0] or 0.0, *means[1:])


def _average(rows: Sequence[GroupRow], field: str) -> float | None:
    """Return the mean of a field over all rows of all groups; None where it has no value."""
    values = [getattr(row, field) for row in rows]
    return None if None in values else float(np.average(values, weights=[row.rows for row in rows]))


def groups_sentence(record: RunRecord) -> str:
    """Return how the errors are spread over the groups, in counts."""
    rows, names = record.by_group, plural(record.group_name)
    errors = [row.errors for row in rows]
    flawless, mostly_wrong = errors.count(0), len([row for row in rows if 2 * row.errors > row.rows])
    text = f"{flawless:,} of {len(rows):,} {names} were answered without an error"
    if mostly_wrong:
        text += f"; in {mostly_wrong:,}, more than half of the rows are wrong"
    first, total = sum(errors[:MOST_GROUPS]), sum(errors)
    if total and len(rows) > MOST_GROUPS:
        text += f". The {MOST_GROUPS} with most errors hold {first:,} of {total:,} errors"
    return f"{text}."


def mixed_sentence(record: RunRecord) -> str:
    """Return why there are no metrics per group, where groups of several rows mix classes; else nothing."""
    scored, name = record.scored, record.group_name
    mixed = int((~scored.one_truth_per_group).sum())
    if scored.one_row_per_group or not mixed:
        return ""
    return (
        f"Metrics per {name} are not defined: {mixed:,} of {scored.group_count:,} {plural(name)} have rows of several "
        f"classes, so a {name} has no single truth. The intervals rest on {plural(name)} all the same."
    )
