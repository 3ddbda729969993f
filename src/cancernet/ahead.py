"""Making the next items of a stream in other threads, while the caller works on this one."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["one_ahead", "processors", "several_ahead"]

Item = TypeVar("Item")
Made = TypeVar("Made")


def one_ahead(items: Iterable[Item]) -> Generator[Item, None, None]:
    """Yield the items in their order; none of them is None. What making one raises is raised at its place."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, iterator, None)
        while (item := future.result()) is not None:
            future = pool.submit(next, iterator, None)
            yield item


def processors() -> int:
    """Return how many processors this process may use: a batch system or `taskset` may give it fewer than there are."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def several_ahead(
    items: Iterable[Item], make: Callable[[Item], Made], *, threads: int, ahead: int
) -> Generator[Made, None, None]:
    """Yield what is made of each item, in their order; several threads make the next ones meanwhile.

    What making one raises is raised at its place, and the ones after it are not begun.

    Parameters
    ----------
    items
        Taken one by one, never more than are made ahead.
    make
        Called in the threads.
    threads
        How many.
    ahead
        How many may be made, or be under way, beyond the one that the caller has.
    """
    pending: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            pending.append(pool.submit(make, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
