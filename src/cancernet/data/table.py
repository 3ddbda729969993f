"""A table of cases: numbers with names and units, ids, groups and the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import listed, nearest
from cancernet.errors import InvalidInput

__all__ = ["Feature", "Table", "match_columns", "refuse_repeated"]


@dataclass(frozen=True)
class Feature:
    """A column of numbers.

    Parameters
    ----------
    name
        Of the column.
    unit
        Empty when it has none or none is known.
    """

    name: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """Cases in rows, features in columns.

    Parameters
    ----------
    name
        Of the data.
    features
        Names and units of the columns.
    values
        Shape (n, features), float64, read-only, raw units; NaN is missing, infinity is refused.
    ids
        Shape (n,), text; what to call each row.
    groups
        Shape (n,), text; rows of one group (patient) never stand on two sides of a split.
    target
        Shape (n,), the label of each row as text; None when the table has none.
    target_column
        Where the target is from; None when there is none.
    group_column
        Where the groups are from; "row" when every row is a group of its own, None when it is unknown.
    source, licence
        Where the data are from and what may be done with them; empty when unknown.

    Raises
    ------
    InvalidInput
        When the shapes do not fit together, a column name repeats, or a value is infinite.
    """

    name: str
    features: tuple[Feature, ...]
    values: NDArray[np.float64]
    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    target: NDArray[np.str_] | None = None
    target_column: str | None = None
    group_column: str | None = None
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        """Freeze the arrays and hold them together."""
        object.__setattr__(self, "values", _frozen(self.values, np.float64))
        for name in ("ids", "groups", "target"):
            column = getattr(self, name)
            object.__setattr__(self, name, None if column is None else _frozen(column, np.str_))
        self._check()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted; empty without a target."""
        return () if self.target is None else tuple(str(label) for label in np.unique(self.target))

    def take(self, rows: ArrayLike) -> Table:
        """Return the rows in the given order.

        Parameters
        ----------
        rows
            Row numbers, or a mask of shape (n,).
        """
        rows = np.asarray(rows)
        rows = rows if rows.dtype == np.bool_ else rows.astype(np.int64)
        target = None if self.target is None else self.target[rows]
        return replace(self, values=self.values[rows], ids=self.ids[rows], groups=self.groups[rows], target=target)

    def select(self, names: Sequence[str], *, exact: bool = True) -> Table:
        """Return the columns of these names, in this order.

        Parameters
        ----------
        names
            Columns to keep.
        exact
            Refuse columns that are not in `names`; else they are left out.

        Raises
        ------
        InvalidInput
            When a column is missing, or superfluous and `exact` is set; the message names it and the nearest one.
        """
        columns = match_columns(self.feature_names, names, where=f"Table '{self.name}'")
        extra = [name for name in self.feature_names if name not in set(names)]
        if exact and extra:
            raise InvalidInput(
                f"Table '{self.name}' has {_columns(extra)} {listed(extra)} too many",
                f"Expected exactly these {len(names)}: {listed(names, 40)}",
                "Leave them out with drop, or read only the columns that are needed",
            )
        return replace(self, features=tuple(self.features[i] for i in columns), values=self.values[:, columns])

    def codes(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """Return for each row the index of its label in `classes`.

        Raises
        ------
        InvalidInput
            When the table has no target, or a label is not one of `classes`.
        """
        if self.target is None:
            raise InvalidInput(
                f"Table '{self.name}' has no target",
                "Expected a column with the class of each row",
                "Name the target",
            )
        known = {label: code for code, label in enumerate(classes)}
        codes = np.array([known.get(str(label), -1) for label in self.target], dtype=np.int64)
        if (codes < 0).any():
            raise self._unknown_label(int(np.argmax(codes < 0)), classes)
        return codes

    def _unknown_label(self, row: int, classes: Sequence[str]) -> InvalidInput:
        """Return the error for a label that is no class."""
        label = str(self.target[row]) if self.target is not None else ""
        close = nearest(label, classes)
        return InvalidInput(
            f"Row '{self.ids[row]}' of table '{self.name}' has the label '{label}'",
            f"Expected one of {listed(classes, 20)}",
            f"Did you mean '{close}'?" if close else "Correct the label, or take the row out",
        )

    def _check(self) -> None:
        """Raise when shapes, names or values cannot be."""
        n = len(self.ids)
        shapes = {"values": self.values.shape, "groups": self.groups.shape}
        wanted: dict[str, tuple[int, ...]] = {"values": (n, len(self.features)), "groups": (n,)}
        if self.target is not None:
            shapes["target"], wanted["target"] = self.target.shape, (n,)
        for name, shape in shapes.items():
            if shape != wanted[name]:
                raise InvalidInput(f"'{name}' has the shape {shape}", f"Expected {wanted[name]}: one row per id")
        refuse_repeated(self.feature_names, f"table '{self.name}'")
        if np.isinf(self.values).any():
            row, column = (int(index) for index in np.argwhere(np.isinf(self.values))[0])
            raise InvalidInput(
                f"Row '{self.ids[row]}', column '{self.feature_names[column]}' of table '{self.name}' is infinite",
                "Expected a finite number, or NaN for a missing one",
                "Correct the value",
            )


def match_columns(present: Sequence[str], wanted: Sequence[str], *, where: str) -> list[int]:
    """Return the position in `present` of each wanted name.

    Parameters
    ----------
    present, wanted
        Column names.
    where
        What has the columns, with a capital letter: it begins the message.

    Raises
    ------
    InvalidInput
        When a column is missing; it is named, with the nearest one that is there.
    """
    positions = {name: position for position, name in enumerate(present)}
    missing = [name for name in wanted if name not in positions]
    if missing:
        raise _missing_columns(missing, present, wanted, where)
    return [positions[name] for name in wanted]


def _missing_columns(missing: Sequence[str], present: Sequence[str], wanted: Sequence[str], where: str) -> InvalidInput:
    """Return the error for columns that are not there."""
    close = nearest(missing[0], [name for name in present if name and name not in set(wanted)])
    todo = f"Did you mean '{close}'?" if close else "Add what is missing, or correct the name"
    found = f"It has {listed([name or 'a column without a name' for name in present], 40)}"
    return InvalidInput(f"{where} lacks {_columns(missing)} {listed(missing)}", found, todo)


def refuse_repeated(names: Sequence[str], where: str) -> None:
    """Raise `InvalidInput` when two columns have the same name."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InvalidInput(
            f"Two columns of {where} have the same name: {listed(repeated)}",
            "Each column has a name of its own",
            "Rename one of them",
        )


def _columns(names: Sequence[str]) -> str:
    """Return 'the column' or, for several names, 'the columns'."""
    return "the column" if len(names) == 1 else "the columns"


def _frozen(array: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Return the array, in the given type and read-only; only what may be written is copied."""
    result = np.asarray(array, dtype=dtype)
    if result.flags.writeable:
        result = result.copy() if result is array or result.base is not None else result
        result.flags.writeable = False
    return result
