"""A public data set becomes a folder: space, files, checksums, archives, and a note of where all is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.fetch.download import download
from cancernet.fetch.entries import RemoteFile, RemoteSet
from cancernet.fetch.failures import FetchFailure
from cancernet.fetch.limits import Limits
from cancernet.fetch.place import open_downloads, refuse_small_disk
from cancernet.fetch.resume import Patience
from cancernet.fetch.sink import NoWatcher, Watcher
from cancernet.fetch.trust import recall, record, record_file
from cancernet.fetch.unpack import unpack
from cancernet.files import (
    exclusive,
    read_json,
    refuse_existing,
    remove,
    sha256,
    whole_folder,
    write_json,
)

__all__ = ["Fetched", "fetch_set"]

_NOTE = "SOURCE.json"  # in the folder of a complete set
_SCHEMA = 1


@dataclass(frozen=True)
class Fetched:
    """A set that is here.

    Parameters
    ----------
    name
        Of the set.
    folder
        Where it is.
    already
        Whether it was there before.
    first_use
        The files whose checksums were written down for the first time, with these.
    """

    name: str
    folder: Path
    already: bool = False
    first_use: dict[str, str] = field(default_factory=dict)


def fetch_set(
    chosen: RemoteSet,
    out: Path,
    *,
    force: bool = False,
    limits: Limits | None = None,
    patience: Patience | None = None,
    watcher: Watcher | None = None,
) -> Fetched:
    """Fetch a public data set and unpack it into a folder that appears complete or not at all.

    What an interrupted fetch left is gone on with. A complete folder is kept.

    Parameters
    ----------
    chosen
        The set; it must have files.
    out
        The folder to make.
    force
        Replace what is there, after the new one is complete.
    limits
        What may come out of an archive.
    patience
        How long to wait for the server.
    watcher
        Told what is done and how many bytes of it.

    Raises
    ------
    InvalidInput
        When the set has no files, something else is at `out`, or another process fetches it.
    StorageFailure
        When the disk is too small or may not be written.
    FetchFailure
        When a file does not arrive; what did is kept for the next time.
    CorruptFile
        When a checksum is wrong, or an archive is damaged or unsafe.
    """
    if not chosen.files:
        raise InvalidInput(f"'{chosen.name}' cannot be fetched", "It stands behind a login", " ".join(chosen.steps))
    if not force and _is_complete(chosen, out):
        return Fetched(chosen.name, out, already=True)
    refuse_existing(out, force=force)
    work = _Work(chosen, out, limits or Limits(), patience or Patience(), watcher or NoWatcher())
    with exclusive(out), whole_folder(out, force=force) as content, open_downloads(out) as downloads:
        for path in content.iterdir():
            remove(path)  # of a process that was killed
        refuse_small_disk(chosen, out, downloads)
        paths = [work.fetch(file, downloads) for file in chosen.files]
        new = {path.name: _facts(path) for path in paths if work.is_new(path.name)}
        for path in paths:
            work.unpack(path, content)
        record(chosen, new)
        write_json(content / _NOTE, _note(chosen, new))
        remove(downloads)
    return Fetched(chosen.name, out, first_use={name: facts["checksum"] for name, facts in new.items()})


class _Work:
    """The steps for one file, with what they share."""

    def __init__(self, chosen: RemoteSet, out: Path, limits: Limits, patience: Patience, watcher: Watcher) -> None:
        self._chosen, self._out, self._limits = chosen, out, limits
        self._patience, self._watcher = patience, watcher
        self._first = {file.name: recall(chosen, file) for file in chosen.files if not file.checksum}

    def is_new(self, name: str) -> bool:
        """Return whether nobody has said what the checksum of a file is."""
        return name in self._first and self._first[name] is None

    def fetch(self, file: RemoteFile, folder: Path) -> Path:
        """Fetch a file that has the published checksum, or that of its first fetch."""
        first = self._first.get(file.name)
        checksum = file.checksum or (first["checksum"] if first else None)
        try:
            return download(file, folder, checksum=checksum, patience=self._patience, watcher=self._watcher)
        except FetchFailure as error:
            raise self._with_steps(error) from error
        except CorruptFile as error:
            if first is None:
                raise
            todo = f"If its makers have replaced it, take '{file.name}' out of '{record_file()}' and fetch it again"
            raise CorruptFile(
                error.wrong, f"Its first fetch, on {first['fetched']}, gave {first['checksum']}", todo
            ) from error

    def _with_steps(self, error: FetchFailure) -> FetchFailure:
        """Return the error with the way by hand, where one is known."""
        steps = " ".join(self._chosen.steps).replace("{folder}", str(self._out))
        return FetchFailure(error.wrong, error.expected, f"{error.todo}. Or by hand: {steps}") if steps else error

    def unpack(self, path: Path, content: Path) -> None:
        """Unpack a file; a bad archive is not kept."""
        try:
            unpack(path, content, limits=self._limits, watcher=self._watcher)
        except CorruptFile:
            remove(path)
            raise


def _facts(path: Path) -> dict[str, Any]:
    """Return what to remember of a file."""
    return {"checksum": f"sha256:{sha256(path)}", "size": path.stat().st_size}


def _note(chosen: RemoteSet, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the folder says of where it is from."""
    kept = {"name", "title", "licence", "source", "groups", "notes"}
    files = [{**file.model_dump(mode="json"), **new.get(file.name, {})} for file in chosen.files]
    return {
        "schema": _SCHEMA,
        **chosen.model_dump(mode="json", include=kept),
        "fetched": datetime.now(UTC).date().isoformat(),
        "files": files,
    }


def _is_complete(chosen: RemoteSet, out: Path) -> bool:
    """Return whether the folder holds this set."""
    note = out / _NOTE
    if not note.is_file():
        return False
    found = read_json(note)
    return isinstance(found, dict) and found.get("name") == chosen.name
