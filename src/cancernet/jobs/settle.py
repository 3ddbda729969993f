"""What dead attempts left is settled: half outputs are removed, complete ones are acknowledged."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from cancernet.jobs.entry import DONE, FAILED, WAITING, Entry
from cancernet.jobs.lease import Leases
from cancernet.jobs.ledger import Ledger
from cancernet.jobs.place import Place
from cancernet.jobs.worker import now

__all__ = ["Settlement"]


class Settlement:
    """Settles the items of one output folder.

    Parameters
    ----------
    place
        The folder.
    patience
        Seconds after which a lease that was not renewed is dead.
    """

    def __init__(self, place: Place, patience: float) -> None:
        self._place, self._ledger, self._leases = place, Ledger(place), Leases(place, patience)

    def sweep(self) -> None:
        """Settle all that dead processes left, whichever batch it was."""
        self._leases.clear()
        for key in self._leases.dead():
            self.settle(key)
        self._place.tidy()

    def settle(self, key: str, *, dead: str | None = None, cause: str | None = None) -> Entry | None:
        """Settle one item; return its entry, or None when another process works on it.

        Parameters
        ----------
        key
            Of the item.
        dead
            Token of an attempt that is known to have ended.
        cause
            Why it has failed; None: it waits for another attempt.
        """
        lease = self._leases.acquire(key, uuid4().hex, dead=dead)
        if lease is None:
            return None
        try:
            return self._settled(key, cause)
        finally:
            lease.release()

    def _settled(self, key: str, cause: str | None) -> Entry | None:
        """Write what the item is now."""
        entry, published = self._ledger.read(key), self._ledger.published(key)
        if entry is None or entry.status in (DONE, FAILED):
            return entry
        if published is not None and published.token == entry.token:
            return self._ledger.write(published)
        if cause is not None:
            return self._ledger.write(replace(entry, status=FAILED, error=cause, finished=now()))
        return entry if entry.status == WAITING else self._ledger.write(replace(entry, status=WAITING))
