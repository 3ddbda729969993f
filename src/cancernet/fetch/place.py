"""The place that a set is fetched into: room enough, and archives that survive a failure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cancernet.errors import StorageFailure
from cancernet.fetch.entries import RemoteSet
from cancernet.files import remove, storage_errors

__all__ = ["open_downloads", "refuse_small_disk"]

_GROWTH = 1.5  # bytes on the disk for each byte of an archive of images


def refuse_small_disk(chosen: RemoteSet, out: Path, downloads: Path) -> None:
    """Raise when what is known to come does not fit: the archives, and what comes out of them."""
    needed = int(chosen.size * (1 + _GROWTH)) - _arrived(downloads)
    free = shutil.disk_usage(downloads).free
    if needed > free:
        raise StorageFailure(
            f"'{out}' needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            "Room for the archives and for what comes out of them",
            "Free some space, or choose another disk with --out",
        )


def _arrived(downloads: Path) -> int:
    """Return how many bytes of the files are here; what is noted about a partial one does not count."""
    return sum(path.stat().st_size for path in downloads.iterdir() if not path.name.endswith(".partial.json"))


@contextmanager
def open_downloads(out: Path) -> Iterator[Path]:
    """Yield the folder of the archives, which stays with what has arrived when the block fails."""
    folder = out.with_name(f".{out.name}.download.partial")
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        if folder.is_dir() and not _arrived(folder):
            remove(folder)
