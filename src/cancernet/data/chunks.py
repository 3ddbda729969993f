"""Cases for prediction, a chunk at a time: a million rows need no more memory than a few thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data.numbers import MISSING
from cancernet.data.source import Source, open_source
from cancernet.data.stream import parts
from cancernet.data.table import match_columns

__all__ = ["Chunk", "read_chunks"]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some consecutive rows of a file.

    Parameters
    ----------
    ids
        Shape (n,), text; "row-1", "row-2" ... where the file has none.
    values
        Shape (n, names), float64, raw units, in the order that was asked for; NaN is missing.
    extra
        Columns of the file that were not asked for and are ignored.
    first_row
        Rows of the file before this chunk.
    unlike
        Shape (n,), text: why a row is known already to be unlike the training rows of a bundle; None: of none.
    """

    ids: NDArray[np.str_]
    values: NDArray[np.float64]
    extra: tuple[str, ...]
    first_row: int
    unlike: NDArray[np.object_] | None = None


def read_chunks(path: str | Path, names: Sequence[str], *, rows: int = 65536, id: str | None = None) -> Iterator[Chunk]:
    r"""Return the rows of a CSV, TSV (also .gz) or Parquet file in chunks.

    The file is opened and its columns are matched at once; cells are read as the chunks are asked for.

    Parameters
    ----------
    path
        The file; one of the Wisconsin files without a header is recognised.
    names
        Columns to read, matched by name.
    rows
        Most rows in a chunk.
    id
        Column that names the rows; None: one that is called 'id', or a first one without a name, where there is one.

    Raises
    ------
    InvalidInput
        When a column is missing (the nearest is offered), a cell holds text or infinity (with row and column), a row
        has too many or too few cells, the text is not UTF-8, or the file holds no row.
    StorageFailure, CorruptFile
        When the file cannot be read, or is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "cases.csv")
    ...     _ = path.write_text("id,b,a\nx,2,1\ny,?,3\n")
    ...     [(chunk.ids.tolist(), chunk.values.tolist()) for chunk in read_chunks(path, ["a", "b"])]
    [(['x', 'y'], [[1.0, 2.0], [3.0, nan]])]
    """
    source = open_source(path)
    numbers = match_columns(source.names, names, where=f"'{path}'")
    index = source.index if id is None else match_columns(source.names, [id], where=f"'{path}'")[0]
    labels = [] if index is None or index in numbers else [index]
    return _chunks(source, numbers, labels, rows)


def _chunks(source: Source, numbers: Sequence[int], labels: Sequence[int], rows: int) -> Iterator[Chunk]:
    """Yield the chunks."""
    used = {*numbers, *labels}
    extra = tuple(name for position, name in enumerate(source.names) if position not in used)
    for part in parts(source, numbers, labels=labels, rows=rows):
        numbered = [f"row-{part.first_row + row + 1}" for row in range(len(part.values))]
        ids = numbered if not labels else _filled(part.labels[0], numbered)
        yield Chunk(np.array(ids, dtype=np.str_), part.values, extra, part.first_row)


def _filled(ids: NDArray[np.object_], numbered: Sequence[str]) -> list[str]:
    """Return the ids, with the number of the row where one is missing."""
    pairs = zip(ids.tolist(), numbered, strict=True)
    return [number if name is None or name in MISSING else name for name, number in pairs]
