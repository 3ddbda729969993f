"""What a table must be before a model is trained on it: groups, classes, variation, no hole that was not announced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed, one_of
from cancernet.data.table import Table
from cancernet.errors import InvalidInput

__all__ = ["check_positive", "check_trainable", "refuse_few_groups", "refuse_missing", "require_groups"]


def check_trainable(
    table: Table, classes: Sequence[str], *, folds: int = 2, missing: Literal["error", "median"] = "error"
) -> None:
    """Raise when a model cannot be trained on the table.

    Parameters
    ----------
    table
        With target and groups.
    classes
        All classes of the task.
    folds
        Into how many parts its groups are to be cut; each part needs a group of each class.
    missing
        "error" refuses missing values, "median" only columns that are missing in all rows.

    Raises
    ------
    InvalidInput
        For an unknown group column, an unknown or a single class, a missing value, a constant column, or fewer
        groups in a class than folds.
    """
    codes = table.codes(classes)
    require_groups(table)
    _refuse_absent_class(table, codes, classes)
    _refuse_empty_columns(table)
    if missing == "error":
        refuse_missing(table)
    _refuse_constant(table)
    refuse_few_groups(np.asarray(classes)[codes], table.groups, folds=folds)


def check_positive(positive: str | None, classes: Sequence[str]) -> str:
    """Return the positive class when it is one of the classes.

    Raises
    ------
    InvalidInput
        When none is named, or it is unknown; the nearest is offered.
    """
    if positive is None:
        raise InvalidInput(
            "No positive class is named", f"Expected one of {listed(classes, 20)}", f'Write positive = "{classes[-1]}"'
        )
    return one_of(positive, classes, "positive class")


def require_groups(table: Table) -> None:
    """Raise `InvalidInput` when it is not known which rows belong to one patient."""
    if table.group_column is None:
        raise InvalidInput(
            f"It is not known which rows of table '{table.name}' belong to one patient",
            "Expected a group column, so that no patient stands on two sides of a split",
            'Name it with --group COLUMN or group = "COLUMN"; when each row is another patient, say --group row or '
            'group = "row"',
        )


def refuse_missing(table: Table) -> None:
    """Raise `InvalidInput` at the first missing value, with its row and column."""
    holes = np.isnan(table.values)
    if holes.any():
        row, column = (int(index) for index in np.argwhere(holes)[0])
        raise InvalidInput(
            f"Row '{table.ids[row]}', column '{table.feature_names[column]}' of table '{table.name}' is missing, the "
            f"first of {int(holes.sum())} missing values",
            "Expected a number in each cell",
            'Fill it, or say missing = "median" to fill with the median of the training rows',
        )


def refuse_few_groups(labels: NDArray[np.str_], groups: NDArray[np.str_], *, folds: int) -> None:
    """Raise `InvalidInput` when a class has fewer groups than folds.

    Parameters
    ----------
    labels, groups
        Shape (n,); class and group of each row.
    folds
        How many parts are wanted.
    """
    for label in np.unique(labels):
        count = len(np.unique(groups[labels == label]))
        if count < folds:
            raise InvalidInput(
                f"Class '{label}' has {count} group{'' if count == 1 else 's'} for {folds} folds",
                "Expected at least one group of each class in each fold",
                f"Take at most {count} folds" if count > 1 else "Add groups (patients) of this class",
            )


def _refuse_absent_class(table: Table, codes: NDArray[np.int64], classes: Sequence[str]) -> None:
    """Raise when a class has no row, or when there is one class only."""
    absent = [label for code, label in enumerate(classes) if not (codes == code).any()]
    if absent or len(classes) < 2:
        present = table.classes
        wrong = f"holds one class only, {listed(present)}" if len(present) == 1 else f"has no row of {listed(absent)}"
        raise InvalidInput(
            f"Target '{table.target_column}' of table '{table.name}' {wrong}",
            "Expected rows of at least two classes, and of each class that is named",
            "Check the target column and the classes",
        )


def _refuse_empty_columns(table: Table) -> None:
    """Raise when a column has no value at all."""
    holes = np.asarray(np.isnan(table.values).all(axis=0))
    empty = [name for name, hole in zip(table.feature_names, holes, strict=True) if hole]
    if empty:
        raise InvalidInput(
            f"Columns of table '{table.name}' have no value in any row: {listed(empty)}",
            "Expected at least one number in each column",
            f"Leave them out: drop = {_toml(empty)}",
        )


def _refuse_constant(table: Table) -> None:
    """Raise when a column has the same value in all rows."""
    constant = np.asarray(np.nanmin(table.values, axis=0) == np.nanmax(table.values, axis=0))
    names = [name for name, same in zip(table.feature_names, constant, strict=True) if same]
    if names:
        raise InvalidInput(
            f"Columns of table '{table.name}' have the same value in all rows: {listed(names)}",
            "Expected columns that differ between rows; a constant one says nothing",
            f"Leave them out: drop = {_toml(names)}",
        )


def _toml(names: Sequence[str]) -> str:
    """Return the names as a TOML list, cut when it is long."""
    shown = ", ".join(f'"{name}"' for name in names[:10])
    return f"[{shown}{', ...' if len(names) > 10 else ''}]"
