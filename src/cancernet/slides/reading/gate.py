"""Closing what other threads may be reading: the last reader leaves first, and nobody enters afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

__all__ = ["Gate"]


class Gate:
    """Counts who is inside; when it is shut, waits until they have left."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._shut = False

    @contextmanager
    def inside(self) -> Iterator[bool]:
        """Yield True while the gate is held open, or False when it is shut."""
        with self._changed:
            entered = not self._shut
            self._inside += entered
        try:
            yield entered
        finally:
            with self._changed:
                self._inside -= entered
                self._changed.notify_all()

    def shut(self) -> bool:
        """Shut it and wait for those inside; return False when it was shut before."""
        with self._changed:
            first, self._shut = not self._shut, True
            self._changed.wait_for(lambda: self._inside == 0)
        return first
