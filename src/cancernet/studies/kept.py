"""A fold before anything is decided: the logits of all learners for rows that no fit has seen, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold
from cancernet.studies.results import fold_stem, read_fold, write_fold

__all__ = ["KeptFold", "keep_fold", "kept_fold"]


@dataclass(frozen=True, eq=False)
class KeptFold:
    """What is kept of a fold before anything is decided.

    Parameters
    ----------
    repeat, number
        Of the fold, from 0.
    tested, validated
        Logits (m, width) of the test and the validation rows by learner; of patches the network's by the name of
        the `Way` its answers are averaged.
    epochs
        Of the fit on all training rows.
    history
        Of all fits: "inner" is 0 for that one, and counts those of an ensemble.
    """

    repeat: int
    number: int
    tested: Mapping[str, NDArray[np.float64]]
    validated: Mapping[str, NDArray[np.float64]]
    epochs: int
    history: tuple[dict[str, Any], ...]


def keep_fold(work: Path | None, fold: KeptFold) -> None:
    """Write a fold into the partial folder of a run."""
    if work is None:
        return
    arrays = {f"tested.{name}": logits for name, logits in fold.tested.items()}
    arrays |= {f"validated.{name}": logits for name, logits in fold.validated.items()}
    write_fold(fold_stem(work, fold.repeat, fold.number), arrays, {"epochs": fold.epochs, "history": fold.history})


def kept_fold(work: Path | None, fold: Fold) -> KeptFold | None:
    """Return a fold that was written, or None."""
    if work is None:
        return None

    def build(record: Any, arrays: Mapping[str, NDArray[Any]]) -> KeptFold:
        tested, validated = (_under(arrays, prefix) for prefix in ("tested.", "validated."))
        return KeptFold(fold.repeat, fold.number, tested, validated, record["epochs"], tuple(record["history"]))

    return read_fold(work, fold, build)


def _under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
