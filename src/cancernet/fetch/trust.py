"""Trust on first use: checksums that nobody has published are written down, and later files must agree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cancernet.errors import CorruptFile
from cancernet.fetch.entries import RemoteFile, RemoteSet
from cancernet.files import read_json, storage_errors, write_json

__all__ = ["cache_folder", "recall", "record", "record_file"]


def cache_folder() -> Path:
    """Return where this package keeps what it remembers: CANCERNET_CACHE, or the system's place for caches."""
    from pooch import os_cache

    told = os.environ.get("CANCERNET_CACHE")
    return Path(told) if told else Path(os_cache("cancernet"))


def record_file() -> Path:
    """Return the file with the checksums of first fetches."""
    return cache_folder() / "first-use.json"


def recall(chosen: RemoteSet, file: RemoteFile) -> dict[str, Any] | None:
    """Return what the first fetch of a file wrote down ("checksum", "size", "address", "fetched"), or None.

    Raises
    ------
    CorruptFile
        When the record is damaged.
    """
    found = _records().get(_key(chosen, file))
    if found is not None and not (isinstance(found, dict) and isinstance(found.get("checksum"), str)):
        raise _damaged()
    return found


def record(chosen: RemoteSet, new: Mapping[str, Mapping[str, Any]]) -> None:
    """Write down files that were fetched for the first time.

    Parameters
    ----------
    chosen
        The set.
    new
        "checksum" ("sha256:...") and "size" by name of the file; with none, nothing is written.
    """
    from filelock import FileLock

    if not new:
        return
    files = {file.name: file for file in chosen.files}
    today = datetime.now(UTC).date().isoformat()
    with storage_errors(record_file()):
        cache_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(f"{record_file()}.lock"):
            known = _records()
            for name, facts in new.items():
                told = {**facts, "address": files[name].address, "fetched": today}
                known.setdefault(_key(chosen, files[name]), told)
            write_json(record_file(), known)


def _key(chosen: RemoteSet, file: RemoteFile) -> str:
    """Return the name of a file among all sets."""
    return f"{chosen.name}/{file.name}"


def _records() -> dict[str, Any]:
    """Return all that is written down."""
    if not record_file().exists():
        return {}
    found = read_json(record_file())
    if not isinstance(found, dict):
        raise _damaged()
    return found


def _damaged() -> CorruptFile:
    """Return the error for a record that was changed."""
    return CorruptFile(
        f"'{record_file()}' is damaged", "The checksums of first fetches", "Restore it, or remove it to begin anew"
    )
