"""Leases: of all processes on all machines, one works on an item.

A lease is a file that is made exclusively and holds who works. While it lives, its time is renewed every few seconds.
It may be taken over when its process is dead on this machine, or when it was not renewed for longer than agreed, by the
clock of the file system. Taking over renames the file, which only one taker can do.

Between a look at a lease and the renaming of it, another may have taken over already. The taker sees in what it renamed
that it has got the wrong one, and links it back. Should a third have stepped into that gap, the holder notices when it
next renews its lease, and gives up: who has lost a lease never publishes. So work may be done twice in that gap of
microseconds, but its outputs cannot.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from cancernet.files import storage_errors
from cancernet.jobs.place import Place, create, server_time
from cancernet.jobs.process import Process, is_dead, this_process

__all__ = ["Lease", "Leases"]


@dataclass(frozen=True)
class _Holder:
    """What a lease says: of which item, who holds it, and when that was last renewed."""

    key: str
    token: str
    process: Process | None
    renewed: float


class Lease:
    """The right to work on an item.

    Parameters
    ----------
    path
        Its file.
    token
        Of the attempt that it was made for.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path, self._token = path, token

    def renew(self) -> bool:
        """Set its time to now; return False when it is lost."""
        try:
            with self._path.open("r+b") as stream:
                if not _is_of(stream.read(), self._token):
                    return False
                os.utime(stream.fileno() if os.utime in os.supports_fd else self._path)
        except FileNotFoundError:
            return False
        return True

    def release(self) -> None:
        """Give it up, when it is not lost."""
        with suppress(FileNotFoundError):
            if _is_of(self._path.read_bytes(), self._token):
                self._path.unlink()


class Leases:
    """The leases of one output folder.

    Parameters
    ----------
    place
        The folder.
    patience
        Seconds without a renewal after which a lease is given up for dead.
    """

    def __init__(self, place: Place, patience: float) -> None:
        self._place, self._patience = place, patience

    def acquire(self, key: str, token: str, *, dead: str | None = None) -> Lease | None:
        """Return the lease of an item, or None when another works on it.

        Parameters
        ----------
        key
            The item.
        token
            Of the attempt; goes into the file.
        dead
            Token of an attempt that is known to have ended.

        Raises
        ------
        StorageFailure
            When the place cannot be written.
        """
        path = self._place.leases / key
        text = json.dumps({"key": key, "token": token, **asdict(this_process())})
        with storage_errors(path):
            if create(path, text, new=self._place.new):
                return Lease(path, token)
            holder = _read(path)
            if holder is not None and not (holder.token == dead or self._is_dead(holder)):
                return None
            if holder is not None and not self._take_over(path, holder):
                return None
            return Lease(path, token) if create(path, text, new=self._place.new) else None

    def dead(self) -> list[str]:
        """Return the items whose leases are dead, sorted."""
        found = ((path.name, _read(path)) for path in self._place.leases.iterdir())
        return sorted(key for key, holder in found if holder is not None and self._is_dead(holder))

    def clear(self) -> None:
        """Remove what dead attempts left, where a taker of their lease died before it could."""
        for path in self._place.taken.iterdir():
            holder = _read(path)
            if holder is not None and self._is_dead(holder):
                self._clear(path, holder)

    def _is_dead(self, holder: _Holder) -> bool:
        """Return whether the holder has ended, or has not renewed its lease for too long."""
        if holder.process is not None and is_dead(holder.process):
            return True
        return server_time(self._place.new) - holder.renewed > self._patience

    def _take_over(self, path: Path, holder: _Holder) -> bool:
        """Take a dead lease away; return False when another did."""
        taken = self._place.taken / uuid4().hex
        try:
            os.rename(path, taken)
        except FileNotFoundError:
            return True  # nobody holds it now
        found = _read(taken) or holder
        if found.token != holder.token:
            create(path, taken.read_text(encoding="utf-8"), new=self._place.new)
            taken.unlink()
            return False
        self._clear(taken, holder)
        return True

    def _clear(self, taken: Path, holder: _Holder) -> None:
        """Remove what the holder of a dead lease left, then its lease."""
        if holder.token:
            self._place.abandon(holder.key, holder.token)
        taken.unlink(missing_ok=True)


def _read(path: Path) -> _Holder | None:
    """Return what a lease says, or None when there is none; opening it makes NFS ask the server."""
    try:
        with path.open("rb") as stream:
            raw, renewed = stream.read(), os.fstat(stream.fileno()).st_mtime
    except FileNotFoundError:
        return None
    found = _content(raw)
    try:
        return _Holder(str(found.pop("key")), str(found.pop("token")), Process(**found), renewed)
    except (KeyError, TypeError):
        return _Holder("", "", None, renewed)  # torn: only its age counts


def _content(raw: bytes) -> dict[str, Any]:
    """Return what a lease holds; nothing when it is torn."""
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_of(raw: bytes, token: str) -> bool:
    """Return whether a lease was made for this attempt."""
    return _content(raw).get("token") == token
