"""Workers in processes of their own on this machine.

The processes are started afresh (spawn): engines and TensorFlow have threads, and a forked process inherits their locks
but not the threads that would open them. Each has a pipe of its own, so that one that is killed while it speaks cannot
block the others, and a worker that dies takes nothing with it but its item. (The pools of the standard library give up
all work when one process dies.)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from time import monotonic

from cancernet.errors import CancerNetError, InvalidInput, StorageFailure
from cancernet.jobs.job import Died, Job, Order, Outcome, Reach, Report, share_of
from cancernet.jobs.trouble import Caught, Trouble, trouble_of
from cancernet.jobs.worker import TOO_LARGE, Worker

__all__ = ["Pool"]

_STILLBORN = 3  # so many workers in a row may die before they are ready
_PATIENCE = 10.0  # seconds that an idle worker may take to end
_QUIET = 0.2  # seconds between two reports of one item
_READY = "ready"


@dataclass
class _Hand:
    """One worker: its process, our end of its pipe, and what it works on."""

    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    order: Order | None = None


class Pool:
    """A crew of processes.

    Parameters
    ----------
    job
        What is to be done.
    reach
        Told how far an item is.

    Raises
    ------
    InvalidInput
        When the work or its options cannot be sent to another process.
    """

    def __init__(self, job: Job, reach: Reach) -> None:
        _refuse_unsendable(job)
        self._job, self._reach, self._stillborn = job, reach, 0
        self._hands: list[_Hand] = []

    def hire(self, wanted: int) -> int:
        """Start what is missing of the workers; return how many wait for an order."""
        while len(self._hands) < min(wanted, self._job.options.workers):
            self._hands.append(_started(self._job))
        return sum(hand.ready and hand.order is None for hand in self._hands)

    def hand(self, order: Order) -> None:
        """Send it to a worker that waits."""
        hand = next(hand for hand in self._hands if hand.ready and hand.order is None)
        hand.order = order
        with suppress(OSError):  # it has died since; the next news say so
            hand.pipe.send(order)

    def news(self, seconds: float) -> list[Outcome | Died]:
        """Return what the workers say, and who of them died."""
        ends = [end for hand in self._hands for end in (hand.pipe, hand.process.sentinel)]
        connection.wait(ends, seconds)
        news: list[Outcome | Died] = []
        for hand in list(self._hands):
            dead = not hand.process.is_alive()  # before its last words are read
            for said in _heard(hand.pipe):
                news += self._taken(hand, said)
            if dead:
                news += self._bury(hand)
        return news

    def close(self, *, now: bool) -> None:
        """Send the workers home, or kill them."""
        for hand in self._hands:
            if now:
                hand.process.kill()
            with suppress(OSError):
                hand.pipe.send(None)
        limit = monotonic() + _PATIENCE
        for hand in self._hands:
            hand.process.join(max(0.0, limit - monotonic()))
            if hand.process.is_alive():
                hand.process.kill()
            hand.process.join()
            hand.process.close()
            hand.pipe.close()
        self._hands = []

    def _taken(self, hand: _Hand, said: object) -> list[Outcome]:
        """Take in one thing that a worker said; return it when it is news."""
        if isinstance(said, Trouble):
            raise said.error()
        if isinstance(said, Outcome):
            hand.order = None
            return [said]
        if isinstance(said, tuple):
            self._reach(*said)
        else:
            hand.ready, self._stillborn = True, 0
        return []

    def _bury(self, hand: _Hand) -> list[Died]:
        """Let go of a worker that died."""
        cause = _cause(hand.process)
        self._hands.remove(hand)
        hand.process.close()
        hand.pipe.close()
        self._stillborn += not hand.ready
        if self._stillborn >= _STILLBORN:
            raise CancerNetError(
                f"Workers die before they begin ({cause})",
                "Processes that can be started",
                "See what they wrote above; a script that starts a batch needs: if __name__ == '__main__'",
            )
        return [Died(hand.order, cause)] if hand.order else []


def _refuse_unsendable(job: Job) -> None:
    """Raise when the job cannot be sent to another process."""
    with Caught() as caught:
        ForkingPickler.dumps(job)
    if caught.error is not None:
        raise InvalidInput(
            f"The work cannot be sent to another process ({caught.error})",
            "Functions of a module, and options of plain values",
            "Move it to the top of a module, or use one worker",
        ) from caught.error


def _started(job: Job) -> _Hand:
    """Start a worker."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, job), name="cancernet worker", daemon=True)
    with _no_interrupt():
        process.start()
    theirs.close()
    return _Hand(process, ours)


def _heard(pipe: Connection) -> list[object]:
    """Return all that a worker has said."""
    said = []
    with suppress(EOFError, OSError):  # it died, perhaps in the middle of a word
        while pipe.poll():
            said.append(pipe.recv())
    return said


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold back Ctrl-C for this process, and for good for one that is started here: it is ours to end."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else its first start would let Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cause(process: SpawnProcess) -> str:
    """Return why a process ended, in words."""
    code = process.exitcode or 0
    if code == TOO_LARGE:
        return "its worker held more memory than it may"
    if code >= 0:
        return f"its worker ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    more = "; the system does so when the memory runs out" if name == "SIGKILL" else ""
    return f"its worker was killed by {name}{more}"


def _serve(pipe: Connection, job: Job) -> None:
    """Be a worker: set up, then do what is sent until nothing more is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()
    say = _Mouth(pipe)
    with Caught() as caught:
        worker = Worker(job)
    if caught.error is not None:
        say(trouble_of(caught.error, "A worker cannot be set up"))
        return
    say(_READY)
    with suppress(EOFError, OSError):  # the other end is gone
        for order in iter(pipe.recv, None):
            say(_done(worker, order, _reporter(say, order.item.key)))
    worker.close()


class _Mouth:
    """A worker's end of the pipe: says one thing at a time, whichever of its threads speaks."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def __call__(self, what: object) -> None:
        """Say it."""
        with self._lock:
            self._pipe.send(what)


def _done(worker: Worker, order: Order, report: Report) -> Outcome:
    """Return what came of an order, also when the ledger cannot be written."""
    try:
        return worker.do(order, report=report)
    except StorageFailure as error:
        return Outcome(order, trouble=trouble_of(error, order.item.key))


def _reporter(say: Callable[[object], None], key: str) -> Report:
    """Return what tells the parent how far an item is, now and then."""
    said = [0.0]

    def report(done: float, total: float) -> None:
        share = share_of(done, total)
        if share == 1 or monotonic() - said[0] >= _QUIET:
            said[0] = monotonic()
            say((key, share))

    return report


def _die_with_parent() -> None:
    """End this process when its parent is gone, whatever it is doing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
