"""How a pack is made: images are decoded once by threads, piece by piece, so that an interrupted packing goes on."""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CancerNetError, CorruptFile, InvalidInput, StorageFailure
from cancernet.files import read_arrays, remove, storage_errors, write_arrays
from cancernet.patches.hashes import HASH_WORDS, perceptual_hash, pixel_digest
from cancernet.patches.images import fit_image, read_image
from cancernet.patches.packfile import (
    IMAGES,
    SCHEMA,
    Index,
    Piece,
    check_piece,
    contents_of,
    npy_header,
    write_contents,
)
from cancernet.patches.patchset import PatchSet
from cancernet.patches.sizes import other_sizes

__all__ = ["Order", "content_key", "listing_key", "make_pack"]

_MOST_IMAGES, _MOST_BYTES = 4096, 1 << 25  # of a piece
_TOLD = 64  # images between two calls of progress
_FAULTY = 0.2  # share of files that may be set aside
_PER_IMAGE = 300  # bytes of an image in the index and the records of its piece


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be packed.

    Parameters
    ----------
    patches
        The images.
    size, fit
        Pixels of a side, and what becomes of images of another size.
    workers
        Threads that read and decode.
    progress
        Told how many images are done.
    """

    patches: PatchSet
    size: int
    fit: str
    workers: int
    progress: Callable[[int], None]

    @property
    def bytes_each(self) -> int:
        """Bytes of an image."""
        return 3 * self.size**2

    @property
    def pieces(self) -> list[range]:
        """The rows of each piece."""
        step = int(np.clip(_MOST_BYTES // self.bytes_each, 1, _MOST_IMAGES))
        return [range(start, min(start + step, len(self.patches))) for start in range(0, len(self.patches), step)]

    def paths(self, rows: Iterable[int]) -> list[Path]:
        """Return where the images of some rows lie."""
        return [self.patches.path(row) for row in rows]


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A file: the digest of its bytes, and its image at the size of the pack, or why there is none."""

    file_digest: str
    image: NDArray[np.uint8] | None = None
    native: tuple[int, int] = (0, 0)
    digest: str = ""
    reason: str = ""


class _OtherSize(Exception):
    """An image has another size, and that is refused."""


@dataclass(frozen=True, eq=False)
class _Packed:
    """A piece as it lies on the disk, and what its files were."""

    piece: Piece
    index: Index
    file_digests: list[str]
    faults: list[tuple[str, str]]


def listing_key(order: Order) -> str:
    """Return a digest of names and lengths: packs with another one are of other files, and no file need be read."""
    lengths = [(str(name), _status(order.patches.path(row))[0]) for row, name in enumerate(order.patches.ids)]
    return _digest([SCHEMA, order.size, order.fit, *lengths])[:16]


def content_key(order: Order) -> str:
    """Return a digest of names and contents, which reads every file once; it is the same wherever the files lie."""
    with _threads(order.workers) as pool:
        return _content_key(order, pool.map(_file_digest, order.paths(range(len(order.patches)))))


def make_pack(order: Order, partial: Path, *, final: Callable[[str], Path]) -> str:
    """Make a pack in the folder `partial`, going on with what lies there, and rename it when it is complete.

    Parameters
    ----------
    order
        What is packed.
    partial
        Kept when the work is interrupted; removed when the images cannot be packed.
    final
        Returns the folder for a key.

    Returns
    -------
    The key.

    Raises
    ------
    InvalidInput
        When images have other sizes and `fit` is "refuse", no image is left, or more than 20 % are faulty.
    StorageFailure
        When the disk has less space than is needed, before anything is written; or it cannot be written.
    """
    with storage_errors(partial):
        partial.mkdir(parents=True, exist_ok=True)
        try:
            _refuse_full_disk(order, partial)
            packed = list(_pieces(order, partial))
            faults = [fault for each in packed for fault in each.faults]
            _refuse_faults(order, faults)
        except _OtherSize:
            remove(partial)
            raise other_sizes(order.patches, order.size, workers=order.workers) from None
        except InvalidInput:
            remove(partial)
            raise
        key = _content_key(order, (digest for each in packed for digest in each.file_digests))
        _complete(order, partial, packed, key)
        place = final(key)
        remove(place)
        os.replace(partial, place)
    return key


