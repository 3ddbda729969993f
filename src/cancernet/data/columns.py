"""Columns of a CSV, TSV or Parquet file as text: manifests, tables of groups, tables of slides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.data.source import Source
from cancernet.data.stream import parts
from cancernet.data.table import match_columns
from cancernet.errors import InvalidInput

__all__ = ["read_columns", "refuse_holes"]

_HOLES = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN")


def read_columns(
    source: Source, names: Sequence[str], *, number: str | None = None
) -> tuple[dict[str, NDArray[np.str_]], NDArray[np.float64] | None]:
    """Return columns of a file.

    Parameters
    ----------
    source
        The file, opened by `cancernet.data.source.open_source`.
    names
        Of columns to read as text; what is missing becomes "".
    number
        A column to read as numbers, NaN where a cell is empty.

    Returns
    -------
    Text of shape (n,) by name, and the numbers, shape (n,), float64, or None.

    Raises
    ------
    InvalidInput
        When a column is missing (the nearest is offered), or a cell that should be a number is not.
    """
    where = f"'{source.path}'"
    labels = match_columns(source.names, names, where=where)
    numbers = [] if number is None else match_columns(source.names, [number], where=where)
    read = list(parts(source, numbers, labels=labels))
    texts = {
        name: np.array([text or "" for part in read for text in part.labels[place]], dtype=np.str_)
        for place, name in enumerate(names)
    }
    return texts, np.concatenate([part.values[:, 0] for part in read]) if numbers else None


def refuse_holes(source: Source, name: str, column: NDArray[np.str_], *, rows: NDArray[np.int64] | None = None) -> None:
    """Raise `InvalidInput` when a cell is empty or says that it is missing.

    Parameters
    ----------
    source, name
        File and column, for the message.
    column
        Shape (n,), text.
    rows
        Shape (n,), the rows of the file from 0; None: all, in order.
    """
    holes = np.flatnonzero(np.isin(column, _HOLES))
    if len(holes):
        row = int(holes[0] if rows is None else rows[holes[0]]) + 1
        more = f", the first of {len(holes):,} such cells" if len(holes) > 1 else ""
        raise InvalidInput(
            f"Nothing in {source.cell(row, name)}{more}",
            "Expected text in each row",
            "Fill the cells, or leave these rows out with a filter (where)",
        )
