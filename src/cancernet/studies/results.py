"""What is kept of a fold: the answers of each learner with their decision; and its files in the partial folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision
from cancernet.data import Fold
from cancernet.errors import CorruptFile
from cancernet.files import read_arrays, read_json, write_arrays, write_json
from cancernet.studies.sections import ReportOptions

__all__ = ["NETWORK", "Answer", "FoldResult", "fold_stem", "read_fold", "report_of", "write_fold"]

NETWORK = "network"
_MAJORITY = "majority"  # gives one probability to all rows

Kept = TypeVar("Kept")


def report_of(report: ReportOptions, learner: str) -> ReportOptions:
    """Return how the answers of a learner are chosen; one that answers alike for all rows leaves nothing to choose."""
    if learner != _MAJORITY:
        return report
    return report.model_copy(update={"threshold": "0.5", "grades": "nearest"})


@dataclass(frozen=True, eq=False)
class Answer:
    """What one learner says in one fold.

    Parameters
    ----------
    logits
        Of the test rows, (m, width).
    calibration
        Logits of the calibration rows, (c, width).
    decision
        Fitted on the calibration rows, with the limits of the training rows.
    """

    logits: NDArray[np.float64]
    calibration: NDArray[np.float64]
    decision: Decision


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What is kept of a fold.

    Parameters
    ----------
    repeat, number
        Of the fold, from 0.
    calibration_rows
        Row numbers that all learners were calibrated on.
    answers
        By learner.
    permuted
        Calibrated probabilities of the network with one column shuffled: (columns, shuffles, m, classes) float32; no
        column where the network takes no columns.
    epochs
        That the network's final fit ran.
    history
        One row per epoch and fit of the network; "inner" 0 is the final fit.
    """

    repeat: int
    number: int
    calibration_rows: NDArray[np.int64]
    answers: Mapping[str, Answer]
    permuted: NDArray[np.float32]
    epochs: int
    history: tuple[dict[str, Any], ...]


def fold_stem(folder: Path, repeat: int, number: int) -> Path:
    """Return the path of the files of a fold, without suffix."""
    return folder / f"fold-{repeat}-{number}"


def write_fold(stem: Path, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> None:
    """Keep a fold in the partial folder of a run: arrays as NPZ, the rest as JSON, the JSON last."""
    write_arrays(stem.with_suffix(".npz"), arrays)
    write_json(stem.with_suffix(".json"), record)


def read_fold(folder: Path, fold: Fold, build: Callable[[Any, Mapping[str, NDArray[Any]]], Kept]) -> Kept | None:
    """Return what `build` makes of record and arrays of a fold that was kept, or None when it is not there.

    Raises
    ------
    CorruptFile
        When a file is damaged, or lacks what `build` looks for.
    """
    stem = fold_stem(folder, fold.repeat, fold.number)
    path = stem.with_suffix(".json")
    if not path.is_file():
        return None
    record, arrays = read_json(path), read_arrays(stem.with_suffix(".npz"))
    try:
        return build(record, arrays)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        todo = "Start anew with --force"
        raise CorruptFile(f"'{path}' is damaged ({error})", "What an interrupted run left", todo) from error
