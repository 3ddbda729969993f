"""Who does the work: this process, processes of their own, or a cluster, behind one protocol."""

from __future__ import annotations

from time import sleep
from typing import Protocol

from cancernet.jobs.job import Died, Job, Order, Outcome, Reach, share_of
from cancernet.jobs.worker import Worker

__all__ = ["Crew", "Here"]


class Crew(Protocol):
    """Takes orders, and tells what came of them."""

    def hire(self, wanted: int) -> int:
        """Have up to `wanted` workers at hand, no more than was agreed; return how many orders can be taken now."""
        ...

    def hand(self, order: Order) -> None:
        """Take an order; only when `hire` said that one can be taken."""
        ...

    def news(self, seconds: float) -> list[Outcome | Died]:
        """Return what happened, waiting up to so many seconds for the first thing.

        Raises
        ------
        CancerNetError
            When no worker can be set up.
        """
        ...

    def close(self, *, now: bool) -> None:
        """End all workers; `now` in the middle of their work. None is left when this returns."""
        ...


class Here:
    """Works in this process, one item after the other.

    Parameters
    ----------
    job
        What is to be done.
    reach
        Told how far an item is.
    """

    def __init__(self, job: Job, reach: Reach) -> None:
        self._job, self._reach = job, reach
        self._worker: Worker | None = None
        self._outcomes: list[Outcome | Died] = []

    def hire(self, wanted: int) -> int:
        """Be ready for one order when the last one is told of."""
        if self._worker is None and wanted:
            self._worker = Worker(self._job)
        return 0 if self._outcomes else min(wanted, 1)

    def hand(self, order: Order) -> None:
        """Do it at once."""
        if self._worker is not None:
            key = order.item.key
            outcome = self._worker.do(order, report=lambda done, total: self._reach(key, share_of(done, total)))
            self._outcomes.append(outcome)

    def news(self, seconds: float) -> list[Outcome | Died]:
        """Return what came of the last order; nothing goes on beside this, so there is nothing else to wait for."""
        if not self._outcomes:
            sleep(seconds)
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def close(self, *, now: bool) -> None:
        """Close the tool."""
        del now
        if self._worker is not None:
            self._worker.close()
