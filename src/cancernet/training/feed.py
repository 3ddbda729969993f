"""What a network is fed: rows of an array, or patches that are changed anew in every epoch, made ahead of their use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import one_ahead
from cancernet.files import give_back_pages
from cancernet.training.augment import Augmentation, augment
from cancernet.training.seeds import seed_of

__all__ = ["ArrayFeed", "Feed", "PatchFeed"]

Rows = NDArray[np.int64]


@runtime_checkable
class Feed(Protocol):
    """The inputs of a fit, asked for in batches."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def batches(self, batches: Sequence[Rows], *, epoch: int) -> Iterator[NDArray[Any]]:
        """Yield the inputs of each batch of row numbers, in order; `epoch` counts from 0."""


class ArrayFeed:
    """Rows of an array as they are."""

    def __init__(self, inputs: NDArray[np.float32]) -> None:
        self._inputs = inputs

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._inputs)

    def batches(self, batches: Sequence[Rows], *, epoch: int) -> Iterator[NDArray[Any]]:
        """Yield the rows of each batch."""
        for rows in batches:
            yield self._inputs[rows]


class PatchFeed:
    """Patches of a pack, augmented.

    Each batch has a random state of its own, made of seed, epoch and place, so that results depend neither on threads
    nor on where an interrupted fit went on.

    Parameters
    ----------
    images
        The whole pack, (n, size, size, 3) uint8; it may lie on disk.
    rows
        Which of them are fitted on, (m,).
    augmentation
        How they are changed.
    seed
        Of the augmentation.
    """

    def __init__(self, images: NDArray[np.uint8], rows: Rows, *, augmentation: Augmentation, seed: int) -> None:
        self._images, self._rows, self._augmentation, self._seed = images, rows, augmentation, seed

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def batches(self, batches: Sequence[Rows], *, epoch: int) -> Iterator[NDArray[Any]]:
        """Yield augmented patches, the next batch being made in a thread meanwhile."""

        def make(place: int) -> NDArray[np.uint8]:
            generator = np.random.default_rng(seed_of(self._seed, epoch, place))
            images = self._images[self._rows[batches[place]]]
            give_back_pages(self._images)
            return augment(images, generator, options=self._augmentation)

        return one_ahead(make(place) for place in range(len(batches)))
