"""Predictions as a table, one line per case, and its two forms on disk: CSV and Parquet. No loop over rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.files import whole_file
from cancernet.predict.decide import Cases

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RowColumns", "RowWriter", "check_suffix", "open_writer", "tabulate", "write_predictions", "write_rows"]

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".csv.gz": ",", ".tsv.gz": "\t"}
_PARQUET = (".parquet", ".pq")
_STRUCTURAL = r'[",\t\r\n]'  # characters that make a text field of CSV or TSV need quotes
_ORDER = {"ids": "id", "groups": "group", "split": "split", "fold": "fold", "truth": "truth"}


class RowColumns(TypedDict, total=False):
    """What is known about rows besides the prediction; each of shape (n,).

    `truth` is class names, or codes of the classes; `fold` is numbers; the rest are strings.
    """

    ids: NDArray[Any]
    groups: NDArray[Any] | None
    split: NDArray[Any] | None
    fold: NDArray[Any] | None
    truth: NDArray[Any] | None


class RowWriter(Protocol):
    """Takes tables of the same columns, one after the other."""

    def write(self, rows: pa.Table) -> None:
        """Append the rows."""


def write_predictions(path: Path, found: Cases, *, force: bool = False, **columns: Unpack[RowColumns]) -> None:
    """Write the `predictions.csv` of a run, whole or absent.

    Parameters
    ----------
    path
        Ends in .csv, .tsv (either with .gz) or .parquet.
    found
        The cases.
    force
        Replace an existing file.
    **columns
        `ids` (else those of the cases), and where they exist `groups`, `split`, `fold` and `truth`.

    Raises
    ------
    InvalidInput
        When the file exists and `force` is not set, its suffix is unknown, or the columns differ in length.
    """
    check_suffix(path)
    rows = tabulate(found, **columns)
    with write_rows(path, force=force) as writer:
        writer.write(rows)


def tabulate(found: Cases, **columns: Unpack[RowColumns]) -> pa.Table:
    """Return the cases as an Arrow table with the columns of the contract, in its order.

    These are `id group split fold truth p_<class> logit_<class> predicted set abstained ood ood_reason`; probabilities
    and logits are float32, whose shortest exact text has at most nine digits. For ordered grades `logit_<class>` is the
    logit that the grade is at most that class, hence not there for the last one, and `expected_grade` follows
    `predicted`: the mean grade, where the first class is 0.
    """
    import pyarrow as pa

    fields: dict[str, Any] = _known(found, columns)
    for prefix, numbers in (("p", found.probabilities), ("logit", found.logits)):
        single = np.asarray(numbers, dtype=np.float32)
        named = zip(found.classes, single.T, strict=False)  # ordered grades have one logit less
        fields |= {f"{prefix}_{name}": np.ascontiguousarray(column) for name, column in named}
    names = pa.array(found.classes, pa.string())
    fields["predicted"] = names.take(pa.array(found.predicted))
    if found.expected_grade is not None:
        fields["expected_grade"] = np.asarray(found.expected_grade, dtype=np.float32)
    fields["set"] = _joined_sets(found)
    fields |= {"abstained": found.abstained, "ood": found.ood, "ood_reason": pa.array(found.ood_reason, pa.string())}
    return pa.table(fields)


def check_suffix(path: Path) -> str:
    """Return the suffix that says in which form to write.

    Raises
    ------
    InvalidInput
        When it is none that is known.
    """
    for suffix in (*_SEPARATORS, *_PARQUET):
        if path.name.lower().endswith(suffix):
            return suffix
    raise InvalidInput(f"Cannot tell the form of '{path}' from its name", "A name that ends in .csv, .tsv or .parquet")


@contextmanager
def write_rows(path: Path, *, force: bool = False) -> Iterator[RowWriter]:
    """Yield a writer of tables; the file appears complete when the block ends well, or not at all."""
    import pyarrow as pa

    suffix = check_suffix(path)
    compression = "gzip" if suffix.endswith(".gz") else None
    with (
        whole_file(path, force=force) as partial,
        pa.output_stream(str(partial), compression=compression) as stream,
        open_writer(stream, suffix) as writer,
    ):
        yield writer


@contextmanager
def open_writer(stream: BinaryIO, suffix: str = ".csv") -> Iterator[RowWriter]:
    """Yield a writer of tables to an open binary stream, in the form that the suffix says."""
    if suffix not in _PARQUET:
        yield _TextWriter(stream, _SEPARATORS[suffix])
        return
    parquet = _ParquetWriter(stream)
    try:
        yield parquet
    finally:
        parquet.close()


class _TextWriter:
    """Writes CSV or TSV; text is quoted only in those tables where some text needs it."""

    def __init__(self, stream: BinaryIO, separator: str) -> None:
        self._stream, self._separator, self._begun = stream, separator, False

    def write(self, rows: pa.Table) -> None:
        """Append the rows, after the header when they are the first."""
        from pyarrow.csv import WriteOptions, write_csv

        if not self._begun:
            self._stream.write(_header(rows.column_names, self._separator))
            self._begun = True
        style = "needed" if _has_structure(rows) else "none"
        options = WriteOptions(include_header=False, delimiter=self._separator, quoting_style=style, batch_size=65536)
        write_csv(rows, self._stream, options)


class _ParquetWriter:
    """Writes Parquet; the first table sets the columns."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._writer: Any = None

    def write(self, rows: pa.Table) -> None:
        """Append the rows as one row group."""
        from pyarrow.parquet import ParquetWriter

        if self._writer is None:
            self._writer = ParquetWriter(self._stream, rows.schema)
        self._writer.write_table(rows)

    def close(self) -> None:
        """Write the footer."""
        if self._writer is not None:
            self._writer.close()


def _known(found: Cases, columns: RowColumns) -> dict[str, Any]:
    """Return the columns that stand before the prediction, under their names in the file."""
    given = {"ids": found.ids, **{key: value for key, value in columns.items() if value is not None}}
    known: dict[str, Any] = {}
    for key, name in _ORDER.items():
        value = given.get(key)
        if value is not None:
            known[name] = _column(np.asarray(value), found, key)
    return known


def _column(value: NDArray[Any], found: Cases, key: str) -> pa.Array:
    """Return one known column as Arrow; codes of classes become their names."""
    import pyarrow as pa

    if len(value) != len(found):
        raise InvalidInput(f"{len(value)} {key} for {len(found)} cases", "One per case")
    if key == "truth" and np.issubdtype(value.dtype, np.integer):
        return pa.array(found.classes, pa.string()).take(pa.array(value))
    return pa.array(value)


def _joined_sets(found: Cases) -> pa.Array:
    """Return the classes of each set joined by '|'; empty when there are no sets."""
    import pyarrow as pa

    if found.sets is None:
        return pa.array([""], pa.string()).take(pa.array(np.zeros(len(found), dtype=np.int64)))
    packed = np.packbits(found.sets, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    kinds = ["|".join(np.array(found.classes)[found.sets[row]]) for row in first]
    return pa.array(kinds, pa.string()).take(pa.array(which.reshape(-1)))


def _has_structure(rows: pa.Table) -> bool:
    """Say whether some text holds a separator, a quote or a line break."""
    import pyarrow as pa
    from pyarrow import compute

    texts = [column for column in rows.columns if pa.types.is_string(column.type)]
    return any(compute.any(compute.match_substring_regex(text, _STRUCTURAL)).as_py() for text in texts)


def _header(names: list[str], separator: str) -> bytes:
    """Return the first line."""
    line = StringIO()
    csv.writer(line, delimiter=separator, lineterminator="\n").writerow(names)
    return line.getvalue().encode()
