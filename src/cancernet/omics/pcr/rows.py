"""Results as rows of a table: a number that does not exist is an empty cell, and the column `reason` says why."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cancernet.estimate import Estimate
from cancernet.files import whole_file
from cancernet.omics.pcr.analyse import Copies, Relative, Scores
from cancernet.omics.pcr.calls import Call
from cancernet.omics.pcr.score import NOT_THE_TEST, RecurrenceScore

__all__ = ["Row", "comparison_rows", "copies_rows", "delta_rows", "score_rows", "write_rows"]

Row = dict[str, Any]
"""Names and values of one line; None where there is no number."""


def delta_rows(found: Relative) -> list[Row]:
    """Return one row for each sample and gene."""
    table = found.delta.table
    return [
        _delta_row(found, row, place)
        for row in range(len(table.samples))
        for place in range(len(table.genes))
        if table.wells[row, place] or found.delta.reasons[row, place]
    ]


def _delta_row(found: Relative, row: int, place: int) -> Row:
    """Return the row of one sample and gene."""
    delta, table = found.delta, found.delta.table
    sample, gene = table.samples[row], table.genes[place]
    error = _number(delta.errors[row, place])
    single = "one well of it or of a reference gene: no standard error"
    return {
        "sample": sample,
        "group": found.plate.groups.get(sample, ""),
        "gene": gene,
        "role": "reference" if gene in delta.references else "target",
        "wells": int(table.wells[row, place]),
        "crossed": int(table.crossed[row, place]),
        "ct": _number(table.ct[row, place]),
        "ct_sd": _number(table.sd[row, place]),
        "reference_ct": _number(delta.reference[row]),
        "delta_ct": _number(delta.values[row, place]),
        "delta_ct_se": error,
        "flags": str(table.flags[row, place]),
        "reason": str(delta.reasons[row, place]) or (single if error is None else ""),
    }


def comparison_rows(found: Relative) -> list[Row]:
    """Return one row for each gene and group against the control."""
    return [
        {
            "group": one.group,
            "control": found.control,
            "gene": one.gene,
            "detected": one.detected,
            "samples": one.samples,
            **_spread("delta_delta_ct", one.ddct),
            **_spread("fold", one.fold),
            "method": one.ddct.method,
            "note": one.note,
            "reason": one.ddct.reason or "",
        }
        for one in found.comparisons
    ]


def score_rows(found: Scores) -> list[Row]:
    """Return one row for each sample; each says that it is not the commercial test."""
    return [_score_row(one) for one in found.scores]


def _score_row(one: RecurrenceScore) -> Row:
    """Return the row of one score."""
    groups = ("her2_group", "er_group", "proliferation_group", "invasion_group", "CD68", "GSTM1", "BAG1")
    return {
        "sample": one.sample,
        "rs": one.score.value,
        "rs_low": one.score.low,
        "rs_high": one.score.high,
        "rsu": one.unscaled,
        **{group: one.groups.get(group) for group in groups},
        **{f"category_{name}": one.categories.get(name, "") for name in ("paik2004", "tailorx2018")},
        "flags": "; ".join(one.flags),
        "reason": one.score.reason or "",
        "note": NOT_THE_TEST,
    }


def copies_rows(found: Copies) -> list[Row]:
    """Return one row for each sample."""
    return [_copies_row(found, one) for one in found.calls]


def _copies_row(found: Copies, one: Call) -> Row:
    """Return the row of one sample."""
    return {
        "sample": one.sample,
        "gene": found.assay.gene,
        "call": one.call,
        "hits": one.hits,
        "wells": one.wells,
        "present_from": one.rule.present,
        "wrong_present": one.rule.wrong_present,
        "wrong_absent": one.rule.wrong_absent,
        **_spread("copies_per_well", one.copies),
        "method": one.copies.method,
        "flags": "; ".join(one.flags),
        "reason": "" if one.rule.present else "too few blanks for any number of hits to count as present",
    }


def write_rows(path: Path, rows: Sequence[Row], *, force: bool = False) -> None:
    """Write rows as CSV, whole or absent.

    Raises
    ------
    InvalidInput
        When the file exists and `force` is not set.
    StorageFailure
        When it cannot be written.
    """
    with whole_file(path, force=force) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)


def _spread(name: str, estimate: Estimate) -> Row:
    """Return an estimate as three columns."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _number(value: float) -> float | None:
    """Return a finite number, or None."""
    return float(value) if math.isfinite(value) else None


def _cell(value: Any) -> str:
    """Return a value as it stands in the file."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
