"""Where a batch keeps what, and how files come to be there in one step, also on a network file system.

::

    OUT/NAME/                     what the work made of an item, complete; job.json in it says how it came to be
    OUT/.NAME.partial-TOKEN/      what it is making
    OUT/.NAME.old-TOKEN/          what stood there, while it is replaced
    OUT/ledger.jsonl              what happened, in order; for reading only
    OUT/.jobs/entries/AB/NAME.json    the ledger: one file for each item
    OUT/.jobs/leases/NAME             who works on an item now
    OUT/.jobs/taken/                  leases taken from the dead, until what these left is removed
    OUT/.jobs/new/                    files that have not got their name yet
"""

from __future__ import annotations

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from cancernet.files import remove, storage_errors

__all__ = ["RECORD", "Place", "create", "folder_names", "make_durable", "replace", "server_time"]

RECORD = "job.json"
"""In each complete output folder: its entry of the ledger."""

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_POSIX = os.name == "posix"  # elsewhere folders cannot be synchronised
_AT_ONCE = 8  # files that are written to the disk
_LITTER = 3600.0  # seconds after which a file without a name has been forgotten


@dataclass(frozen=True)
class Place:
    """The output folder of a batch."""

    out: Path

    @property
    def entries(self) -> Path:
        """The folder of the entries."""
        return self.out / ".jobs" / "entries"

    @property
    def leases(self) -> Path:
        """The folder of the leases."""
        return self.out / ".jobs" / "leases"

    @property
    def taken(self) -> Path:
        """The folder of the leases that were taken from the dead."""
        return self.out / ".jobs" / "taken"

    @property
    def new(self) -> Path:
        """The folder of the files that have no name yet."""
        return self.out / ".jobs" / "new"

    @property
    def log(self) -> Path:
        """The file that says what happened."""
        return self.out / "ledger.jsonl"

    def entry(self, key: str) -> Path:
        """Return the file of an entry: one of 256 folders, so that none holds too many files."""
        return self.entries / hashlib.sha256(key.encode()).hexdigest()[:2] / f"{key}.json"

    def final(self, key: str) -> Path:
        """Return the output folder of an item."""
        return self.out / key

    def partial(self, key: str, token: str) -> Path:
        """Return the folder that an attempt writes into."""
        return self.out / f".{key}.partial-{token}"

    def old(self, key: str, token: str) -> Path:
        """Return the folder that keeps earlier outputs while an attempt replaces them."""
        return self.out / f".{key}.old-{token}"

    def prepare(self) -> None:
        """Make the folders, and write a first byte.

        Raises
        ------
        StorageFailure
            When the place cannot be written.
        """
        with storage_errors(self.out):
            for folder in (self.out, self.leases, self.taken, self.new):
                folder.mkdir(parents=True, exist_ok=True)
            for number in range(256):
                self.entries.joinpath(f"{number:02x}").mkdir(parents=True, exist_ok=True)
            server_time(self.new)

    def tidy(self) -> None:
        """Remove files that never got their name, of processes that were killed."""
        now = server_time(self.new)
        for path in self.new.iterdir():
            with suppress(FileNotFoundError):
                if now - path.stat().st_mtime > _LITTER:
                    path.unlink()

    def abandon(self, key: str, token: str) -> None:
        """Remove what a dead attempt left; outputs that it was about to replace come back."""
        old, final = self.old(key, token), self.final(key)
        with storage_errors(self.out):
            if old.is_dir() and not final.exists():
                os.rename(old, final)
            remove(old)
            remove(self.partial(key, token))


def create(path: Path, text: str, *, new: Path) -> bool:
    """Write a file that is whole at once, unless one is there; return whether it was written.

    A hard link is the one step that NFS makes exclusive together with the content. Where the file system has none,
    the file is made exclusively and then filled.
    """
    draft = _draft(text, new, durable=False)
    try:
        os.link(draft, path)
    except FileExistsError:
        return draft.stat().st_nlink > 1  # the answer to our first request was lost, and it was made twice
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create_without_links(path, text)
    finally:
        draft.unlink()
    return True


def replace(path: Path, text: str, *, new: Path, durable: bool) -> None:
    """Write a file in the place of one that may be there; `durable` ones survive a power failure too."""
    draft = _draft(text, new, durable=durable)
    try:
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def server_time(new: Path) -> float:
    """Return the time by the clock that stamps the files there, which need not be the clock of this machine."""
    draft = _draft("", new, durable=False)
    try:
        return draft.stat().st_mtime
    finally:
        draft.unlink()


def make_durable(folder: Path) -> None:
    """Have a folder's files, and those in folders below, written to the disk; a power failure then loses none.

    All at once, so that the file system can write them in one go: ten times as fast as one after the other.
    """
    paths = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink() and (_POSIX or path.is_file())]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(_sync, paths):
            pass  # raises what went wrong


def folder_names(folder: Path) -> tuple[str, ...]:
    """Return the files in a folder and below, as paths relative to it, sorted."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def _draft(text: str, new: Path, *, durable: bool) -> Path:
    """Write a file of a name that nobody else uses."""
    path = new / uuid4().hex
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    return path


def _create_without_links(path: Path, text: str) -> bool:
    """Make a file exclusively, then fill it."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    return True


def _sync(path: Path) -> None:
    """Have one file or folder written to the disk."""
    handle = os.open(path, os.O_RDONLY if _POSIX else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