def _pieces(order: Order, partial: Path) -> Iterator[_Packed]:
    """Yield every piece: first those that an earlier run has left, then new ones."""
    begun = list(_resumed(order, partial))
    done = sum(len(each.file_digests) for each in begun)
    yield from begun
    header = npy_header(0, order.size)
    with (partial / IMAGES).open("r+b" if begun else "wb") as stream, _threads(order.workers) as pool:
        stream.write(header)
        stream.truncate(len(header) + order.bytes_each * sum(each.piece.images for each in begun))
        stream.seek(0, os.SEEK_END)
        for number, rows in enumerate(order.pieces[len(begun) :], start=len(begun)):
            decoded = pool.map(lambda path: _decode(path, order), order.paths(rows))
            packed, pixels = _gathered(order, rows, list(_told(decoded, done, order.progress)))
            stream.write(pixels.data if len(pixels) else b"")
            stream.flush()
            _record(partial, number, packed)
            done += len(rows)
            yield packed


@contextmanager
def _threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads; when the block fails, what they have not begun is given up."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _told(decoded: Iterable[_Decoded], done: int, progress: Callable[[int], None]) -> Iterator[_Decoded]:
    """Yield the files and tell how many are done."""
    files = iter(decoded)
    while some := list(islice(files, _TOLD)):
        yield from some
        done += len(some)
        progress(done)


def _decode(path: Path, order: Order) -> _Decoded:
    """Return an image at the size of the pack; what cannot be decoded has a reason."""
    before = _status(path)
    digest = _file_digest(path)
    try:
        image = read_image(path)
    except (CorruptFile, InvalidInput, StorageFailure) as error:
        return _Decoded(digest, reason=_reason(error, path))
    if _status(path) != before:
        return _Decoded(digest, reason="it changed while it was read")
    height, width = image.shape[:2]
    if order.fit == "refuse" and (width, height) != (order.size, order.size):
        raise _OtherSize
    fitted = fit_image(image, order.size, fit=order.fit)
    return _Decoded(digest, fitted, (width, height), pixel_digest(fitted))


def _reason(error: CancerNetError, path: Path) -> str:
    """Return what is wrong with a file in a few words, without its name."""
    named = f"'{path}' "
    return f"it {error.wrong.removeprefix(named)}" if error.wrong.startswith(named) else error.wrong.split(": ")[-1]


def _gathered(order: Order, rows: range, files: Sequence[_Decoded]) -> tuple[_Packed, NDArray[np.uint8]]:
    """Return what is known of a piece, and its pixels."""
    ids = order.patches.ids[rows.start : rows.stop]
    kept = np.array([file.image is not None for file in files])
    images = [file.image for file in files if file.image is not None]
    pixels = np.stack(images) if images else np.empty((0, order.size, order.size, 3), dtype=np.uint8)
    good = [file for file in files if file.image is not None]
    index = Index(
        ids=ids[kept],
        native_sizes=np.array([file.native for file in good], dtype=np.int64).reshape(len(good), 2),
        digests=np.array([file.digest for file in good], dtype=np.str_),
        perceptual=perceptual_hash(pixels) if images else np.empty((0, HASH_WORDS), dtype=np.uint64),
    )
    faults = [(str(name), file.reason) for name, file in zip(ids, files, strict=True) if file.image is None]
    piece = Piece(images=len(good), crc32=zlib.crc32(pixels.data if len(pixels) else b""))
    return _Packed(piece, index, [file.file_digest for file in files], faults), pixels


def _record(partial: Path, number: int, packed: _Packed) -> None:
    """Write down that a piece lies on the disk."""
    arrays = {name: getattr(packed.index, name) for name in ("ids", "native_sizes", "digests", "perceptual")}
    arrays["file_digests"] = np.array(packed.file_digests)
    arrays["faults"] = np.array(packed.faults, dtype=np.str_).reshape(-1, 2)
    arrays["piece"] = np.array([packed.piece.images, packed.piece.crc32], dtype=np.int64)
    write_arrays(_record_of(partial, number), arrays)


