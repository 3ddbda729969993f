"""Splits as JSON files."""

from __future__ import annotations

from pathlib import Path

from cancernet.data.split import Split
from cancernet.data.table import Table
from cancernet.files import read_json, write_json

__all__ = ["read_split", "write_split"]


def write_split(path: str | Path, split: Split) -> None:
    """Write a split as JSON, whole or not at all."""
    write_json(Path(path), split.to_dict())


def read_split(path: str | Path, *, table: Table | None = None) -> Split:
    """Return the split in a JSON file.

    Parameters
    ----------
    path
        As `write_split` left it.
    table
        Refuse the split when it was made for another table.

    Raises
    ------
    StorageFailure
        When the file cannot be read.
    CorruptFile
        When it is no valid split.
    InvalidInput
        When it is of another table, or of a newer version of this package.
    """
    split = Split.from_dict(read_json(Path(path)), where=str(path))
    if table is not None:
        split.refuse_other(table)
    return split
