"""What an engine is: something that turns a batch of raw inputs into logits and features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "Outputs", "Shapes"]

Shapes = Mapping[str, tuple[int | None, ...]]
"""Shape of "input", "logits", "features" and of bags "attention" by name; None where any length will do."""


@dataclass(frozen=True)
class Outputs:
    """What the network says about n cases, before any calibration.

    Parameters
    ----------
    logits
        Shape (n, classes), float32, in the order of the card's classes; of segmentations (n, size, size, maps).
    features
        Shape (n, width), float32: the penultimate layer; of segmentations (n, size, size, width).
    attention
        Shape (n, tiles), float32: of bags how much each tile counts, padding 0, in all 1; None of other cases.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.logits)


class Engine(Protocol):
    """A network that is loaded and ready; not safe for threads, which `Model` sees to."""

    @property
    def name(self) -> str:
        """The name of the runtime."""

    @property
    def shapes(self) -> Shapes:
        """The shapes that the network takes and gives."""

    def run(self, batch: NDArray[np.generic]) -> Outputs:
        """Return logits and features of a batch: float32 rows or bags, or uint8 patches, C-contiguous, n at least 1."""

    def stream(self, batches: Iterable[NDArray[np.generic]]) -> Iterator[Outputs]:
        """Yield the outputs of each batch in order; several are under way at once where the runtime can do that.

        A batch must not be changed before its outputs are there.
        """

    def close(self) -> None:
        """Free the memory; a closed engine is not used again."""
