"""What may come out of an archive: names that stay inside, plain files, not too many and not too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cancernet.errors import CorruptFile

__all__ = ["Limits", "Readable", "Target"]

_CHUNK = 1 << 20  # bytes copied at once
_GIB = 1 << 30
_JUNK = "__MACOSX"  # what macOS adds to an archive: no data


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    Parameters
    ----------
    total
        All files together, in bytes.
    members
        Files and folders.
    ratio
        Bytes that come out for each byte of the archive. Images hardly shrink; a bomb gives thousands.
    """

    total: int = 200 * _GIB
    members: int = 1_000_000
    ratio: float = 100.0


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class Target:
    """A folder that an archive is unpacked into, counting.

    Parameters
    ----------
    archive
        The file that is unpacked.
    folder
        Where to.
    limits
        How much may come.
    """

    def __init__(self, archive: Path, folder: Path, *, limits: Limits) -> None:
        self._archive, self._folder, self._limits = archive, folder.resolve(), limits
        self._most = min(limits.total, int(limits.ratio * archive.stat().st_size))
        self._bytes = self._members = 0

    def refuse(self, wrong: str) -> CorruptFile:
        """Return the error for an archive with something unsafe in it."""
        return CorruptFile(
            f"'{self._archive.name}' {wrong}",
            "Plain files and folders that stay inside the folder they are unpacked into",
            "Nothing of it was kept. Do not unpack it by hand",
        )

    def make_folder(self, name: str) -> None:
        """Make a folder."""
        path = self._path(name)
        if path is not None:
            self._make(path, name)

    def write(self, name: str, stream: Readable, *, tell: Callable[[], None]) -> None:
        """Write a file; `tell` is called after each piece of it.

        Raises
        ------
        CorruptFile
            When the name leads out of the folder or is there twice, or when it is too much.
        """
        path = self._path(name)
        if path is None:
            return
        self._make(path.parent, name)
        if path.exists():
            raise self.refuse(f"holds '{name}' twice")
        with path.open("xb") as file:
            while chunk := stream.read(_CHUNK):
                self._count(len(chunk))
                file.write(chunk)
                tell()

    def _path(self, name: str) -> Path | None:
        """Return where a member goes, or None for what is left out."""
        self._members += 1
        if self._members > self._limits.members:
            raise self.refuse(f"holds more than {self._limits.members:,} files")
        parts = name.replace("\\", "/").split("/")
        outside = name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name
        path = self._folder.joinpath(*(part for part in parts if part not in ("", ".")))
        if outside or not path.is_relative_to(self._folder):
            raise self.refuse(f"holds '{name}', which leads out of the folder")
        return None if parts[0] == _JUNK else path

    def _make(self, folder: Path, name: str) -> None:
        """Make a folder that a member needs."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise self.refuse(f"holds '{name}' below a file") from error

    def _count(self, size: int) -> None:
        """Count bytes that came out."""
        self._bytes += size
        if self._bytes > self._most:
            raise self.refuse(f"gives more than {self._most:,} bytes: too much for an archive of its size")
