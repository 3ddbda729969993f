"""The folds of an earlier run for another table of the same patients: by group, from its `predictions.csv`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data.split import Fold, Split, digest_of_ids
from cancernet.data.table import Table
from cancernet.errors import InvalidInput
from cancernet.files import storage_errors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["draws_of", "read_answers", "split_like"]

_TEXT = ("id", "group", "split", "fold", "truth", "predicted")


def split_like(path: str | Path, table: Table) -> Split:
    """Return a split that tests each group in the fold in which an earlier run tested it.

    Parameters
    ----------
    path
        The `predictions.csv` of that run.
    table
        With groups that the run knew, all or some of them.

    Raises
    ------
    InvalidInput
        When the file tells no groups or folds, does not know a group of the table, or left one in several folds.
    StorageFailure
        When the file cannot be read.
    """
    frame = read_answers(Path(path))
    absent = [name for name in ("group", "fold") if name not in frame.columns]
    if absent:
        raise InvalidInput(
            f"'{path}' has no column {listed(absent)}", "The predictions.csv that cancernet train left", "Name it"
        )
    repeat, fold = draws_of(frame)
    groups, folds = frame["group"].to_numpy(dtype=np.str_), list[Fold]()
    for draw in np.unique(repeat).tolist():
        told = dict(zip(groups[repeat == draw].tolist(), fold[repeat == draw].tolist(), strict=True))
        folds += _folds(draw - 1, _known(told, table, str(path)))
    return Split("k-fold", tuple(folds), 0, table.group_column or "row", len(table), digest_of_ids(table.ids))


def read_answers(path: Path) -> pd.DataFrame:
    """Return a file of predictions as a frame: names stay text.

    Raises
    ------
    InvalidInput
        When it is no table.
    StorageFailure
        When it cannot be read.
    """
    import pandas as pd

    with storage_errors(path):
        try:
            return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values=[""])
        except ValueError as error:  # all that pandas says of text that is no table
            raise InvalidInput(f"'{path}' is no table ({error})", "The predictions.csv of a run") from error


def draws_of(frame: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return repeat and fold of each row of a file of predictions, (n,) each, both from 1.

    Of classes the file says "3" or "2.3" (repeat.fold); of survival both are columns that count from 0.

    Raises
    ------
    InvalidInput
        When a fold is no such number.
    """
    parts = frame["fold"].str.rpartition(".")
    try:
        fold, repeat = parts[2].astype(int), parts[0].replace("", "1").astype(int)
        if "repeat" in frame.columns:
            fold, repeat = fold + 1, frame["repeat"].astype(int) + 1
    except ValueError as error:
        raise InvalidInput(f"A fold is no number ({error})", "'3', or '2.3': the third fold of repeat 2") from error
    return np.asarray(repeat, dtype=np.int64), np.asarray(fold, dtype=np.int64)


def _known(told: dict[str, int], table: Table, path: str) -> NDArray[np.int64]:
    """Return the fold of each row of the table."""
    strange = sorted({str(group) for group in table.groups} - set(told))
    if strange:
        raise InvalidInput(
            f"'{path}' does not know {len(strange)} groups of '{table.name}': {listed(strange)}",
            "Groups that the earlier run tested",
            "Leave these rows out, or train the larger table first",
        )
    return np.array([told[str(group)] for group in table.groups], dtype=np.int64)


def _folds(repeat: int, fold: NDArray[np.int64]) -> list[Fold]:
    """Return the folds of one repeat; those without a row of this table are left out."""
    nothing = np.empty(0, dtype=np.int64)
    return [
        Fold(
            repeat,
            label - 1,
            train=np.flatnonzero(fold != label),
            validation=nothing,
            test=np.flatnonzero(fold == label),
        )
        for label in np.unique(fold).tolist()
    ]
