"""What the verbs print: progress on stderr, results on stdout, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import typer

from cancernet.estimate import Estimate

if TYPE_CHECKING:
    from cancernet.studies import Progress

__all__ = [
    "estimates_table",
    "fitted",
    "label_of",
    "models_table",
    "paragraph",
    "print_json",
    "progress_bar",
    "rows_table",
    "say",
    "width_of",
]

_WIDTH = 100  # characters of a line, where nobody watches a terminal
_LABELS = {
    "auroc": "AUROC",
    "macro_auroc": "macro AUROC",
    "macro_f1": "macro F1",
    "quadratic_kappa": "quadratic kappa",
    "mean_absolute_error": "mean absolute error",
    "ece": "ECE",
    "f1": "F1",
    "mcc": "MCC",
    "ppv": "PPV",
    "npv": "NPV",
    "nll": "log-loss",
    "brier": "Brier",
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


def width_of(stream: TextIO) -> int:
    """Return how many characters a line may have: those of the terminal, of COLUMNS, or a hundred."""
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    except (OSError, ValueError):
        return _WIDTH


def paragraph(text: str, *, indent: str = "  ", first: str | None = None, stream: TextIO | None = None) -> str:
    """Return a sentence on lines that fit, each with the indent; the first one with its own."""
    return textwrap.fill(
        text,
        min(max(width_of(stream or sys.stdout), 40), _WIDTH),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def fitted(table: str) -> str:
    """Return lines as they are, or on a terminal cut to its width: a wrapped table cannot be read."""
    if not sys.stdout.isatty():
        return table
    width = width_of(sys.stdout)
    return "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in table.splitlines())


def label_of(metric: str) -> str:
    """Return what people call a metric."""
    return _LABELS.get(metric, metric.replace("_", " "))


def estimates_table(columns: Mapping[str, Mapping[str, Estimate]], names: Sequence[str]) -> str:
    """Return a plain table: one line per metric, one column per model, each number with its interval.

    Where a line is too short for all models, the first one stays, and others are left out by their order and named.
    """
    present = [name for name in names if any(name in column for column in columns.values())]
    shown, left = dict(columns), list[str]()
    while _widest(table := _metric_lines(shown, present)) > width_of(sys.stdout) and len(shown) > 2:
        left.append(list(shown)[1])
        del shown[left[-1]]
    return table + (f"\n\n  Not shown for lack of room: {', '.join(left)}; see the report." if left else "")


def models_table(models: Mapping[str, Mapping[str, Estimate]], names: Sequence[str]) -> str:
    """Return a plain table: one line per model, one column per metric, each number with its interval."""
    present = [name for name in names if any(name in found for found in models.values())]
    body = [[model, *(_cell(found, name) for name in present)] for model, found in models.items()]
    return rows_table([["", *map(label_of, present)], *body])


def _metric_lines(columns: Mapping[str, Mapping[str, Estimate]], names: Sequence[str]) -> str:
    """Return one line per metric, one column per model."""
    body = [[label_of(name), *(_cell(column, name) for column in columns.values())] for name in names]
    return rows_table([["", *columns], *body])


def _widest(text: str) -> int:
    """Return the length of the longest line."""
    return max(map(len, text.splitlines()))


def _cell(column: Mapping[str, Estimate], name: str) -> str:
    """Return a number with its interval, or a dash where there is none; the report says why."""
    estimate = column.get(name)
    return "-" if estimate is None or estimate.value is None else estimate.format()


def rows_table(lines: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Return lines of cells as aligned columns."""
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in lines]
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
