"""One file from its server, whole and of the right checksum, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cancernet.errors import CancerNetError, CorruptFile
from cancernet.fetch.entries import RemoteFile
from cancernet.fetch.failures import host_of
from cancernet.fetch.resume import Patience, Resuming
from cancernet.fetch.sink import Watcher

__all__ = ["download"]

_GOT = re.compile(r"but got ([0-9a-f]+)")


def download(file: RemoteFile, folder: Path, *, checksum: str | None, patience: Patience, watcher: Watcher) -> Path:
    """Fetch a file into a folder, by pooch; go on with a partial one that is there.

    A file that is there already and has the checksum is not fetched again.

    Parameters
    ----------
    file
        What to fetch.
    folder
        Where to; the file appears under its name when it is complete and right. Before, it is ``NAME.partial``.
    checksum
        What it must have, "sha256:..." or "md5:..."; None when any is taken.
    patience, watcher
        How long to wait, and who is told how far it is.

    Returns
    -------
    Where it is.

    Raises
    ------
    FetchFailure
        When it does not arrive.
    CorruptFile
        When it has another checksum; then it is removed.
    """
    from pooch import retrieve

    downloader = Resuming(
        file, folder / f"{file.name}.partial", trusted=checksum is not None, patience=patience, watcher=watcher
    )
    try:
        with _quiet():
            path = retrieve(file.address, checksum, fname=file.name, path=folder, downloader=downloader)
    except CancerNetError:
        raise
    except ValueError as error:  # what pooch raises for another checksum
        downloader.forget()
        raise _other_file(file, str(checksum), str(error)) from error
    downloader.forget()
    if downloader.total:
        watcher.reach(downloader.total)  # it is checked
    return Path(path)


def _other_file(file: RemoteFile, checksum: str, words: str) -> CorruptFile:
    """Return the error for a file with another checksum."""
    kind, _, expected = checksum.partition(":")
    got = _GOT.search(words)
    return CorruptFile(
        f"'{file.name}' from '{host_of(file.address)}' has the {kind} {got[1] if got else '(unknown)'}",
        f"Expected {expected}: it was damaged on the way, or replaced",
        "It was removed. Try once more; if it stays so, tell the makers of this package",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pooch from writing lines of its own."""
    from pooch import get_logger

    level = get_logger().level
    get_logger().setLevel("ERROR")
    try:
        yield
    finally:
        get_logger().setLevel(level)
