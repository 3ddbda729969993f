"""How far a batch of slides is: a bar over all of them, and one for each that is worked on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from cancernet.jobs import BatchWatcher, Silent

if TYPE_CHECKING:
    from rich.progress import Progress

    from cancernet.jobs import Entry

__all__ = ["watching"]

_SHOWN = 24  # letters of a name beside its bar


@contextmanager
def watching(*, quiet: bool, found: Callable[[Entry], str]) -> Iterator[BatchWatcher]:
    """Yield what a batch tells how far it is: bars on a terminal, else a line for each slide that is finished.

    Parameters
    ----------
    quiet
        Show nothing.
    found
        Returns what was found in a slide that is done, in a line.
    """
    from cancernet.cli.bars import rich_bars

    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Lines(found)
    else:
        with rich_bars() as bars:
            yield _Bars(bars, found)


class _Lines(Silent):
    """A line for each slide."""

    def __init__(self, found: Callable[[Entry], str]) -> None:
        self._found = found

    def begin(self, total: int, kept: int) -> None:
        """Say how much there is to do."""
        self._total, self._done = total, kept
        if kept:
            typer.echo(f"{kept} of {total} need no work: they were done, or failed, before.", err=True)

    def finish(self, entry: Entry) -> None:
        """Say what became of a slide."""
        self._done += 1
        typer.echo(f"{self._done}/{self._total}  {_in_words(entry, self._found)}", err=True)


class _Bars(Silent):
    """Bars, and a line above them for each slide that is finished."""

    def __init__(self, bars: Progress, found: Callable[[Entry], str]) -> None:
        self._bars, self._found = bars, found
        self._slides: dict[str, Any] = {}

    def begin(self, total: int, kept: int) -> None:
        """Start the bar over all slides."""
        self._all = self._bars.add_task("Slides", total=total, completed=kept)

    def reach(self, key: str, share: float) -> None:
        """Move the bar of a slide."""
        if key not in self._slides:
            short = key if len(key) <= _SHOWN else f"{key[: _SHOWN - 1]}…"
            self._slides[key] = self._bars.add_task(f"  {short}", total=1.0)
        self._bars.update(self._slides[key], completed=share)

    def finish(self, entry: Entry) -> None:
        """Take the bar of a slide away, and say what became of it."""
        if entry.key in self._slides:
            self._bars.remove_task(self._slides.pop(entry.key))
        self._bars.console.print(_in_words(entry, self._found), highlight=False, markup=False)
        self._bars.advance(self._all)


def _in_words(entry: Entry, found: Callable[[Entry], str]) -> str:
    """Return what became of a slide, in a line."""
    return found(entry) if entry.error is None else f"failed: {entry.error}"
