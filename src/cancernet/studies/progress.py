"""How long work tells how far it is, whoever listens."""

from __future__ import annotations

__all__ = ["Counter", "Progress"]


class Progress:
    """Told what is being done and how far it is, and shows it to nobody; the command line draws a bar.

    Attributes
    ----------
    what
        The piece of work at hand.
    total, done
        Its steps, and how many of them are done.
    """

    def __init__(self) -> None:
        self.what, self.total, self.done = "", 0, 0

    def begin(self, what: str, total: int) -> None:
        """Start a piece of work of `total` steps."""
        self.what, self.total, self.done = what, total, 0

    def reach(self, done: int) -> None:
        """Say that `done` steps of it are done."""
        self.done = done


class Counter:
    """Counts epochs over all fits of a study.

    Parameters
    ----------
    fits, epochs
        How many fits there are, and how many epochs each may take.
    progress
        Told how far it is.
    """

    def __init__(self, fits: int, epochs: int, *, progress: Progress) -> None:
        self._epochs, self._done, self._progress = epochs, 0, progress
        progress.begin("Training", fits * epochs)

    def advance(self) -> None:
        """Count one epoch."""
        self._done += 1
        self._progress.reach(self._done)

    def reach(self, fits: int) -> None:
        """Count all epochs of the first fits, those that early stopping saved too."""
        self._done = fits * self._epochs
        self._progress.reach(self._done)
