"""The ledger: one small file for each item, replaced in one step, and a log that only grows.

Why not one file or a database: the folder may lie on a network file system and be used by several machines. SQLite's
write-ahead log needs memory that all writers share, and appending to one file is not a single step on NFS, so lines of
two machines may lie over each other. A file of its own is written only by who holds the lease of the item, and is whole
or absent. The log repeats what happened for people and programs that read along; nothing depends on it, so a torn line
in it costs that line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cancernet.files import storage_errors
from cancernet.jobs.entry import Entry, entry_from, entry_text
from cancernet.jobs.place import RECORD, Place, create, replace

__all__ = ["Ledger"]

_LOGGED = ("key", "path", "status", "attempts", "seconds", "error", "started", "finished", "host", "pid")


class Ledger:
    """Entries and log of one output folder.

    Parameters
    ----------
    place
        The folder.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def read(self, key: str) -> Entry | None:
        """Return the entry of an item; None when there is none, or it is damaged."""
        return _read(self._place.entry(key))

    def claim(self, entry: Entry) -> Entry:
        """Write the first entry of an item and return it, or the one that is there.

        A damaged one is written anew.
        """
        path = self._place.entry(entry.key)
        with storage_errors(path):
            if create(path, entry_text(entry), new=self._place.new):
                return entry
        found = self.read(entry.key)
        if found is None:
            self._replace(entry, durable=False)
        return found or entry

    def write(self, entry: Entry, *, durable: bool = True) -> Entry:
        """Write an entry and a line of the log; only who holds the lease of the item may do so.

        Parameters
        ----------
        entry
            What is known now.
        durable
            Whether it must survive a power failure; any survives the death of this process.

        Raises
        ------
        StorageFailure
            When the place cannot be written.
        """
        self._replace(entry, durable=durable)
        self._append({name: getattr(entry, name) for name in _LOGGED})
        return entry

    def published(self, key: str) -> Entry | None:
        """Return the entry that lies in a complete output folder; None when there is no such folder, or no entry."""
        return _read(self._place.final(key) / RECORD)

    def entries(self) -> Iterator[Entry]:
        """Yield all entries that are whole, sorted by key."""
        for key in sorted(path.stem for path in self._place.entries.glob("??/*.json")):
            found = self.read(key)
            if found is not None:
                yield found

    def history(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the log that are whole, in the order in which they were written."""
        if not self._place.log.exists():
            return
        with storage_errors(self._place.log), self._place.log.open("rb") as stream:
            yield from (line for line in map(_line, stream) if line is not None)

    def _replace(self, entry: Entry, *, durable: bool) -> None:
        path = self._place.entry(entry.key)
        with storage_errors(path):
            replace(path, entry_text(entry), new=self._place.new, durable=durable)

    def _append(self, facts: dict[str, Any]) -> None:
        """Append a line in one write; one that was torn before it is ended first."""
        with storage_errors(self._place.log), self._place.log.open("ab+", buffering=0) as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, end - 1))
            torn = stream.read(1) not in (b"", b"\n")
            stream.write(b"\n" * torn + json.dumps(facts).encode() + b"\n")


def _read(path: Path) -> Entry | None:
    """Return the entry in a file; None when there is no such file, or it is damaged."""
    with storage_errors(path):
        try:
            return entry_from(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None


def _line(raw: bytes) -> dict[str, Any] | None:
    """Return a line of the log, or None when it is torn."""
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
