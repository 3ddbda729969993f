"""A file of rows as text: for tables whose cells are more than numbers, such as the plates of RT-PCR."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data.source import Source, open_source
from cancernet.data.stream import parts
from cancernet.data.table import match_columns
from cancernet.errors import InvalidInput

__all__ = ["Texts", "read_column", "read_texts"]

_MOST_CELLS, _AT_ONCE = 20_000_000, 1_000_000


@dataclass(frozen=True, eq=False)
class Texts:
    """Rows and columns of text.

    Parameters
    ----------
    source
        The file, which names a cell in messages.
    cells
        Shape (n, columns that were read), object: text without blanks at its ends, "" where a cell is empty.
    positions
        Which columns of the file those are.
    """

    source: Source
    cells: NDArray[np.object_]
    positions: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the file, in order; "" where one has no name."""
        return self.source.names

    def column(self, position: int) -> NDArray[np.str_]:
        """Return one column of the file as text, shape (n,); one that was read."""
        return self.cells[:, self.positions.index(position)].astype(np.str_)

    def cell(self, row: int, position: int) -> str:
        """Return one cell of such a column."""
        return str(self.cells[row, self.positions.index(position)])


def read_texts(path: str | Path, *, only: Collection[str] | None = None) -> Texts:
    """Return a CSV, TSV (also .gz) or Parquet file as text, whatever its cells hold.

    Parameters
    ----------
    path
        The file.
    only
        Read these columns, where the file has them, and the one that names its rows; None: all. Text takes ten times
        the memory of numbers, which counts where thousands of columns of genes stand beside one of labels.

    Raises
    ------
    InvalidInput
        When it is empty, of another kind, not UTF-8, or a row has too many or too few cells; when it has more than 20
        million cells to read.
    StorageFailure, CorruptFile
        When it cannot be read, or is damaged.
    """
    source = open_source(path)
    wanted = set(source.names if only is None else only)
    first = source.index if source.index is not None else 0
    positions = tuple(place for place, name in enumerate(source.names) if name in wanted or place == first)
    read, rows = list[NDArray[np.object_]](), 0
    for part in parts(source, (), labels=positions, rows=max(1, _AT_ONCE // len(positions))):
        read.append(np.stack(part.labels, axis=1))
        rows += len(read[-1])
        if rows * len(positions) > _MOST_CELLS:
            raise InvalidInput(
                f"'{path}' has more than {_MOST_CELLS:,} cells",
                "A smaller table: it is held as text, 60 bytes and more for each cell",
                "Leave out columns that are not needed, or split the file",
            )
    cells = np.concatenate(read)
    cells[cells == None] = ""  # noqa: E711  (an array of objects is compared cell by cell)
    return Texts(source, cells, positions)


def read_column(path: str | Path, name: str) -> NDArray[np.str_]:
    """Return one column of such a file as text, shape (n,); "" where a cell is empty.

    Raises
    ------
    InvalidInput
        When there is no such column (the nearest is offered), or as `read_texts`.
    """
    texts = read_texts(path, only=[name])
    return texts.column(match_columns(texts.names, [name], where=f"'{texts.source.path}'")[0])
