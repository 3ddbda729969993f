"""Many inputs, one after the other or at once, and no work lost."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from uuid import uuid4

from cancernet.errors import StorageFailure
from cancernet.files import storage_errors
from cancernet.jobs.crew import Crew, Here
from cancernet.jobs.entry import DONE, FAILED, Entry
from cancernet.jobs.item import Item
from cancernet.jobs.job import Died, Job, Order, Outcome, Reach, Work
from cancernet.jobs.options import BatchOptions
from cancernet.jobs.place import Place
from cancernet.jobs.plan import make_plan
from cancernet.jobs.pool import Pool
from cancernet.jobs.settle import Settlement

__all__ = ["BatchResult", "BatchWatcher", "Silent", "run_batch"]

_WAIT = 1.0  # seconds before an item that another process works on is looked at again
_LISTEN = 0.5  # seconds to wait for news at a time


class BatchWatcher(Protocol):
    """Told how far a batch is, in the process that started it."""

    def begin(self, total: int, kept: int) -> None:
        """Hear how many items there are, and how many of them need no work."""
        ...

    def reach(self, key: str, share: float) -> None:
        """Hear which share of an item is done, 0 to 1."""
        ...

    def finish(self, entry: Entry) -> None:
        """Hear what became of an item."""
        ...


class Silent(BatchWatcher):
    """Hears all and tells nobody."""

    def begin(self, total: int, kept: int) -> None:
        """Ignore how many there are."""

    def reach(self, key: str, share: float) -> None:
        """Ignore how far it is."""

    def finish(self, entry: Entry) -> None:
        """Ignore what became of it."""


@dataclass(frozen=True)
class BatchResult:
    """What became of the items.

    Parameters
    ----------
    entries
        One for each item, in their order.
    kept
        Keys of those that needed no work this time.
    """

    entries: tuple[Entry, ...]
    kept: frozenset[str] = frozenset()

    @property
    def done(self) -> tuple[Entry, ...]:
        """The entries of items that are done."""
        return tuple(entry for entry in self.entries if entry.status == DONE)

    @property
    def failed(self) -> tuple[Entry, ...]:
        """The entries of items that failed."""
        return tuple(entry for entry in self.entries if entry.status == FAILED)


def run_batch(
    items: Sequence[Item],
    work: Work,
    *,
    out: Path,
    setup: Callable[[], Any] | None = None,
    options: BatchOptions | None = None,
    watcher: BatchWatcher | None = None,
) -> BatchResult:
    """Do the work with each item that is not done yet.

    Several processes, also on several machines, may run the same batch on one folder: each item is done by one of them,
    and each call returns when all are done or have failed. A batch that was killed goes on where it stopped. An item
    that fails stops no other; it is tried again only with `retry_failed`.

    Parameters
    ----------
    items
        The inputs. Those of the same file name get different output folders; the names stay the same from run to run.
    work
        Called with an item, a folder to write into, `tool` and `report`; returns what the ledger shall keep. What it
        wrote appears in the folder `out/KEY`, complete or not at all, with the item's entry in `job.json`.
    out
        The output folder.
    setup
        Called once in each worker; its result is the `tool` of all calls there.
    options
        How the batch is run.
    watcher
        Told how far it is.

    Raises
    ------
    InvalidInput
        When outputs were made with other options or of inputs that have changed, and `force` is not set.
    StorageFailure
        When the folder cannot be written, or the disk is full. What is done stays; nothing is marked as failed for it.
    MissingExtra
        When Ray is asked for and not installed.
    CancerNetError
        What `setup` raised.
    KeyboardInterrupt
        On Ctrl-C, after the workers have ended and their items wait again.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> def count(item, folder, *, tool, report):
    ...     (folder / "words.txt").write_text(f"{len(item.path.read_text().split())}")
    ...     return {"read": True}
    >>> with TemporaryDirectory() as folder:
    ...     text = Path(folder, "text.txt")
    ...     _ = text.write_text("one two")
    ...     result = run_batch([Item(text)], count, out=Path(folder, "out"))
    ...     (result.entries[0].status, Path(folder, "out", "text", "words.txt").read_text())
    ('done', '2')
    """
    options, watcher = options or BatchOptions(), watcher or Silent()
    place = Place(out.absolute())
    place.prepare()
    _refuse_small_disk(place, options.disk)
    settlement = Settlement(place, options.patience)
    settlement.sweep()
    plan = make_plan(items, place, options=options)
    watcher.begin(len(plan.keys), len(plan.kept))
    run = _Run(plan.orders, settlement, watcher)
    if plan.orders:
        run.finish(_crew(Job(place.out, work, setup, options), watcher.reach))
    entries = plan.kept | run.entries
    return BatchResult(tuple(entries[key] for key in plan.keys), frozenset(plan.kept))


class _Run:
    """The orders of a batch: which wait, which are worked on, and what became of them."""

    def __init__(self, orders: Sequence[Order], settlement: Settlement, watcher: BatchWatcher) -> None:
        self._settlement, self._watcher = settlement, watcher
        self._waiting = deque(orders)
        self._later: deque[tuple[float, Order]] = deque()  # of other processes; when to look again
        self._busy: dict[str, Order] = {}  # by token
        self.entries: dict[str, Entry] = {}

    def finish(self, crew: Crew) -> None:
        """Have all orders done; let go of those under way when that fails or is interrupted."""
        try:
            while self._waiting or self._busy or self._later:
                self._hand_out(crew)
                for news in crew.news(_LISTEN):
                    self._take_in(news)
        except BaseException:
            crew.close(now=True)
            self._release()
            raise
        crew.close(now=False)

    def _hand_out(self, crew: Crew) -> None:
        """Give out as many orders as can be taken."""
        while self._later and self._later[0][0] <= monotonic():
            self._waiting.append(self._later.popleft()[1])
        for _ in range(crew.hire(len(self._waiting) + len(self._busy))):
            if not self._waiting:
                return
            order = replace(self._waiting.popleft(), token=uuid4().hex)
            self._busy[order.token] = order
            crew.hand(order)

    def _take_in(self, news: Outcome | Died) -> None:
        """Note what became of an order."""
        entry, order = self._entry(news), news.order
        self._busy.pop(order.token, None)
        if entry is None:
            self._later.append((monotonic() + _WAIT, order))
            return
        self.entries[order.item.key] = entry
        self._watcher.finish(entry)

    def _entry(self, news: Outcome | Died) -> Entry | None:
        """Return the entry of an order; None when another process has it."""
        if isinstance(news, Died):
            item = news.order.item
            return self._settlement.settle(item.key, dead=news.order.token, cause=f"{item.path.name}: {news.cause}")
        if news.trouble is not None:
            raise news.trouble.error()
        return news.entry

    def _release(self) -> None:
        """Let the items that were worked on wait again; their workers are dead."""
        for order in self._busy.values():
            with suppress(OSError):
                self._settlement.settle(order.item.key, dead=order.token)


def _crew(job: Job, reach: Reach) -> Crew:
    """Return who does the work."""
    if job.options.ray is not None:
        from cancernet.jobs.cluster import Cluster

        return Cluster(job)
    alone = job.options.workers == 1 and job.options.max_ram is None
    return Here(job, reach) if alone else Pool(job, reach)


def _refuse_small_disk(place: Place, needed: int) -> None:
    """Raise when the outputs are known not to fit."""
    with storage_errors(place.out):
        free = shutil.disk_usage(place.out).free
    if needed > free:
        raise StorageFailure(
            f"'{place.out}' needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            "Room for all outputs",
            "Free some space, or choose another disk with --out",
        )
