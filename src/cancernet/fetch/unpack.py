"""Archives unpacked without trust: zip, tar.gz and gz; any other file is moved as it is.

The libraries' own `extractall` follows links and believes sizes. Here each member is looked at first, and the bytes are
counted as they come, not as they are announced.
"""

from __future__ import annotations

import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from cancernet.errors import CorruptFile
from cancernet.fetch.limits import Limits, Target
from cancernet.fetch.sink import Watcher

__all__ = ["unpack"]

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)
_ENCRYPTED = 0x1  # a flag of a zip member
_TARS = (".tar.gz", ".tgz")
_AGAIN = "It was removed: run the same command again to fetch it anew"
_CHUNK = 1 << 20  # bytes


def unpack(archive: Path, folder: Path, *, limits: Limits, watcher: Watcher) -> None:
    """Unpack an archive into a folder, told by its name; move any other file there.

    Parameters
    ----------
    archive
        The file. A zip, tar or gz stays where it is; another file is moved.
    folder
        Where to; it must exist. When the work fails, part of the content may be in it.
    limits
        How much may come out.
    watcher
        Told how many bytes of the archive are read.

    Raises
    ------
    CorruptFile
        When the archive is damaged, or holds absolute names, names with '..', links, devices, a name twice, too many
        files, or too many bytes.
    """
    name = archive.name.lower()
    if archive.stat().st_size == 0:
        raise CorruptFile(f"'{archive.name}' is empty", "A file with something in it", _AGAIN)
    if not name.endswith((".zip", ".tar", ".gz", ".tgz")):
        os.replace(archive, folder / archive.name)
        return
    size = archive.stat().st_size
    watcher.begin(f"Unpacking {archive.name}", size)
    target = Target(archive, folder, limits=limits)
    with _damage_in_words(archive), archive.open("rb") as raw:
        if name.endswith(".zip"):
            _unpack_zip(raw, target, watcher)
        elif name.endswith(".tar"):
            _unpack_tar(raw, target, lambda: watcher.reach(raw.tell()))
        else:
            _unpack_gz(raw, target, watcher)
    watcher.reach(size)


def _unpack_zip(raw: BinaryIO, target: Target, watcher: Watcher) -> None:
    """Write the members of a zip."""
    done = 0
    with zipfile.ZipFile(raw) as archive:
        for member in archive.infolist():
            _unpack_zip_member(archive, member, target)
            done += member.compress_size
            watcher.reach(done)


def _unpack_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Target) -> None:
    """Write a file or make a folder."""
    _refuse_zip_member(member, target)
    if member.is_dir():
        target.make_folder(member.filename)
        return
    with archive.open(member) as stream:
        target.write(member.filename, stream, tell=lambda: None)


def _refuse_zip_member(member: zipfile.ZipInfo, target: Target) -> None:
    """Raise for what is neither a plain file nor a folder, and for what needs a password."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise target.refuse(f"holds '{member.filename}', a link or a device")
    if member.flag_bits & _ENCRYPTED:
        raise target.refuse(f"holds '{member.filename}', which needs a password")


def _unpack_gz(raw: BinaryIO, target: Target, watcher: Watcher) -> None:
    """Write the members of a tar.gz, or the file of a gz."""
    name = Path(raw.name).name
    with gzip.open(raw) as stream:
        if name.lower().endswith(_TARS):
            _unpack_tar(cast("IO[bytes]", stream), target, lambda: watcher.reach(raw.tell()))
            while stream.read(_CHUNK):  # the checksum stands at the end, which a tar does not read
                pass
        else:
            target.write(name[: -len(".gz")], stream, tell=lambda: watcher.reach(raw.tell()))


def _unpack_tar(raw: IO[bytes], target: Target, tell: Callable[[], None]) -> None:
    """Write the members of a tar, in one pass."""
    with tarfile.open(fileobj=raw, mode="r:") as archive:
        for member in archive:
            if member.isdir():
                target.make_folder(member.name)
            elif member.isreg() and (stream := archive.extractfile(member)) is not None:
                target.write(member.name, stream, tell=tell)
            else:
                raise target.refuse(f"holds '{member.name}', a link or a device")


@contextmanager
def _damage_in_words(archive: Path) -> Iterator[None]:
    """Turn the complaints of the libraries about a damaged archive into ours."""
    try:
        yield
    except _DAMAGE as error:
        raise CorruptFile(
            f"'{archive.name}' cannot be unpacked ({type(error).__name__}: {error})",
            "A whole archive",
            _AGAIN,
        ) from error
