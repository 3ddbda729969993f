"""A file of rows as text: for tables whose cells are more than numbers, such as the plates of RT-PCR."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data.source import Source, open_source
from cancernet.data.stream import parts
from cancernet.data.table import match_columns

__all__ = ["Texts", "read_column", "read_texts"]


@dataclass(frozen=True, eq=False)
class Texts:
    """Rows and columns of text.

    Parameters
    ----------
    source
        The file, which names a cell in messages.
    cells
        Shape (n, columns), object: text without blanks at its ends, "" where a cell is empty.
    """

    source: Source
    cells: NDArray[np.object_]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order; "" where one has no name."""
        return self.source.names

    def column(self, position: int) -> NDArray[np.str_]:
        """Return one column as text, shape (n,)."""
        return self.cells[:, position].astype(np.str_)


def read_texts(path: str | Path) -> Texts:
    """Return a CSV, TSV (also .gz) or Parquet file as text, whatever its cells hold.

    Raises
    ------
    InvalidInput
        When it is empty, of another kind, not UTF-8, or a row has too many or too few cells.
    StorageFailure, CorruptFile
        When it cannot be read, or is damaged.
    """
    source = open_source(path)
    positions = range(len(source.names))
    read = [np.stack(part.labels, axis=1) for part in parts(source, (), labels=positions)]
    cells = np.concatenate(read)
    cells[cells == None] = ""  # noqa: E711  (an array of objects is compared cell by cell)
    return Texts(source, cells)


def read_column(path: str | Path, name: str) -> NDArray[np.str_]:
    """Return one column of such a file as text, shape (n,); "" where a cell is empty.

    Raises
    ------
    InvalidInput
        When there is no such column (the nearest is offered), or as `read_texts`.
    """
    source = open_source(path)
    position = match_columns(source.names, [name], where=f"'{source.path}'")[0]
    cells = np.concatenate([part.labels[0] for part in parts(source, (), labels=[position])])
    return np.array(["" if cell is None else cell for cell in cells.tolist()])
