"""Files that are whole or absent: temporary names, renames, checksums, and clear words for a full disk."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import mmap
import os
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CorruptFile, InvalidInput, StorageFailure

__all__ = [
    "exclusive",
    "give_back_freed",
    "give_back_large",
    "give_back_pages",
    "partial_of",
    "read_arrays",
    "read_json",
    "refuse_existing",
    "remove",
    "sha256",
    "storage_errors",
    "whole_file",
    "whole_folder",
    "write_arrays",
    "write_json",
    "write_text",
]

_MMAP_THRESHOLD = -3  # of malloc.h
_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space and run the same command again"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and run the same command again"),
    errno.EACCES: ("the rights are missing", "Choose another place, or ask for the rights"),
    errno.EPERM: ("the rights are missing", "Choose another place, or ask for the rights"),
    errno.EEXIST: ("a file stands where a folder is needed", "Choose another place with --out"),
    errno.EROFS: ("the file system is read-only", "Choose another place with --out"),
    errno.ENOENT: ("there is no such file or folder", "Check the path"),
    errno.EISDIR: ("it is a folder", "Name a file"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "Check the path"),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name"),
    errno.EFBIG: ("the file would be larger than allowed", "Choose another place with --out"),
}

# What NumPy raises for a file that is no NPZ any more.
_UNREADABLE_ARRAYS = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    TypeError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the errors of the operating system about `path` into a `StorageFailure` with words."""
    try:
        yield
    except StorageFailure:
        raise
    except OSError as error:
        reason, todo = _REASONS.get(error.errno or 0, (str(error), "Check the path and the disk"))
        raise StorageFailure(f"Cannot use '{error.filename or path}': {reason}", todo=todo) from error


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary name beside `path` and rename it when the block ends well; else remove it.

    Raises
    ------
    InvalidInput
        When `path` exists and `force` is not set.
    StorageFailure
        When the place cannot be written.
    """
    refuse_existing(path, force=force)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with storage_errors(path), _parents(path):
        try:
            yield partial
            os.replace(partial, path)
        finally:
            remove(partial)


@contextmanager
def whole_folder(path: Path, *, force: bool = False, keep_partial: bool = False) -> Iterator[Path]:
    """Yield the folder `.NAME.partial` beside `path` and rename it when the block ends well.

    Parameters
    ----------
    path
        The folder that appears, complete or not at all.
    force
        Replace an existing folder; the old one is removed only after the new one is complete.
    keep_partial
        Keep the partial folder when the block fails, so that the work can be resumed.

    Raises
    ------
    InvalidInput
        When `path` exists and `force` is not set.
    StorageFailure
        When the place cannot be written.
    """
    refuse_existing(path, force=force)
    partial = partial_of(path)
    with storage_errors(path), _parents(path):
        try:
            partial.mkdir(exist_ok=True)
            yield partial
            _swap(partial, path)
        finally:
            if not keep_partial:
                remove(partial)


@contextmanager
def _parents(path: Path) -> Iterator[None]:
    """Make the folders above `path`, and remove those that were made and are empty when the block fails."""
    made = [folder for folder in path.parents if not folder.exists()]  # the lowest first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def exclusive(out: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep other processes off `out` by a lock beside it; the system frees the lock when this process dies.

    Folders that were made for the lock and hold nothing in the end are removed.

    Parameters
    ----------
    out
        The file or folder that is worked on.
    wait
        Wait until another process has done with it.

    Raises
    ------
    InvalidInput
        When another process works on it and `wait` is not set.
    StorageFailure
        When the place cannot be written.
    """
    from filelock import FileLock, Timeout

    path = out.with_name(f".{out.name}.lock")
    made = [folder for folder in path.parents if not folder.exists()]  # the lowest first
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InvalidInput(f"Another process works on '{out}'", "One at a time", "Wait for it") from error
    try:
        yield
    finally:
        if not wait:  # who waits holds the file open: another one of the same name would be another lock
            path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # the first that is not empty ends it
            for folder in made:
                folder.rmdir()


def partial_of(path: Path) -> Path:
    """Return the folder that `path` grows in, until it is complete."""
    return path.with_name(f".{path.name}.partial")


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise `InvalidInput` when something stands at `path` and `force` is not set."""
    if path.exists() and not force:
        raise InvalidInput(f"'{path}' exists already", "It is kept as it is", "Choose another --out, or pass --force")


def _swap(partial: Path, path: Path) -> None:
    """Put the complete partial folder in the place of `path`."""
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        os.replace(path, old)
    os.replace(partial, path)
    remove(old)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, when it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, force: bool = True) -> None:
    """Write a text file that is whole or absent, UTF-8."""
    with whole_file(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any, *, force: bool = True) -> None:
    """Write JSON that is whole or absent; NaN and infinity are refused."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n", force=force)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    StorageFailure
        When the file cannot be read.
    CorruptFile
        When it is not JSON.
    """
    with storage_errors(path):
        raw = path.read_bytes()
    try:
        return json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CorruptFile(f"'{path}' is not valid JSON ({error})", "A JSON file in UTF-8", "Restore it") from error


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as an NPZ file that is whole or absent, replacing one that is there."""
    with whole_file(path, force=True) as partial, partial.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the arrays for its option


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an NPZ file; objects are refused.

    Raises
    ------
    StorageFailure
        When the file cannot be read.
    CorruptFile
        When it is damaged.
    """
    with storage_errors(path):
        raw = path.open("rb")
    try:
        with raw, zipfile.ZipFile(raw) as archive:
            if archive.testzip() is not None:  # before NumPy parses anything
                raise zipfile.BadZipFile("a checksum is wrong")
            return {name.removesuffix(".npy"): _array(archive, name) for name in archive.namelist()}
    except _UNREADABLE_ARRAYS as error:
        todo = "Start anew with --force"
        raise CorruptFile(f"'{path}' is damaged ({error})", "What an interrupted run left", todo) from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return one array of an NPZ file."""
    with archive.open(name) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def give_back_pages(array: NDArray[Any]) -> None:
    """Give back the memory in which a mapped file was read, where the system can; it stays in the system's cache.

    Without this a whole pack counts as resident after one pass over it. An array that is no mapped file is left alone.
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is not None and isinstance(array.base, mmap.mmap):
        array.base.madvise(advice)


def give_back_freed() -> None:
    """Give memory that was freed back to the system, where its C library would keep it for later (glibc does).

    Worth a call after work on arrays of many megabytes, before long work on small ones: the look at the thumbnail of a
    large slide leaves 165 MB so.
    """
    _tell_allocator("malloc_trim", 0)


def give_back_large() -> None:
    """From now on, give arrays of 16 MB and more back to the system as soon as they are freed.

    By itself glibc moves that limit up to 32 MB with what is freed, and arrays below it stay in a heap that others hold
    together: of a large slide a map of numbers for each pixel of the thumbnail has just that size.
    """
    _tell_allocator("mallopt", _MMAP_THRESHOLD, 16 << 20)


def _tell_allocator(name: str, *values: int) -> None:
    """Call a function of the C library of Linux, where it has it."""
    found = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if found is not None:
        found(*values)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with storage_errors(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
