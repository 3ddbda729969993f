"""How far long work is, on stderr. Imported only when there is something to show."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from cancernet.studies import Progress

__all__ = ["Bar", "Lines", "rich_bars"]


class Lines(Progress):
    """Progress where nobody watches a terminal: one line when a piece of work begins."""

    def begin(self, what: str, total: int) -> None:
        """Say what begins."""
        super().begin(what, total)
        typer.echo(f"{what} ...", err=True)


class Bar(Progress):
    """Progress as a bar with the time that is left."""

    def __init__(self, bars: RichProgress) -> None:
        super().__init__()
        self._bars = bars
        self._task: Any = None

    def begin(self, what: str, total: int) -> None:
        """Start a bar; the one before is full."""
        if self._task is not None:
            self._bars.update(self._task, completed=self.total)
        super().begin(what, total)
        self._task = self._bars.add_task(what, total=total)

    def reach(self, done: int) -> None:
        """Move the bar."""
        super().reach(done)
        self._bars.update(self._task, completed=done)


def rich_bars() -> RichProgress:
    """Return bars on stderr: what, bar, share, time gone and time left."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return RichProgress(*columns, console=Console(stderr=True))
