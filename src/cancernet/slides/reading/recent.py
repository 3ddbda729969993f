"""What was decoded last, so that neighbouring regions need not decode the tile between them again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recent"]


class Recent:
    """Arrays by key, the last used of them, at most so many bytes. Threads may ask at once.

    Parameters
    ----------
    largest_bytes
        What is held together; an array that is larger by itself is not kept.
    """

    def __init__(self, largest_bytes: int) -> None:
        self._largest = largest_bytes
        self._held: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return the array of a key, made when it is not held; two threads that ask at once may both make it."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        array = make()
        with self._lock:
            self._keep(key, array)
        return array

    def _keep(self, key: Hashable, array: NDArray[np.uint8]) -> None:
        """Hold an array, and let go of the longest unused."""
        if key in self._held or array.nbytes > self._largest:
            return
        self._held[key] = array
        self._bytes += array.nbytes
        while self._bytes > self._largest:
            self._bytes -= self._held.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._held.clear()
            self._bytes = 0
