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
    from rich.progress import Progress as RichProgress

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


class _Lines:
    """Progress where nobody watches a terminal: one line when a piece of work begins."""

    def begin(self, what: str, total: int) -> None:
        """Say what begins."""
        typer.echo(f"{what} ...", err=True)

    def reach(self, done: int) -> None:
        """Say nothing in between."""


class _Bar:
    """Progress as a bar with the time that is left."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: Any = None

    def begin(self, what: str, total: int) -> None:
        """Start a bar; the one before is full."""
        self._fill()
        self._task = self._bars.add_task(what, total=total)

    def reach(self, done: int) -> None:
        """Move the bar."""
        self._bars.update(self._task, completed=done)

    def _fill(self) -> None:
        """Complete the bar at hand."""
        if self._task is not None:
            task = self._bars.tasks[self._task]
            self._bars.update(self._task, completed=task.total)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Any]:
    """Yield what long work tells how far it is (the protocol `studies.Progress`)."""
    if quiet:
        from cancernet.studies import Silent

        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        with _rich_progress() as bars:
            yield _Bar(bars)


def _rich_progress() -> RichProgress:
    """Return bars on stderr: what, bar, share, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
