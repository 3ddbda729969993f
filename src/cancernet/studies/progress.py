"""How long work tells how far it is, whoever listens."""

from __future__ import annotations

__all__ = ["Progress"]


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
