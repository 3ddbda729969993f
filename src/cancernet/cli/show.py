"""What the verbs print: progress on stderr, results on stdout, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from cancernet.estimate import Estimate

if TYPE_CHECKING:
    from cancernet.studies import Progress

__all__ = ["estimates_table", "print_json", "progress_bar", "rows_table", "say"]

_LABELS = {
    "auroc": "AUROC",
    "macro_auroc": "macro AUROC",
    "macro_f1": "macro F1",
    "ece": "ECE",
    "f1": "F1",
    "mcc": "MCC",
    "ppv": "PPV",
    "npv": "NPV",
    "nll": "log-loss",
    "average_precision": "average precision",
    "brier": "Brier",
    "abstained": "abstained",
    "selective_accuracy": "accuracy when it answers",
    "coverage": "coverage of the sets",
}


def say(text: str, *, quiet: bool = False) -> None:
    """Print lines on stdout, unless quiet."""
    if not quiet:
        typer.echo(text)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(content, indent=1, allow_nan=False))


def estimates_table(columns: Mapping[str, Mapping[str, Estimate]], names: Sequence[str]) -> str:
    """Return a plain table: one line per metric, one column per model, each number with its interval."""
    present = [name for name in names if any(name in column for column in columns.values())]
    lines = [["", *columns]]
    for name in present:
        cells = [column[name].format() if name in column else "-" for column in columns.values()]
        lines.append([_LABELS.get(name, name.replace("_", " ")), *cells])
    return rows_table(lines)


def rows_table(lines: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Return lines of cells as aligned columns."""
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    padded = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in lines]
    return "\n".join(f"{indent}{line}".rstrip() for line in padded)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Yield what long work tells how far it is: a bar on a terminal, else a line when a piece of work begins."""
    from cancernet.cli.bars import Bar, Lines, rich_bars
    from cancernet.studies import Progress

    if quiet:
        yield Progress()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        with rich_bars() as bars:
            yield Bar(bars)