def _record_of(partial: Path, number: int) -> Path:
    """Return where a piece is written down."""
    return partial / f"piece-{number:05}.npz"


def _resumed(order: Order, partial: Path) -> Iterator[_Packed]:
    """Yield the pieces of an earlier run up to the first that is not whole, or whose files have changed since."""
    start = len(npy_header(0, order.size))
    for number, rows in enumerate(order.pieces):
        packed = _recorded(_record_of(partial, number))
        if packed is None or not (partial / IMAGES).is_file():
            return
        length = order.bytes_each * packed.piece.images
        with _threads(order.workers) as pool:
            same = list(pool.map(_file_digest, order.paths(rows))) == packed.file_digests
        if not same or not check_piece(partial / IMAGES, start, length=length, crc32=packed.piece.crc32):
            return
        start += length
        order.progress(rows.stop)
        yield packed


def _recorded(path: Path) -> _Packed | None:
    """Return what was written down of a piece; None when it was not, or cannot be read."""
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = read_arrays(path)
        index = Index(*(found[name] for name in ("ids", "native_sizes", "digests", "perceptual")))
        images, crc32 = found["piece"].tolist()
        faults = [(name, reason) for name, reason in found["faults"].tolist()]
        return _Packed(Piece(images=images, crc32=crc32), index, found["file_digests"].tolist(), faults)
    except (CorruptFile, KeyError, ValueError):
        return None


def _complete(order: Order, partial: Path, packed: Sequence[_Packed], key: str) -> None:
    """Write how many images there are, the index and the checksums, and remove the records of the pieces."""
    index = Index.join([each.index for each in packed])
    faults = [fault for each in packed for fault in each.faults]
    with (partial / IMAGES).open("r+b") as stream:
        stream.write(npy_header(len(index), order.size))
    pieces = [each.piece for each in packed]
    write_contents(partial, contents_of(key, size=order.size, fit=order.fit, pieces=pieces, faults=faults), index)
    for number in range(len(packed)):
        remove(_record_of(partial, number))


def _refuse_full_disk(order: Order, partial: Path) -> None:
    """Raise when the disk has less space than the pack needs, counting what lies there already."""
    there = (partial / IMAGES).stat().st_size if (partial / IMAGES).is_file() else 0
    needed = len(order.patches) * (order.bytes_each + _PER_IMAGE) - there
    free = shutil.disk_usage(partial).free
    if needed > free:
        raise StorageFailure(
            f"The pack of {len(order.patches):,} images needs {needed / 1e9:.2f} GB more in '{partial.parent}'",
            f"{free / 1e9:.2f} GB are free",
            "Free some space, or set CANCERNET_CACHE to a folder on another disk",
        )


def _refuse_faults(order: Order, faults: Sequence[tuple[str, str]]) -> None:
    """Raise when no image is left, or too many are faulty."""
    total = len(order.patches)
    if len(faults) <= _FAULTY * total and len(faults) < total:
        return
    named = ", ".join(f"'{name}' ({reason})" for name, reason in faults[:10])
    more = f" and {len(faults) - 10} more" if len(faults) > 10 else ""
    which = "No image" if len(faults) == total else f"{len(faults)} of {total} images"
    wrong = f"{which} of '{order.patches.name}' can{'' if len(faults) == total else 'not'} be decoded: {named}{more}"
    raise InvalidInput(
        wrong, f"Expected at least {1 - _FAULTY:.0%} whole images", "Copy them again, or take them out of the folder"
    )


def _content_key(order: Order, file_digests: Iterable[str]) -> str:
    """Return the key of files with these digests."""
    files = [(str(name), digest) for name, digest in zip(order.patches.ids, file_digests, strict=True)]
    return _digest([SCHEMA, order.size, order.fit, *files])


def _digest(parts: Sequence[object]) -> str:
    """Return a digest of values, each told from the next."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(f"{part!r}\n".encode())
    return found.hexdigest()


def _file_digest(path: Path) -> str:
    """Return a digest of the bytes of a file; empty when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""


def _status(path: Path) -> tuple[int, int]:
    """Return length and time of change of a file; (-1, 0) when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns
