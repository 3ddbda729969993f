"""A file becomes a matrix of samples and genes, whichever of them stand in its rows."""

from __future__ import annotations

import csv
import gzip
import io
from array import array
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed, require
from cancernet.data import MISSING, Source, open_source
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import storage_errors
from cancernet.omics.expression.names import looks_like_genes, name_notes

__all__ = ["Matrix", "Orientation", "read_matrix"]

Orientation = Literal["auto", "samples", "genes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matrix:
    """Expression of genes in samples.

    Parameters
    ----------
    samples, genes
        Names of rows and columns, each once.
    values
        Shape (samples, genes), float64, as in the file; NaN is missing.
    notes
        What was found, in sentences.
    """

    samples: tuple[str, ...]
    genes: tuple[str, ...]
    values: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Grid:
    """Rows and columns as they stand in the file."""

    rows: list[str]
    columns: list[str]
    values: Floats


def read_matrix(
    path: str | Path,
    *,
    orientation: Orientation = "auto",
    samples: Collection[str] = (),
    id: str | None = None,
    drop: Collection[str] = (),
) -> Matrix:
    """Return the matrix of a CSV, TSV (also .gz), Parquet or `.h5ad` file.

    Parameters
    ----------
    path
        The file. The first column, or the one that is called `id`, names its rows.
    orientation
        What stands in the rows; "auto" finds it by the names of known samples, else by what the names look like.
    samples
        Names of samples that are known from another table.
    id
        Column that names the rows.
    drop
        Columns that are no genes.

    Raises
    ------
    InvalidInput
        When a cell holds text, a row has too many or too few cells, a sample or a gene has no name or the name of
        another, or it cannot be told what stands in the rows.
    MissingExtra
        When `.h5ad` is read without the extra "anndata".
    StorageFailure, CorruptFile
        When the file cannot be read, or is damaged.
    """
    path = Path(path)
    if path.suffix.lower() == ".h5ad":
        return _made(_h5ad(path), path, turned=False, how="as AnnData stores them")
    grid = _grid(path, id, drop)
    turned, how = _turned(grid, path, orientation, samples)
    return _made(grid, path, turned=turned, how=how)


def _made(grid: _Grid, path: Path, *, turned: bool, how: str) -> Matrix:
    """Return the matrix with samples in rows; names that repeat are refused."""
    rows, columns = (grid.columns, grid.rows) if turned else (grid.rows, grid.columns)
    for what, names in (("samples", rows), ("genes", columns)):
        _refuse_repeated(names, what, path)
    values = np.ascontiguousarray(grid.values.T) if turned else grid.values
    values.flags.writeable = False
    stands = "Genes stand in the rows of the file" if turned else "Samples stand in the rows of the file"
    return Matrix(tuple(rows), tuple(columns), values, (f"{stands}, {how}.", *name_notes(columns)))


def _refuse_repeated(names: Sequence[str], what: str, path: Path) -> None:
    """Raise when a name is empty or stands twice."""
    if "" in names:
        raise InvalidInput(f"One of the {what} of '{path}' has no name", "A name for each", "Name it in the file")
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    twice = sorted({name for name in names if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
    raise InvalidInput(
        f"{len(twice)} {what} of '{path}' stand there more than once: {listed(twice, 5)}",
        f"Expected each of the {what} once",
        "Average or rename them, for example GENE|PROTEIN, before",
    )


def _turned(grid: _Grid, path: Path, orientation: Orientation, samples: Collection[str]) -> tuple[bool, str]:
    """Return whether genes stand in the rows, and how that is known."""
    if orientation != "auto":
        return orientation == "genes", "as the study says"
    if samples:
        known = set(samples)
        in_rows, in_columns = (sum(name in known for name in names) for names in (grid.rows, grid.columns))
        if in_rows == in_columns == 0:
            raise InvalidInput(
                f"None of the {len(known)} samples of the other table is named in '{path}'",
                f"Its rows are called {listed(grid.rows, 3)}, its columns {listed(grid.columns, 3)}",
                'Give both the same names for samples; name the column of ids: id = "COLUMN"',
            )
        return in_columns > in_rows, f"for {max(in_rows, in_columns)} of them are named in the other table"
    rows, columns = looks_like_genes(grid.rows), looks_like_genes(grid.columns)
    if max(rows, columns) < 0.5 or abs(rows - columns) < 0.2:
        raise InvalidInput(
            f"It cannot be told whether samples or genes stand in the rows of '{path}'",
            f"Its rows are called {listed(grid.rows, 3)}, its columns {listed(grid.columns, 3)}",
            'Say it: orientation = "samples" or "genes"',
        )
    return rows > columns, "by their names"


def _grid(path: Path, id: str | None, drop: Collection[str]) -> _Grid:
    """Return the cells of a table."""
    source = open_source(path)
    index = _index(source, id)
    unknown = [name for name in drop if name not in source.names]
    if unknown:
        raise InvalidInput(f"'{path}' has no column {listed(unknown)}", "Names of its columns", "Correct drop")
    places = [place for place, name in enumerate(source.names) if place != index and name not in set(drop)]
    if not places:
        raise InvalidInput(f"'{path}' has no column of genes left", "One at least", "Check drop")
    names, values = _parquet(source, index, places) if source.kind == "parquet" else _text(source, index, places)
    return _Grid(names, [source.names[place] for place in places], values)


def _index(source: Source, id: str | None) -> int:
    """Return the column that names the rows: the one that is asked for, else the first."""
    if id is not None and id in source.names:
        return source.names.index(id)
    return source.index if source.index is not None else 0


def _text(source: Source, index: int, places: list[int]) -> tuple[list[str], Floats]:
    """Return names of rows and values of a text file, row by row: little more than the matrix is held."""
    names, values = list[str](), array("d")
    for number, cells in enumerate(_records(source), start=1):
        if len(cells) != len(source.names):
            raise InvalidInput(
                f"Row {number} {source.row_word} of '{source.path}' has {len(cells)} cells",
                f"Expected {len(source.names)} cells, as in the first line",
                "Correct the row",
            )
        names.append(cells[index].strip())
        values.frombytes(_numbers([cells[place] for place in places], source, places, number).tobytes())
    return names, np.frombuffer(values, dtype=np.float64).reshape(len(names), len(places))


def _records(source: Source) -> Iterator[list[str]]:
    """Yield the rows below the header."""
    with _reading(source.path), _opened(source) as stream:
        for _ in range(source.skip):
            next(stream, "")
        yield from (cells for cells in csv.reader(stream, delimiter=source.delimiter) if cells)


@contextmanager
def _opened(source: Source) -> Iterator[io.TextIOBase]:
    """Yield the text of a file."""
    if source.compressed:
        with gzip.open(source.path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield cast("io.TextIOBase", stream)
    else:
        with source.path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a damaged file raises into words."""
    try:
        with storage_errors(path):
            yield
    except (EOFError, csv.Error, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise CorruptFile(f"'{path}' is damaged ({error})", "Expected a whole file", "Copy it again") from error


def _numbers(cells: list[str], source: Source, places: list[int], number: int) -> Floats:
    """Return the cells of a row as numbers; text and infinity are refused by row and column."""
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
        wrong = [k for k, cell in enumerate(cells) if np.isnan(values[k]) and cell.strip() not in MISSING]
        if wrong:
            raise _not_a_number(cells[wrong[0]], source, number, source.names[places[wrong[0]]]) from None
    if np.isinf(values).any():
        place = int(np.argmax(np.isinf(values)))
        raise _not_a_number(cells[place], source, number, source.names[places[place]])
    return values


def _number(cell: str) -> float:
    """Return a cell as a number, NaN for a hole and for text."""
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _not_a_number(cell: str, source: Source, number: int, name: str) -> InvalidInput:
    """Return the error for a cell that is no finite number."""
    return InvalidInput(
        f"'{cell.strip()[:40]}' in {source.cell(number, name)}",
        "Expected finite numbers, or an empty cell or 'NA' for a missing one",
        f'Correct the cell; when it is no gene, leave the column out: drop = ["{name}"]',
    )


def _parquet(source: Source, index: int, places: list[int]) -> tuple[list[str], Floats]:
    """Return names of rows and values of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source.path)
    except (pa.ArrowException, OSError) as error:
        raise CorruptFile(f"'{source.path}' is damaged ({error})", "Expected a whole file", "Write it again") from error
    names = [str(name) for name in table.column(index).to_pylist()]
    values = np.empty((table.num_rows, len(places)))
    for column, place in enumerate(places):
        kind = table.schema.types[place]
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            raise InvalidInput(
                f"Column '{source.names[place]}' of '{source.path}' holds {kind} values",
                "Expected numbers",
                f'Leave it out: drop = ["{source.names[place]}"]',
            )
        values[:, column] = table.column(place).cast(pa.float64()).to_numpy()
    return names, values


def _h5ad(path: Path) -> _Grid:
    """Return the matrix `X` of an AnnData file, with the names of its observations and variables."""
    anndata = require("anndata", "anndata")
    with storage_errors(path):
        path.open("rb").close()
    try:
        stored = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise CorruptFile(
            f"'{path}' is no readable .h5ad file ({error})", "A file of AnnData", "Write it again"
        ) from error
    dense = stored.X.toarray() if hasattr(stored.X, "toarray") else stored.X
    values = np.array(dense, dtype=np.float64)
    if np.isinf(values).any():
        raise InvalidInput(f"'{path}' holds infinite values", "Finite numbers, NaN for missing ones", "Correct them")
    return _Grid([str(name) for name in stored.obs_names], [str(name) for name in stored.var_names], values)
