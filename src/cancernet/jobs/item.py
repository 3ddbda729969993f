"""What a batch works on, and how a changed input is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cancernet.files import storage_errors

__all__ = ["Fingerprint", "Item", "fingerprint"]


@dataclass(frozen=True)
class Item:
    """One input of a batch.

    Parameters
    ----------
    path
        The file, or the folder of an input that is many files.
    key
        Name of its output folder; empty: the name of the file without its last extension. Where several inputs would
        have the same name, a short digest of the path is added.
    """

    path: Path
    key: str = ""


@dataclass(frozen=True)
class Fingerprint:
    """What is cheap to compare of an input.

    Parameters
    ----------
    size
        In bytes; of a folder, of all its files.
    modified
        In nanoseconds since 1970; of a folder, of its newest file.
    """

    size: int
    modified: int


def fingerprint(path: Path) -> Fingerprint:
    """Return size and time of an input.

    Raises
    ------
    StorageFailure
        When it is not there, or may not be read.
    """
    with storage_errors(path):
        found = list(_stats(path))
    return Fingerprint(sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0))


def _stats(path: Path) -> Iterator[os.stat_result]:
    """Yield what the system says of a file, or of each file below a folder."""
    if not path.is_dir():
        yield path.stat()
        return
    for folder, _, names in os.walk(path):
        yield from (os.stat(os.path.join(folder, name)) for name in names)
