"""How long work tells how far it is, whoever listens."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Told what is being done and how far it is; the command line draws a bar."""

    def begin(self, what: str, total: int) -> None:
        """Start a piece of work of `total` steps."""

    def reach(self, done: int) -> None:
        """Say that `done` steps of it are done."""


class Silent:
    """Tells nobody."""

    def begin(self, what: str, total: int) -> None:
        """Start in silence."""

    def reach(self, done: int) -> None:
        """Go on in silence."""
