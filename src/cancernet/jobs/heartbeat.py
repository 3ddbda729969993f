"""A thread beside the work: keeps its lease alive and looks at the memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType

from cancernet.jobs.lease import Lease
from cancernet.jobs.process import resident_bytes

__all__ = ["Heartbeat"]

_LOOK = 0.25  # seconds between two looks at the memory


class Heartbeat:
    """Renews a lease while a block runs.

    Parameters
    ----------
    lease
        To renew. Whether it is lost is asked once more before anything is published.
    every
        Seconds between two renewals.
    max_ram
        Bytes of resident memory; None: no limit.
    over
        Called in the thread with the bytes that are held, when they are more than that.
    """

    def __init__(self, lease: Lease, every: float, *, max_ram: int | None, over: Callable[[int], None]) -> None:
        self._lease, self._every, self._max_ram, self._over = lease, every, max_ram, over
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, after a beat that is under way."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        pause = self._every if self._max_ram is None else min(self._every, _LOOK)
        renewed = monotonic()
        while not self._stop.wait(pause):
            self._look()
            if monotonic() - renewed >= self._every:
                with suppress(OSError):  # the network may be back at the next beat
                    self._lease.renew()
                renewed = monotonic()

    def _look(self) -> None:
        """Tell when the memory is more than it may be."""
        if self._max_ram is not None and (held := resident_bytes()) > self._max_ram:
            self._over(held)
