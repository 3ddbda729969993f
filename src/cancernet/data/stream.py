"""The rows of a file, a part at a time: columns of numbers, columns of labels, under bounded memory.

Numbers are parsed by Arrow at once. Where that fails, the file is read again as text, which tells apart blanks around
a number (fine) from a text, a ragged row and another encoding, and names the row and column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data.numbers import MISSING, to_labels, to_numbers
from cancernet.data.source import Source, not_utf8
from cancernet.errors import CorruptFile, InvalidInput

__all__ = ["Part", "parts"]


@dataclass(frozen=True)
class _Ragged:
    """A row with too many or too few cells: its number in the file, and how many cells it has."""

    row: int | None
    cells: int


@dataclass(frozen=True)
class Part:
    """Some consecutive rows.

    Parameters
    ----------
    first_row
        Rows of the file before this part.
    values
        Shape (n, numbers), float64, NaN where missing.
    labels
        One object array, shape (n,), per label column: str, or None where null.
    """

    first_row: int
    values: NDArray[np.float64]
    labels: tuple[NDArray[np.object_], ...]


def parts(source: Source, numbers: Sequence[int], *, labels: Sequence[int] = (), rows: int = 65536) -> Iterator[Part]:
    """Yield the rows of a file in parts.

    Parameters
    ----------
    source
        The file, opened by `open_source`.
    numbers, labels
        Positions of the columns to read, as numbers and as text.
    rows
        Most rows in a part.

    Raises
    ------
    InvalidInput
        When a cell holds text or infinity, a row has too many or too few cells, or the text is not UTF-8.
    CorruptFile
        When the file is damaged.
    """
    if source.kind == "parquet":
        with _reading_errors(source, []):
            yield from _parsed_parts(source, _parquet_batches(source, [*numbers, *labels], rows), numbers, labels)
    else:
        yield from _text_parts(source, numbers, labels, rows)


def _text_parts(source: Source, numbers: Sequence[int], labels: Sequence[int], rows: int) -> Iterator[Part]:
    """Yield parts of a text file: fast, and from where that fails by way of text."""
    import pyarrow as pa

    done = 0
    try:
        for part in _parsed_parts(source, _text_batches(source, numbers, labels, rows), numbers, labels):
            yield part
            done += len(part.values)
    except (pa.ArrowInvalid, OSError):
        ragged: list[_Ragged] = []
        slow = _text_batches(source, (), [*numbers, *labels], rows, ragged)
        with _reading_errors(source, ragged):
            yield from _parsed_parts(source, _after(slow, done), numbers, labels, first_row=done)


def _parsed_parts(
    source: Source, batches: Iterator[Any], numbers: Sequence[int], labels: Sequence[int], *, first_row: int = 0
) -> Iterator[Part]:
    """Yield parts made of Arrow batches, whose columns are first `numbers`, then `labels`."""
    for batch in batches:
        values = np.empty((batch.num_rows, len(numbers)))
        for place, position in enumerate(numbers):
            name = source.names[position]
            values[:, place] = to_numbers(batch.column(place), source, name=name, first_row=first_row)
        texts = tuple(to_labels(batch.column(len(numbers) + place)) for place in range(len(labels)))
        yield Part(first_row, values, texts)
        first_row += batch.num_rows


def _parquet_batches(source: Source, positions: Sequence[int], rows: int) -> Iterator[Any]:
    """Yield batches of a Parquet file with the columns in the given order."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(source.path) as file:
        names = [file.schema_arrow.names[position] for position in positions]
        for batch in file.iter_batches(batch_size=rows, columns=names, use_threads=False):
            yield batch.select(names)


def _text_batches(
    source: Source, numbers: Sequence[int], labels: Sequence[int], rows: int, ragged: list[_Ragged] | None = None
) -> Iterator[Any]:
    """Yield batches of a text file with the columns `numbers` as doubles, then `labels` as text."""
    import pyarrow as pa
    from pyarrow import csv

    # Never closed by hand: a thread of Arrow may still be reading ahead, and would read on in whichever file is opened
    # next under the same descriptor, so that rows of that one vanish. The stream closes with its last user.
    stream = pa.input_stream(str(source.path), compression="gzip" if source.compressed else None)
    reader = csv.open_csv(
        stream,
        read_options=_read_options(source),
        parse_options=_parse_options(source, ragged),
        convert_options=_convert_options(numbers, labels),
    )
    for batch in reader:
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _read_options(source: Source) -> Any:
    """Return how Arrow finds the rows: columns are named by position, the header is skipped."""
    from pyarrow import csv

    return csv.ReadOptions(
        use_threads=False,  # with threads Arrow does not know the number of a row, and is no faster
        block_size=source.block_bytes,
        column_names=[str(position) for position in range(len(source.names))],
        skip_rows_after_names=source.skip,
    )


def _parse_options(source: Source, ragged: list[_Ragged] | None) -> Any:
    """Return how Arrow cuts a row; one with too many or too few cells is noted in `ragged` before Arrow raises."""
    from pyarrow import csv

    def note(row: Any) -> str:
        if ragged is not None:
            ragged.append(_Ragged(row.number, row.actual_columns))
        return "error"

    return csv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True, invalid_row_handler=note)


def _convert_options(numbers: Sequence[int], labels: Sequence[int]) -> Any:
    """Return how Arrow converts cells: '?' and its like are null in numbers, text stays as it is."""
    import pyarrow as pa
    from pyarrow import csv

    types = {str(position): pa.float64() for position in numbers} | {str(label): pa.string() for label in labels}
    return csv.ConvertOptions(
        include_columns=list(types), column_types=types, null_values=list(MISSING), strings_can_be_null=False
    )


def _after(batches: Iterator[Any], rows: int) -> Iterator[Any]:
    """Yield what follows the first rows."""
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows = max(0, rows - batch.num_rows)


@contextmanager
def _reading_errors(source: Source, ragged: Sequence[_Ragged]) -> Iterator[None]:
    """Turn what Arrow raises about a file into words."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _explained(source, ragged, str(error)) from error


def _explained(source: Source, ragged: Sequence[_Ragged], message: str) -> InvalidInput | CorruptFile:
    """Return our error for Arrow's."""
    if ragged and "Expected" in message:
        row = "A row" if ragged[0].row is None else f"Row {ragged[0].row - source.skip} {source.row_word}"
        return InvalidInput(
            f"{row} of '{source.path}' has {ragged[0].cells} cells",
            f"Expected {len(source.names)} cells, as in the first line",
            "Correct the row; put text that holds the delimiter into quotes",
        )
    if "UTF8" in message:
        return not_utf8(source.path, message)
    if "straddl" in message:
        return InvalidInput(
            f"A row of '{source.path}' is longer than {source.block_bytes >> 20} MB",
            "Expected rows about as long as the first",
            "Look for a quote that is not closed",
        )
    return CorruptFile(f"'{source.path}' is damaged ({message})", "Expected a whole file", "Copy or write it again")
