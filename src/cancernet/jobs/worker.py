"""One worker: takes the lease of an item, does the work in a folder of its own, and publishes what is complete."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from cancernet.errors import InvalidInput, StorageFailure
from cancernet.files import remove, storage_errors
from cancernet.jobs.entry import DONE, FAILED, RUNNING, WAITING, Entry, entry_text
from cancernet.jobs.heartbeat import Heartbeat
from cancernet.jobs.item import Fingerprint, fingerprint
from cancernet.jobs.job import Job, Order, Outcome, Report
from cancernet.jobs.lease import Lease, Leases
from cancernet.jobs.ledger import Ledger
from cancernet.jobs.options import BatchOptions
from cancernet.jobs.place import RECORD, Place, folder_names, make_durable
from cancernet.jobs.process import resident_bytes, this_process
from cancernet.jobs.trouble import Caught, disk_trouble, trace_of, words_of

__all__ = ["TOO_LARGE", "Worker", "fits", "now"]

TOO_LARGE = 77
"""Exit code of a worker that held more memory than it may."""


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def fits(entry: Entry, found: Fingerprint | None, *, options: BatchOptions) -> bool:
    """Return whether an entry is of this input, when it is still there, and of these options."""
    return options.accepts(entry) and found in (None, entry.input)


class Worker:
    """Does one item after the other.

    Parameters
    ----------
    job
        What all workers share. Its tool is made here, and kept.

    Raises
    ------
    InvalidInput
        When the tool alone holds more memory than a worker may.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._place = job, Place(job.out)
        self._ledger, self._leases = Ledger(self._place), Leases(self._place, job.options.patience)
        self._tool = job.setup() if job.setup else None
        self._process = this_process()
        _refuse_large(job.options.max_ram)

    def close(self) -> None:
        """Close the tool, if it can be closed."""
        close = getattr(self._tool, "close", None)
        if callable(close):
            close()

    def do(self, order: Order, *, report: Report) -> Outcome:
        """Do one item, unless another works on it or has done it.

        Raises
        ------
        StorageFailure
            When the ledger cannot be written.
        """
        lease = self._leases.acquire(order.item.key, order.token)
        if lease is None:
            return Outcome(order)
        try:
            settled = self._settled(order)
            return Outcome(order, settled) if settled else self._attempt(order, lease, report)
        finally:
            lease.release()

    def _settled(self, order: Order) -> Entry | None:
        """Return what the ledger says of an item that needs no attempt any more."""
        key, options = order.item.key, self._job.options
        entry, published, found = self._ledger.read(key), self._ledger.published(key), _fingerprint(order)
        if published is not None and fits(published, found, options=options):
            return published if published == entry else self._ledger.write(published)
        failed = entry is not None and entry.status == FAILED and entry.attempts > order.attempts
        same = entry is not None and entry.digest == options.digest_of(entry.path) and found in (None, entry.input)
        return entry if failed and same else None

    def _attempt(self, order: Order, lease: Lease, report: Report) -> Outcome:
        """Try it once; who interrupts it leaves the item waiting."""
        begun = self._ledger.write(self._begun(order), durable=False)
        options = self._job.options
        try:
            with Heartbeat(lease, options.heartbeat, max_ram=options.max_ram, over=lambda held: self._end(begun, held)):
                return self._result(order, begun, lease, report)
        except BaseException:
            with suppress(OSError):
                self._release(begun, lease)
            raise
        finally:
            with suppress(OSError):  # it is gone already where the lease was lost
                remove(self._place.partial(begun.key, order.token))

    def _result(self, order: Order, begun: Entry, lease: Lease, report: Report) -> Outcome:
        """Work and publish; return what came of it."""
        ended = None
        with Caught() as caught:
            ended = self._made(order, begun, report)
            if not self._publish(ended, lease):
                return Outcome(order)
        if caught.error is None:
            return Outcome(order, self._ledger.write(ended or begun, durable=False))
        if (trouble := disk_trouble(caught.error, self._place.out)) is not None:
            with suppress(OSError):
                self._release(begun, lease)
            return Outcome(order, trouble=trouble)
        return Outcome(order, self._failed(begun, caught.error)) if lease.renew() else Outcome(order)

    def _begun(self, order: Order) -> Entry:
        """Return the entry of an attempt that begins."""
        before = self._ledger.read(order.item.key)
        return Entry(
            key=order.item.key,
            path=str(order.item.path),
            status=RUNNING,
            attempts=(before.attempts if before else 0) + 1,
            started=now(),
            host=self._process.host,
            pid=self._process.pid,
            token=order.token,
            input=_fingerprint(order),
            digest=self._job.options.digest_of(str(order.item.path)),
            versions=self._job.options.versions,
        )

    def _made(self, order: Order, begun: Entry, report: Report) -> Entry:
        """Do the work in a folder of its own, with the record of it; return the entry to publish."""
        started, partial = monotonic(), self._place.partial(begun.key, order.token)
        fingerprint(order.item.path)  # raises when it is not there
        with storage_errors(partial):
            partial.mkdir()
        answer = self._job.work(order.item, partial, tool=self._tool, report=report)
        _refuse_changed(begun)
        with storage_errors(partial):
            ended = _ended(begun, monotonic() - started, answer=answer, outputs=folder_names(partial))
            partial.joinpath(RECORD).write_text(entry_text(ended), encoding="utf-8")
            make_durable(partial)
        return ended

    def _publish(self, ended: Entry, lease: Lease) -> bool:
        """Give the complete folder its name; return False when the lease is lost."""
        key, token = ended.key, ended.token or ""
        partial, final, old = self._place.partial(key, token), self._place.final(key), self._place.old(key, token)
        with storage_errors(final):
            if not lease.renew():
                return False
            if final.exists():
                os.rename(final, old)
            os.rename(partial, final)
            remove(old)
        return True

    def _failed(self, begun: Entry, error: Exception) -> Entry:
        """Write down why an attempt failed."""
        words = f"{os.path.basename(begun.path)}: {words_of(error)}"
        return self._ledger.write(replace(begun, status=FAILED, error=words, trace=trace_of(error), finished=now()))

    def _release(self, begun: Entry, lease: Lease) -> None:
        """Write down that an item waits again, unless the lease is lost."""
        if lease.renew():
            self._ledger.write(replace(begun, status=WAITING, error=None))

    def _end(self, begun: Entry, held: int) -> None:
        """End this process because of the memory it holds; only that gives it back."""
        limit = self._job.options.max_ram or 0
        error = InvalidInput(
            f"{held / 1e9:.2f} GB of memory are held by its worker",
            f"At most {limit / 1e9:.2f} GB (max_ram)",
            "Raise --max-ram, and pass --retry-failed",
        )
        try:
            self._failed(begun, error)
        finally:
            os._exit(TOO_LARGE)


def _ended(begun: Entry, seconds: float, *, answer: Mapping[str, Any], outputs: tuple[str, ...]) -> Entry:
    """Return the entry of an attempt that ended well."""
    seconds = round(seconds, 3)
    return replace(begun, status=DONE, seconds=seconds, outputs=outputs, answer=dict(answer), finished=now())


def _fingerprint(order: Order) -> Fingerprint | None:
    """Return size and time of the input, None when it is not there."""
    try:
        return fingerprint(order.item.path)
    except StorageFailure:
        return None


def _refuse_changed(begun: Entry) -> None:
    """Raise when the input is not what it was when the work began."""
    if fingerprint(Path(begun.path)) != begun.input:
        raise InvalidInput("It changed while it was read", "An input that stays as it is", "Run again when it is whole")


def _refuse_large(max_ram: int | None) -> None:
    """Raise when the memory is used up before any work is done."""
    if max_ram is not None and (held := resident_bytes()) > max_ram:
        raise InvalidInput(
            f"A worker holds {held / 1e9:.2f} GB of memory before it begins",
            f"At most {max_ram / 1e9:.2f} GB (max_ram)",
            "Raise --max-ram",
        )
