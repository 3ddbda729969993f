"""A file of rows, opened far enough to know what it is: text or Parquet, its delimiter, its columns, its header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cancernet.checks import listed
from cancernet.data.table import refuse_repeated
from cancernet.data.wisconsin import Form, recognise
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import storage_errors

__all__ = ["Source", "open_source"]

_HEAD_BYTES = 4 << 20  # enough for the header and the first row of a hundred thousand columns
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
    form
        The known form, when the file has no header.
    """

    path: Path
    kind: Literal["text", "parquet"]
    names: tuple[str, ...]
    skip: int = 0
    delimiter: str = ","
    compressed: bool = False
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
        if len(named) == 1:
            return named[0]
        return 0 if not named and len(self.names) > 1 and self.names[0] == "" else None


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
        raise InvalidInput(f"'{path}' is empty", "A header and at least one row", "Check how the file was written")
    _refuse_foreign(path, magic)
    source = _open_parquet(path) if magic.startswith(b"PAR1") else _open_text(path, magic.startswith(b"\x1f\x8b"))
    refuse_repeated([name for name in source.names if name], f"'{path}'")
    return source


def _refuse_foreign(path: Path, magic: bytes) -> None:
    """Raise when the first bytes are those of a kind that is not read."""
    for start, kind in _FOREIGN.items():
        if magic.startswith(start):
            raise InvalidInput(f"'{path}' is {kind}", "CSV, TSV (also .gz) or Parquet", "Save it as CSV in UTF-8")


def _open_parquet(path: Path) -> Source:
    """Return the columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise CorruptFile(f"'{path}' is not a readable Parquet file ({error})", todo="Write or copy it again") from error
    if rows == 0:
        raise _without_rows(path)
    return Source(path, "parquet", tuple("" if name in _INDEX_NAMES else name.strip() for name in names))


def _open_text(path: Path, compressed: bool) -> Source:
    """Return the delimiter and the columns of a text file."""
    lines = _first_lines(path, _head(path, compressed))
    delimiter = max(_DELIMITERS, key=lambda character: len(_record(path, lines, character)[1]))
    skip, header, row = _records(path, lines, delimiter)
    form = recognise(header)
    if form is not None:
        return Source(path, "text", form.columns, skip, delimiter, compressed, form)
    if row is None:
        raise _without_rows(path)
    _refuse_numbers(path, header)
    return Source(path, "text", tuple(name.strip() for name in header), skip + 1, delimiter, compressed)


def _head(path: Path, compressed: bool) -> bytes:
    """Return the first bytes of the text."""
    try:
        with storage_errors(path), path.open("rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if compressed else raw
            return stream.read(_HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptFile(f"'{path}' is a damaged gzip file ({error})", todo="Copy or download it again") from error
