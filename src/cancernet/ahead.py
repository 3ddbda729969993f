"""Making the next item of a stream in another thread, while the caller works on this one."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["one_ahead"]

Item = TypeVar("Item")


def one_ahead(items: Iterable[Item]) -> Generator[Item, None, None]:
    """Yield the items in their order; none of them is None. What making one raises is raised at its place."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, iterator, None)
        while (item := future.result()) is not None:
            future = pool.submit(next, iterator, None)
            yield item
