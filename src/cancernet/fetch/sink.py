"""Where the bytes of a download go, and who is told of it."""

from __future__ import annotations

import os
from typing import BinaryIO, Protocol

from cancernet.fetch.failures import FetchFailure, PassingFailure, host_of

__all__ = ["NoWatcher", "Sink", "Watcher"]


class Watcher(Protocol):
    """Told what is being done, and how many bytes of it are done."""

    def begin(self, what: str, total: int) -> None:
        """Start a piece of work of `total` bytes; 0 when that is not known."""

    def reach(self, done: int) -> None:
        """Say that `done` bytes of it are done."""


class NoWatcher:
    """Told how far the work is, and tells nobody."""

    def begin(self, what: str, total: int) -> None:
        """Ignore what begins."""
        del what, total

    def reach(self, done: int) -> None:
        """Ignore how far it is."""
        del done


class Sink:
    """A file that is written to its end and no further; tells how far it is."""

    def __init__(self, stream: BinaryIO, watcher: Watcher) -> None:
        self.total: int | None = None
        self._stream, self._watcher = stream, watcher

    def tell(self) -> int:
        """Return how many bytes are there."""
        return self._stream.seek(0, os.SEEK_END)

    def begin_at(self, url: str, offset: int) -> None:
        """Cut off what the server sends again."""
        if offset > self.tell():
            raise FetchFailure(f"'{host_of(url)}' sends a part that was not asked for", "The next bytes")
        self._stream.truncate(offset)

    def write(self, chunk: bytes) -> None:
        """Append bytes; pooch calls this."""
        if self.total is not None and self.tell() + len(chunk) > self.total:
            raise FetchFailure(f"More than the announced {self.total:,} bytes arrive", "A file of that size")
        self._stream.write(chunk)
        self._watcher.reach(self.tell())

    def flush(self) -> None:
        """Give the bytes to the system; pooch calls this."""
        self._stream.flush()

    def refuse_short(self, url: str) -> None:
        """Raise when the connection ended in good order before the file did."""
        if self.total is not None and self.tell() < self.total:
            raise PassingFailure(
                f"'{host_of(url)}' sent {self.tell():,} of {self.total:,} bytes",
                "The whole file",
                "What has arrived is kept: run the same command again to go on",
            )
