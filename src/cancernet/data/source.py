"""A file of rows, opened far enough to know what it is: text or Parquet, its delimiter, its columns, its header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cancernet.checks import listed
from cancernet.data.table import refuse_repeated
from cancernet.data.wisconsin import Form, familiar, recognise, units_of
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import storage_errors

__all__ = ["Source", "not_utf8", "open_source"]

_HEAD_BYTES = 4 << 20  # enough for the header and the first row of a hundred thousand columns
_BLOCK_BYTES = 2 << 20  # what Arrow parses at once; it reads 32 blocks ahead
_ROWS_IN_BLOCK = 16  # at least, where rows are long; a single row that is longer than a block is refused
_DELIMITERS = (",", "\t", ";")
_INDEX_NAMES = ("", "__index_level_0__")  # as pandas writes its index into CSV and Parquet
_FOREIGN = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\x89HDF": "an HDF5 file",
}


@dataclass(frozen=True)
class Source:
    """What is known about a file before its rows are read.

    Parameters
    ----------
    path
        The file.
    kind
        "text" (CSV, TSV) or "parquet".
    names
        Of its columns, in order; "" where a column has none.
    skip
        Lines before the first row: blank ones and the header.
    delimiter, compressed
        Of text.
    block_bytes
        How much text to parse at once; every row is shorter.
    form
        The known form, when the file has no header.
    """

    path: Path
    kind: Literal["text", "parquet"]
    names: tuple[str, ...]
    skip: int = 0
    delimiter: str = ","
    compressed: bool = False
    block_bytes: int = _BLOCK_BYTES
    form: Form | None = None

    @property
    def row_word(self) -> str:
        """How rows are counted, for messages."""
        return "below the header" if self.kind == "text" and self.form is None else "from the top"

    def cell(self, row: int, column: str) -> str:
        """Return the words for a cell; rows count from 1."""
        return f"row {row} {self.row_word}, column '{column}' of '{self.path}'"

    @property
    def index(self) -> int | None:
        """The position of the column that names the rows: 'id', or a first one without a name; None without."""
        named = [position for position, name in enumerate(self.names) if name.lower() == "id"]
        unnamed = [position for position, name in enumerate(self.names) if not name and len(self.names) > 1]
        if len(named) == 1:
            return named[0]
        return unnamed[0] if not named and len(unnamed) == 1 and unnamed[0] in self._index_places else None

    @property
    def _index_places(self) -> tuple[int, int]:
        """Where pandas writes its index: first in text, last in Parquet."""
        return (0, len(self.names) - 1 if self.kind == "parquet" else 0)

    @property
    def units(self) -> Mapping[str, str]:
        """Units by column, where they are known."""
        return units_of(self.names) if self.form is None else self.form.units


def open_source(path: str | Path) -> Source:
    """Return what the file is.

    Parameters
    ----------
    path
        CSV (comma, tab or semicolon; also gzip) or Parquet, told by content, not by name.

    Raises
    ------
    StorageFailure
        When it is not there, is a folder, or may not be read.
    InvalidInput
        When it is empty, has no row, is not UTF-8, is of another kind, or two columns have the same name.
    CorruptFile
        When it is damaged.
    """
    path = Path(path)
    with storage_errors(path), path.open("rb") as stream:
        magic = stream.read(8)
    if not magic:
        raise InvalidInput(f"'{path}' is empty", "Expected a header and at least one row", "Check what wrote it")
    _refuse_foreign(path, magic)
    source = _open_parquet(path) if magic.startswith(b"PAR1") else _open_text(path, magic.startswith(b"\x1f\x8b"))
    refuse_repeated([name for name in source.names if name], f"'{path}'")
    return source


def _refuse_foreign(path: Path, magic: bytes) -> None:
    """Raise when the first bytes are those of a kind that is not read."""
    for start, kind in _FOREIGN.items():
        if magic.startswith(start):
            raise InvalidInput(
                f"'{path}' is {kind}", "Expected CSV, TSV (also .gz) or Parquet", "Save it as CSV in UTF-8"
            )


def _open_parquet(path: Path) -> Source:
    """Return the columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptFile(
            f"'{path}' is not a readable Parquet file ({error})", todo="Write or copy it again"
        ) from error
    if rows == 0:
        raise _without_rows(path)
    return Source(path, "parquet", _tidy("" if name in _INDEX_NAMES else name for name in names))


