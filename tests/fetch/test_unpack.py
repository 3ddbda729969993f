"""Archives that want out of their folder, into devices, or to fill the disk."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import CorruptFile
from cancernet.fetch import Limits, unpack
from fetch.made import Steps, noise, plain, tarred, zipped

IMAGE = noise(5000)
OUTSIDE = ["../a.png", "x/../../a.png", "/etc/a.png", "\\a.png", "..\\a.png", "C:\\a.png", "c:a.png", "x/.."]


def _unpack(folder: Path, name: str, body: bytes, limits: Limits | None = None, watcher: Steps | None = None) -> Path:
    archive, target = folder / name, folder / "target"
    archive.write_bytes(body)
    target.mkdir()
    unpack(archive, target, limits=limits or Limits(), watcher=watcher or Steps())
    return target


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refused(folder: Path, name: str, body: bytes, words: str, limits: Limits | None = None) -> None:
    """Hold that an archive is refused and that nothing appears beside the folder."""
    with pytest.raises(CorruptFile, match=words):
        _unpack(folder, name, body, limits)
    assert {path.name for path in folder.iterdir()} == {name, "target"}


def test_zip_and_tar_give_the_same(tmp_path: Path) -> None:
    members = {"set/0/a.png": IMAGE, "set/1/b.png": IMAGE[::-1], "readme.txt": b""}
    (tmp_path / "zip").mkdir()
    (tmp_path / "tar").mkdir()
    folder = plain("set", tarfile.DIRTYPE), b""
    packed = tarred(folder, *((plain(name), body) for name, body in members.items()))
    assert _files(_unpack(tmp_path / "zip", "a.zip", zipped({"set/": b"", **members}))) == members
    assert _files(_unpack(tmp_path / "tar", "a.tar.gz", packed)) == members


@pytest.mark.parametrize(("name", "mode"), [("a.tgz", "w:gz"), ("a.tar", "w:")])
def test_other_names_of_tar(tmp_path: Path, name: str, mode: str) -> None:
    assert _files(_unpack(tmp_path, name, tarred((plain("a.png"), IMAGE), mode=mode))) == {"a.png": IMAGE}


def test_gz_is_one_file(tmp_path: Path) -> None:
    assert _files(_unpack(tmp_path, "a.h5.gz", gzip.compress(IMAGE))) == {"a.h5": IMAGE}


@pytest.mark.parametrize("name", ["a.h5", "wdbc.data", "meta.csv"])
def test_other_files_are_moved_as_they_are(tmp_path: Path, name: str) -> None:
    assert _files(_unpack(tmp_path, name, IMAGE)) == {name: IMAGE}
    assert not (tmp_path / name).exists()


def test_progress_reaches_the_size_of_the_archive(tmp_path: Path) -> None:
    steps = Steps()
    body = tarred((plain("a.png"), IMAGE))
    _unpack(tmp_path, "a.tar.gz", body, watcher=steps)
    assert steps.begun == [("Unpacking a.tar.gz", len(body))]
    assert steps.reached[-1] == len(body)


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    members = {"a.png": IMAGE, "__MACOSX/._a.png": b"x"}
    assert _files(_unpack(tmp_path, "a.zip", zipped(members))) == {"a.png": IMAGE}


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    _refused(tmp_path, "a.zip", zipped({"fine.png": IMAGE, name: IMAGE}), "leads out of the folder")


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_in_a_tar_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    _refused(tmp_path, "a.tar.gz", tarred((plain("fine.png"), IMAGE), (plain(name), IMAGE)), "leads out of the folder")


KINDS = {
    "symbolic link": (tarfile.SYMTYPE, "/etc/passwd"),
    "link inside": (tarfile.SYMTYPE, "fine.png"),
    "hard link": (tarfile.LNKTYPE, "fine.png"),
    "character device": (tarfile.CHRTYPE, ""),
    "block device": (tarfile.BLKTYPE, ""),
    "pipe": (tarfile.FIFOTYPE, ""),
}


@pytest.mark.parametrize(("kind", "link"), KINDS.values(), ids=KINDS)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes, link: str) -> None:
    body = tarred((plain("fine.png"), IMAGE), (plain("bad", kind, link), b""), (plain("bad/a.png"), IMAGE))
    _refused(tmp_path, "a.tar.gz", body, "holds 'bad', a link or a device")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("bad")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    _refused(tmp_path, "a.zip", buffer.getvalue(), "holds 'bad', a link or a device")


def test_a_password_is_refused(tmp_path: Path) -> None:
    body = bytearray(zipped({"a.png": IMAGE}, zipfile.ZIP_STORED))
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(marker) + offset] |= 1
    _refused(tmp_path, "a.zip", bytes(body), "needs a password")


BOMB = b"\0" * 3_000_000


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.zip", zipped({"a.png": BOMB})),
        ("a.tar.gz", tarred((plain("a.png"), BOMB))),
        ("a.gz", gzip.compress(BOMB)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bomb_is_refused_while_it_swells(tmp_path: Path, name: str, body: bytes) -> None:
    _refused(tmp_path, name, body, "too much for an archive of its size")
    assert sum(map(len, _files(tmp_path / "target").values())) < len(BOMB)


def test_the_bytes_are_counted_not_the_announcement(tmp_path: Path) -> None:
    """A zip that says its member has ten bytes gives ten at most."""
    body = bytearray(zipped({"a.png": BOMB}))
    body[body.index(b"PK\x01\x02") + 24 :][:4] = b""
    start = body.index(b"PK\x01\x02") + 24
    body[start : start + 4] = (10).to_bytes(4, "little")
    with pytest.raises(CorruptFile):
        _unpack(tmp_path, "a.zip", bytes(body))
    assert sum(map(len, _files(tmp_path / "target").values())) <= 10


def test_limits_on_all_bytes_and_on_the_number_of_files(tmp_path: Path) -> None:
    members = {f"{number}.png": IMAGE for number in range(4)}
    for folder in ("few", "little", "fine"):
        (tmp_path / folder).mkdir()
    _refused(tmp_path / "few", "a.zip", zipped(members), "more than 3 files", Limits(members=3))
    _refused(tmp_path / "little", "a.zip", zipped(members), "more than 19,999 bytes", Limits(total=19_999))
    assert len(_files(_unpack(tmp_path / "fine", "a.zip", zipped(members), Limits(total=20_000, members=4)))) == 4


@pytest.mark.parametrize(
    "names", [("a.png", "a.png"), ("a.png", "./a.png"), ("a.png", "a.png/b.png"), ("a/b.png", "a")], ids=str
)
def test_a_name_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    _refused(tmp_path, "a.tar.gz", tarred(*((plain(name), IMAGE) for name in names)), "twice|below a file")


GOOD = {
    "a.zip": zipped({"a.png": IMAGE, "b.png": IMAGE}),
    "a.tar.gz": tarred((plain("a.png"), IMAGE), (plain("b.png"), IMAGE)),
    "a.h5.gz": gzip.compress(IMAGE),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_damage_is_said_in_words(tmp_path: Path, name: str, damage: str) -> None:
    good = GOOD[name]
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 0xFF
    bad = {"text": b"<html>" * 500, "cut": good[: len(good) // 2], "flipped": bytes(flipped)}
    with pytest.raises(CorruptFile, match="cannot be unpacked"):
        _unpack(tmp_path, name, bad[damage])


@pytest.mark.parametrize("name", [*GOOD, "wdbc.data"])
def test_nothing_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorruptFile, match="is empty"):
        _unpack(tmp_path, name, b"")


@given(st.lists(st.text(alphabet="ab./\\:é\0", min_size=1, max_size=8), min_size=1, max_size=4))
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    with suppress(CorruptFile):
        _unpack(folder, "a.tar.gz", tarred(*((plain(name), b"x") for name in names)))
    assert {path.name for path in folder.iterdir()} == {"a.tar.gz", "target"}
    assert all(path.resolve().is_relative_to(folder / "target") for path in (folder / "target").rglob("*"))
