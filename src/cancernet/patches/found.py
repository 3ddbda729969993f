"""The image files below a folder: found fast, in one order on every system, and never opened."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.files import storage_errors
from cancernet.patches.images import SUFFIXES
from cancernet.patches.patchset import Fault

__all__ = ["Found", "find_images", "usable_size"]

_SYSTEM = ("__MACOSX", "Thumbs.db", "desktop.ini")  # what systems leave behind, beside names that begin with a dot


@dataclass(frozen=True)
class Found:
    """What lies below a folder.

    Parameters
    ----------
    folder
        Where the search began.
    ids
        Paths of the images below it, with '/', sorted.
    sizes
        Of these files, in bytes.
    faults
        Files that are named like images and cannot be one.
    others
        How many other files there are, by suffix.
    """

    folder: Path
    ids: tuple[str, ...]
    sizes: tuple[int, ...]
    faults: tuple[Fault, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.ids)

    @property
    def names(self) -> list[str]:
        """The file names, without folders."""
        return [path.rpartition("/")[2] for path in self.ids]

    def keep(self, rows: Iterable[int], faults: Iterable[Fault] = ()) -> Found:
        """Return some of the images, with further faults."""
        rows = list(rows)
        return replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            sizes=tuple(self.sizes[row] for row in rows),
            faults=(*self.faults, *faults),
        )


def find_images(folder: Path) -> Found:
    """Return the images below a folder, at any depth, told by their suffix.

    Hidden files and what operating systems leave behind are passed over. Linked folders are entered after all others,
    and no folder is entered twice: links in a circle come to an end, and no image is found by two ways. Files of no
    byte, links to nothing, and names that are not UTF-8 become faults.

    Raises
    ------
    InvalidInput
        When there is no image; the message says what is there instead.
    StorageFailure
        When a folder is not there or may not be read.
    """
    search = _Search(folder)
    search.run()
    files = sorted(search.files)
    found = Found(
        folder,
        tuple(path for path, _ in files),
        tuple(size for _, size in files),
        tuple(sorted(search.faults, key=lambda fault: str(fault.path))),
        search.others,
    )
    _refuse_nothing(found)
    return found


def usable_size(status: os.stat_result) -> tuple[int, str]:
    """Return the size of a file in bytes, and why it cannot be an image; empty when it can."""
    if not stat.S_ISREG(status.st_mode):
        return 0, "it is not a file"
    return status.st_size, "" if status.st_size else "it is empty (0 bytes)"


class _Search:
    """A walk through folders: `files` holds path and size of each image, `others` counts the rest by suffix."""

    def __init__(self, folder: Path) -> None:
        self.files: list[tuple[str, int]] = []
        self.faults: list[Fault] = []
        self.others: Counter[str] = Counter()
        self._top = folder
        self._entered: set[tuple[int, int]] = set()
        self._folders = [""]  # still to enter, below the top, each with '/' at its end
        self._links: list[str] = []

    def run(self) -> None:
        """Enter every folder, the linked ones last and in order."""
        while self._folders or self._links:
            if not self._folders:
                self._links.sort(reverse=True)
                self._folders.append(self._links.pop())
            self._enter(self._folders.pop())

    def _enter(self, below: str) -> None:
        """Look at everything in a folder that was not entered before."""
        path = os.path.join(self._top, below)
        with storage_errors(Path(path)):
            status = os.stat(path)
            identity = (status.st_dev, status.st_ino)
            entries = () if identity in self._entered else tuple(os.scandir(path))
        self._entered.add(identity)
        for entry in entries:
            if not entry.name.startswith(".") and entry.name not in _SYSTEM:
                self._look_at(entry, below + entry.name)

    def _look_at(self, entry: os.DirEntry[str], path: str) -> None:
        """Note a folder, an image or another file."""
        if _is_folder(entry):
            (self._links if entry.is_symlink() else self._folders).append(f"{path}/")
        elif entry.name.lower().endswith(SUFFIXES):
            self._keep(entry, path)
        else:
            self.others[os.path.splitext(entry.name)[1].lower() or "no suffix"] += 1

    def _keep(self, entry: os.DirEntry[str], path: str) -> None:
        """Note an image, or why it cannot be one."""
        try:
            size, reason = usable_size(entry.stat())
        except OSError:
            size, reason = 0, "it is a link to nothing"
        if not _is_text(path):
            path, reason = os.fsencode(path).decode("utf-8", "backslashreplace"), "its name is not UTF-8"
        if reason:
            self.faults.append(Fault(self._top / path, reason))
        else:
            self.files.append((path, size))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder or a link to one; a link in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_text(path: str) -> bool:
    """Tell whether a path can be written as UTF-8."""
    if path.isascii():
        return True
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_nothing(found: Found) -> None:
    """Raise when no image was found, or none that can be used."""
    if found.ids:
        return
    if found.faults:
        names = [fault.path.name for fault in found.faults]
        raise InvalidInput(
            f"No image of '{found.folder}' can be used: {listed(names, 3)}: {found.faults[0].reason}",
            "Expected images",
            "Copy them again",
        )
    what = ", ".join(f"{count:,} {suffix}" for suffix, count in Counter(found.others).most_common(5))
    raise InvalidInput(
        f"'{found.folder}' holds no image",
        f"Expected files that end in {', '.join(SUFFIXES)}; found {what or 'nothing'}",
        "Name the folder that holds the images",
    )
