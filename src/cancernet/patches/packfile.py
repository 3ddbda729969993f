"""The folder of a pack: the pixels (`images.npy`), what is known of them (`index.parquet`), checksums (`pack.json`).

Checksums are CRC-32 of pieces of the pixels and of the index: they tell damage, not forgery, at the speed of the disk.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from cancernet.errors import CorruptFile
from cancernet.files import read_json, storage_errors, write_json
from cancernet.patches.hashes import HASH_WORDS

__all__ = [
    "IMAGES",
    "SCHEMA",
    "Contents",
    "Index",
    "Piece",
    "check_piece",
    "contents_of",
    "npy_header",
    "read_contents",
    "write_contents",
]

SCHEMA = 1
IMAGES = "images.npy"

_INDEX, _CONTENTS = "index.parquet", "pack.json"
_BLOCK = 1 << 22  # bytes read at once


@dataclass(frozen=True, eq=False)
class Index:
    """What is known of each image of a pack, in its order.

    Parameters
    ----------
    ids
        Shape (n,), text.
    native_sizes
        Shape (n, 2), int64: width and height of the file in pixels.
    digests
        Shape (n,), text, of `pixel_digest`.
    perceptual
        Shape (n, 12), uint64, of `perceptual_hash`.
    """

    ids: NDArray[np.str_]
    native_sizes: NDArray[np.int64]
    digests: NDArray[np.str_]
    perceptual: NDArray[np.uint64]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.ids)

    @classmethod
    def join(cls, parts: Sequence[Index]) -> Index:
        """Return the parts one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


class Piece(BaseModel):
    """A number of images that lie one after the other, and the CRC-32 of their pixels."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    images: int
    crc32: int


class _SetAside(BaseModel):
    """A file that is not in the pack, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str
    reason: str


class Contents(BaseModel):
    """What `pack.json` says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    schema_number: int = SCHEMA
    key: str
    size: int
    fit: str
    pieces: list[Piece]
    index_crc32: int
    faults: list[_SetAside]

    @property
    def images(self) -> int:
        """How many there are."""
        return sum(piece.images for piece in self.pieces)


def contents_of(
    key: str, *, size: int, fit: str, pieces: Sequence[Piece], faults: Sequence[tuple[str, str]]
) -> Contents:
    """Return what is known of a pack before its index is written; faults are pairs of id and reason."""
    aside = [_SetAside(id=name, reason=reason) for name, reason in faults]
    return Contents(key=key, size=size, fit=fit, pieces=list(pieces), index_crc32=0, faults=aside)


def npy_header(images: int, size: int) -> bytes:
    """Return the header of `images.npy`; NumPy leaves room in it, so its length does not depend on the number."""
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (images, size, size, 3)}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


def write_contents(folder: Path, contents: Contents, index: Index) -> None:
    """Write the index and then `pack.json` beside the pixels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    width, height = index.native_sizes.T
    columns: dict[str, NDArray[Any]] = {"id": index.ids, "width": width, "height": height, "digest": index.digests}
    columns |= {f"perceptual_{word:02}": index.perceptual[:, word] for word in range(HASH_WORDS)}
    pq.write_table(pa.table({name: pa.array(column) for name, column in columns.items()}), folder / _INDEX)
    whole = contents.model_copy(update={"index_crc32": _crc32_of(folder / _INDEX)})
    write_json(folder / _CONTENTS, whole.model_dump())


def read_contents(folder: Path, *, key: str, workers: int) -> tuple[Contents, Index]:
    """Return what a pack holds, after all of it was compared with its checksums.

    Raises
    ------
    CorruptFile
        When a file is missing, cut off or changed.
    StorageFailure
        When a file may not be read.
    """
    for name in (IMAGES, _INDEX, _CONTENTS):
        if not (folder / name).is_file():
            raise _damaged(folder, f"'{name}' is missing")
    contents = _contents(folder)
    if (contents.schema_number, contents.key) != (SCHEMA, key):
        raise _damaged(folder, "it is another pack than its name says")
    with storage_errors(folder):
        _check_pixels(folder, contents, workers)
        if _crc32_of(folder / _INDEX) != contents.index_crc32:
            raise _damaged(folder, f"'{_INDEX}' is changed")
        return contents, _read_index(folder)


def check_piece(path: Path, start: int, *, length: int, crc32: int) -> bool:
    """Tell whether a stretch of a file has a checksum."""
    return _crc32(path, start, length) == crc32


def _contents(folder: Path) -> Contents:
    """Return what `pack.json` says."""
    try:
        return Contents.model_validate(read_json(folder / _CONTENTS))
    except (ValidationError, CorruptFile) as error:
        raise _damaged(folder, f"'{_CONTENTS}' is unreadable") from error


def _check_pixels(folder: Path, contents: Contents, workers: int) -> None:
    """Raise when the pixels are not as long as they should be, or a piece of them is changed."""
    path, header = folder / IMAGES, npy_header(contents.images, contents.size)
    each = 3 * contents.size**2
    with path.open("rb") as stream:
        first = stream.read(len(header))
    if first != header or path.stat().st_size != len(header) + each * contents.images:
        raise _damaged(folder, f"'{IMAGES}' is cut off or of another shape")

    def is_whole(start: int, piece: Piece) -> bool:
        return check_piece(path, start, length=each * piece.images, crc32=piece.crc32)

    starts = np.cumsum([len(header)] + [each * piece.images for piece in contents.pieces[:-1]]).tolist()
    with ThreadPoolExecutor(workers) as pool:
        if not all(pool.map(is_whole, starts, contents.pieces)):
            raise _damaged(folder, f"'{IMAGES}' is changed")


def _read_index(folder: Path) -> Index:
    """Return the index; its checksum was compared."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / _INDEX)
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    return Index(
        ids=columns["id"].astype(np.str_),
        native_sizes=np.stack([columns["width"], columns["height"]], axis=1),
        digests=columns["digest"].astype(np.str_),
        perceptual=np.stack([columns[f"perceptual_{word:02}"] for word in range(HASH_WORDS)], axis=1),
    )


def _crc32_of(path: Path) -> int:
    """Return the CRC-32 of a file."""
    return _crc32(path, 0, path.stat().st_size)


def _crc32(path: Path, start: int, length: int) -> int:
    """Return the CRC-32 of a stretch of a file, read in blocks so that little memory is taken."""
    found = 0
    with path.open("rb") as stream:
        stream.seek(start)
        while length > 0 and (block := stream.read(min(_BLOCK, length))):
            found, length = zlib.crc32(block, found), length - len(block)
    return found


def _damaged(folder: Path, why: str) -> CorruptFile:
    """Return the error for a pack that cannot be used."""
    return CorruptFile(f"The pack '{folder}' is damaged: {why}", "A whole pack", "Remove it; it is made anew")
