"""A split: which rows train, which decide when to stop, which are tested; held together, and as a dictionary."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from cancernet.checks import refuse_future
from cancernet.data.table import Table
from cancernet.errors import CorruptFile, InvalidInput

__all__ = ["SPLIT_SCHEMA", "Fold", "Rows", "Split", "digest_of_ids"]

SPLIT_SCHEMA = 1

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One way to cut the rows.

    Parameters
    ----------
    repeat, number
        Counted from 0; a held-out split is repeat 0, number 0.
    train, validation, test
        Row numbers, sorted, int64, read-only; `validation` may be empty.
    """

    repeat: int
    number: int
    train: Rows
    validation: Rows
    test: Rows

    def __post_init__(self) -> None:
        """Sort and freeze the rows."""
        for name in ("train", "validation", "test"):
            rows = np.sort(np.asarray(getattr(self, name), dtype=np.int64))
            rows.flags.writeable = False
            object.__setattr__(self, name, rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the fold as a dictionary for JSON."""
        return {
            "repeat": self.repeat,
            "number": self.number,
            "train": self.train.tolist(),
            "validation": self.validation.tolist(),
            "test": self.test.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Split:
    """All folds of a study.

    Parameters
    ----------
    kind
        "held-out": one fold. "k-fold": each repeat tests every row once.
    folds
        In the order of repeats and numbers.
    seed
        Of the first repeat; repeat r uses seed + r.
    group_column
        Where the groups are from; "row" when every row is a group of its own.
    rows
        Of the table.
    ids_digest
        `digest_of_ids` of the table, so that the split is not used on another one.

    Raises
    ------
    InvalidInput
        When a row is out of range or stands twice in a fold, a part is empty, or a repeat of a k-fold split does not
        test every row once.
    """

    kind: Literal["held-out", "k-fold"]
    folds: tuple[Fold, ...]
    seed: int
    group_column: str
    rows: int
    ids_digest: str

    def __post_init__(self) -> None:
        """Hold the folds together."""
        if not self.folds or (self.kind == "held-out" and len(self.folds) > 1):
            raise InvalidInput(
                f"A {self.kind} split with {len(self.folds)} folds", "Expected one fold, for k-fold more"
            )
        for fold in self.folds:
            _check_fold(fold, self.rows)
        if self.kind == "k-fold":
            _check_every_row_once(self.folds, self.rows)

    @property
    def repeats(self) -> int:
        """How often the table is cut anew."""
        return len({fold.repeat for fold in self.folds})

    def refuse_other(self, table: Table) -> None:
        """Raise `InvalidInput` when the split was made for another table."""
        if self.rows != len(table) or self.ids_digest != digest_of_ids(table.ids):
            raise InvalidInput(
                f"The split is of a table of {self.rows} rows with other ids than table '{table.name}' of {len(table)}",
                "Expected the same rows with the same ids in the same order",
                "Use the table that the split was made for, or make a new split",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the split as a dictionary for JSON."""
        return {
            "schema": SPLIT_SCHEMA,
            "kind": self.kind,
            "seed": self.seed,
            "group_column": self.group_column,
            "rows": self.rows,
            "ids_digest": self.ids_digest,
            "folds": [fold.to_dict() for fold in self.folds],
        }

    @classmethod
    def from_dict(cls, content: Any, *, where: str = "split") -> Split:
        """Return the split that `to_dict` wrote.

        Parameters
        ----------
        content
            What the JSON holds.
        where
            What to call it in messages.

        Raises
        ------
        CorruptFile
            When a key is missing or unknown, a value is of another type, or the rows cannot be.
        InvalidInput
            When a newer version of this package wrote it.
        """
        number = content.get("schema") if isinstance(content, dict) else None
        refuse_future(number, SPLIT_SCHEMA, where=where, error=InvalidInput)
        try:
            fields = _SplitFields.model_validate(_renamed(content))
            folds = tuple(_fold(fold) for fold in fields.folds)
            return cls(fields.kind, folds, fields.seed, fields.group_column, fields.rows, fields.ids_digest)
        except ValidationError as error:
            raise _corrupt(error, where) from error
        except (InvalidInput, OverflowError) as error:
            raise CorruptFile(f"'{where}' is not a valid split: {error}", todo="Make the split anew") from error


def digest_of_ids(ids: ArrayLike) -> str:
    """Return the SHA-256 of the ids, in their order, as hexadecimal digits."""
    listing = json.dumps([str(name) for name in np.asarray(ids)], ensure_ascii=True)
    return hashlib.sha256(listing.encode()).hexdigest()


def _check_fold(fold: Fold, rows: int) -> None:
    """Raise when the rows of a fold are out of range, repeat, or leave a part empty."""
    together = np.concatenate([fold.train, fold.validation, fold.test])
    name = f"Fold {fold.number} of repeat {fold.repeat}"
    if len(together) and (together.min() < 0 or together.max() >= rows):
        raise InvalidInput(f"{name} has rows out of range", f"Expected 0 to {rows - 1}", "Make the split anew")
    if len(np.unique(together)) < len(together):
        raise InvalidInput(
            f"{name} has a row twice", "Expected each row in one of train, validation and test", "Make the split anew"
        )
    if not len(fold.train) or not len(fold.test):
        raise InvalidInput(
            f"{name} trains on {len(fold.train)} and tests {len(fold.test)} rows", "Expected at least one of each"
        )


def _check_every_row_once(folds: Sequence[Fold], rows: int) -> None:
    """Raise when a repeat does not test every row exactly once."""
    for repeat in sorted({fold.repeat for fold in folds}):
        tested = np.concatenate([fold.test for fold in folds if fold.repeat == repeat])
        if not np.array_equal(np.sort(tested), np.arange(rows)):
            raise InvalidInput(
                f"Repeat {repeat} tests {len(np.unique(tested))} of {rows} rows in {len(tested)} places",
                "Expected every row tested once",
                "Make the split anew",
            )


class _FoldFields(BaseModel):
    """A fold as it stands in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repeat: int
    number: int
    train: list[int]
    validation: list[int]
    test: list[int]


class _SplitFields(BaseModel):
    """A split as it stands in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_number: int
    kind: Literal["held-out", "k-fold"]
    seed: int
    group_column: str
    rows: int
    ids_digest: str
    folds: list[_FoldFields]


def _fold(fields: _FoldFields) -> Fold:
    """Return a fold with arrays."""
    rows = (np.array(part, dtype=np.int64) for part in (fields.train, fields.validation, fields.test))
    return Fold(fields.repeat, fields.number, *rows)


def _renamed(content: Any) -> Any:
    """Return the content with `schema_number` for `schema`, a name that pydantic keeps for itself."""
    if not isinstance(content, dict):
        return content
    return {"schema_number" if key == "schema" else key: value for key, value in content.items()}


def _corrupt(error: ValidationError, where: str) -> CorruptFile:
    """Return our error for the first fault that pydantic found, naming the key."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
    key = key.replace("schema_number", "schema")
    return CorruptFile(f"'{where}' is not a valid split: {key}: {first['msg']}", todo="Make the split anew")