def _open_text(path: Path, compressed: bool) -> Source:
    """Return the delimiter and the columns of a text file."""
    text = _decode(path, _head(path, compressed))
    delimiter = _delimiter(text)
    blank, header, row = _first_records(path, text, delimiter)
    if not header:
        raise InvalidInput(f"'{path}' is empty", "Expected a header and at least one row", "Check what wrote it")
    longest = max(sum(4 * len(cell) + 1 for cell in record) for record in (header, row))
    block_bytes = max(_BLOCK_BYTES, _ROWS_IN_BLOCK * longest)
    form = recognise(header)
    if form is not None:
        return Source(path, "text", form.columns, blank, delimiter, compressed, block_bytes, form)
    _refuse_numbers(path, header)
    if not row:
        raise _without_rows(path)
    names = _tidy(header[: _named(header, row)])
    return Source(path, "text", names, blank + 1, delimiter, compressed, block_bytes)


def _head(path: Path, compressed: bool) -> bytes:
    """Return the first bytes of the text."""
    with storage_errors(path), path.open("rb") as raw:
        if not compressed:
            return raw.read(_HEAD_BYTES)
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                return stream.read(_HEAD_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CorruptFile(f"'{path}' is a damaged gzip file ({error})", todo="Copy or download it again") from error


def _decode(path: Path, head: bytes) -> str:
    """Return the head as text; a character cut at its end is left out."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        text = decoder.decode(head, final=len(head) < _HEAD_BYTES)
    except UnicodeDecodeError as error:
        raise not_utf8(path, f"byte {error.start} is {error.object[error.start]:#04x}") from error
    if "\0" in text:
        raise not_utf8(path, "it holds zero bytes")
    return text


def _delimiter(text: str) -> str:
    """Return the most frequent delimiter of the first line outside quotes; the comma when there is none."""
    first_line = text.lstrip("\r\n").splitlines()[:1]
    unquoted = re.sub(r'"[^"]*"', "", "".join(first_line))
    return max(_DELIMITERS, key=unquoted.count)


def _first_records(path: Path, text: str, delimiter: str) -> tuple[int, list[str], list[str]]:
    """Return the number of blank lines at the top, the first record, and the one after it; empty when there is none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    blank, records = 0, []
    try:
        for record in reader:
            if record:
                records.append(record)
            elif not records:
                blank += 1
            if len(records) == 2:
                break
    except csv.Error as error:
        raise CorruptFile(f"'{path}' is not a readable CSV file ({error})", todo="Check its quotes") from error
    header, row = [*records, [], []][:2]
    return blank, header, row


def _named(header: Sequence[str], row: Sequence[str]) -> int:
    """Return how many columns there are: commas at the end of the header alone make none."""
    count = len(header)
    while count > len(row) and not header[count - 1].strip():
        count -= 1
    return count


def _tidy(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without blanks at their ends, the nuclear features in our spelling."""
    return familiar([name.strip() for name in names])


def _refuse_numbers(path: Path, header: Sequence[str]) -> None:
    """Raise when the first line holds numbers where names should be."""
    if all(_is_number(name) for name in header):
        raise InvalidInput(
            f"The first line of '{path}' holds numbers, no names: {listed(header, 3)}",
            "Expected a header with the name of each column",
            "Add one as the first line",
        )


def _is_number(text: str) -> bool:
    """Tell whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def not_utf8(path: Path, detail: str) -> InvalidInput:
    """Return the error for a text in another encoding."""
    return InvalidInput(f"'{path}' is not UTF-8 text: {detail}", "Expected text in UTF-8", "Save it as CSV in UTF-8")


def _without_rows(path: Path) -> InvalidInput:
    """Return the error for a file that ends after its header."""
    return InvalidInput(f"'{path}' has a header and no rows", "Expected at least one row", "Check what wrote it")
