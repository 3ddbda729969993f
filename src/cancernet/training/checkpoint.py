"""What an interrupted fit needs to go on after the last finished epoch, kept in one file that is whole or absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CorruptFile
from cancernet.files import read_arrays, remove, write_arrays

__all__ = ["Checkpoint", "Progressed"]

_SECONDS = 60.0  # between two checkpoints: less work is lost, and writing costs under one per cent


@dataclass(frozen=True, eq=False)
class Progressed:
    """The state of a fit after an epoch.

    Parameters
    ----------
    variables
        Values of all variables of the network and its optimiser, random states of layers included.
    shuffle
        State of the generator that orders the rows.
    history
        One row per finished epoch.
    watched
        Logits of the watched rows after each epoch, or None.
    """

    variables: list[NDArray[Any]]
    shuffle: dict[str, Any]
    history: tuple[dict[str, float], ...]
    watched: NDArray[np.float32] | None


class Checkpoint:
    """Keeps the state of one fit.

    Parameters
    ----------
    path
        An `.npz` file.
    seconds
        Least time between two writings.
    """

    def __init__(self, path: Path, *, seconds: float = _SECONDS) -> None:
        self.path, self._seconds, self._last = path, seconds, monotonic()

    def keep(self, state: Callable[[], Progressed]) -> None:
        """Write the state when the last writing is long enough ago."""
        if monotonic() - self._last < self._seconds:
            return
        now = state()
        arrays = {f"variable-{place}": value for place, value in enumerate(now.variables)}
        if now.watched is not None:
            arrays["watched"] = now.watched
        words = json.dumps({"shuffle": now.shuffle, "history": now.history})
        write_arrays(self.path, {**arrays, "words": np.array(words)})
        self._last = monotonic()

    def read(self) -> Progressed | None:
        """Return the state that was kept, or None when there is none.

        Raises
        ------
        CorruptFile
            When the file is damaged.
        """
        if not self.path.is_file():
            return None
        arrays = read_arrays(self.path)
        try:
            words = json.loads(str(arrays["words"]))
            count = sum(name.startswith("variable-") for name in arrays)
            variables = [arrays[f"variable-{place}"] for place in range(count)]
            return Progressed(variables, words["shuffle"], tuple(words["history"]), arrays.get("watched"))
        except (KeyError, TypeError, ValueError) as error:
            todo = "Start anew with --force"
            raise CorruptFile(f"'{self.path}' is damaged ({error})", "What an interrupted fit left", todo) from error

    def remove(self) -> None:
        """Forget the fit, once it is finished."""
        remove(self.path)
