"""A set becomes a folder: complete, or not there."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from pathlib import Path

import pytest
from filelock import FileLock

from cancernet.errors import CorruptFile, InvalidInput, StorageFailure
from cancernet.fetch import FetchFailure, Limits, RemoteSet, fetch_set, record_file
from fetch.made import QUICK, Server, Steps, digest, noise, plain, remote, remote_set, tarred, zipped

PIECE = 1 << 16
IMAGES = {"one/a.png": noise(120_000), "two/b.png": noise(120_001)}
ZIP = zipped(IMAGES)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def known(server: Server) -> RemoteSet:
    """A set of a zip and a table, both with checksums."""
    table = b"1,2\n"
    return remote_set(
        remote(server.put("/a.zip", ZIP), ZIP), remote(server.put("/t.csv", table), table), layout="folders"
    )


@pytest.fixture
def first(server: Server) -> RemoteSet:
    """A set of a zip without a checksum."""
    return remote_set(remote(server.put("/a.zip", ZIP), about=len(ZIP)))


def _fetch(chosen: RemoteSet, out: Path, **options):
    return fetch_set(chosen, out, patience=QUICK, **options)


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_set_is_fetched_and_unpacked(known: RemoteSet, tmp_path: Path) -> None:
    steps = Steps()
    fetched = _fetch(known, tmp_path / "data" / "made", watcher=steps)
    assert (fetched.name, fetched.already, fetched.first_use) == ("made", False, {})
    assert _names(fetched.folder) == {*IMAGES, "t.csv", "SOURCE.json"}
    assert (fetched.folder / "one/a.png").read_bytes() == IMAGES["one/a.png"]
    assert os.listdir(tmp_path / "data") == ["made"]
    assert [what for what, _ in steps.begun] == [
        *("Fetching a.zip", "Checking a.zip", "Fetching t.csv", "Checking t.csv", "Unpacking a.zip")
    ]
    assert not record_file().exists()


def test_the_folder_says_where_it_is_from(known: RemoteSet, tmp_path: Path) -> None:
    folder = _fetch(known, tmp_path / "made").folder
    note = json.loads((folder / "SOURCE.json").read_text())
    assert (note["name"], note["licence"], note["schema"]) == ("made", "none", 1)
    assert note["files"][0]["checksum"] == digest(ZIP)
    assert note["files"][0]["read_in"] == ["a test"]


def test_a_complete_folder_is_kept(known: RemoteSet, server: Server, tmp_path: Path) -> None:
    _fetch(known, tmp_path / "made")
    mine = tmp_path / "made" / "mine.txt"
    mine.write_text("mine")
    assert _fetch(known, tmp_path / "made").already
    assert len(server.shelves["/a.zip"].asked) == 1
    assert not _fetch(known, tmp_path / "made", force=True).already
    assert len(server.shelves["/a.zip"].asked) == 2
    assert not mine.exists()


def test_another_folder_is_not_touched(known: RemoteSet, server: Server, tmp_path: Path) -> None:
    mine = tmp_path / "made"
    mine.mkdir()
    (mine / "mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        _fetch(known, mine)
    (mine / "SOURCE.json").write_text('{"name": "another"}')
    with pytest.raises(InvalidInput, match="exists already"):
        _fetch(known, mine)
    assert server.shelves["/a.zip"].asked == []
    assert _names(tmp_path) == {"made/mine.txt", "made/SOURCE.json"}


def test_a_failed_replacement_keeps_the_old_folder(known: RemoteSet, server: Server, tmp_path: Path) -> None:
    before = _names(_fetch(known, tmp_path / "made").folder)
    server.put("/a.zip", ZIP, statuses=[404])
    with pytest.raises(FetchFailure):
        _fetch(known, tmp_path / "made", force=True)
    assert _names(tmp_path / "made") == before
    assert os.listdir(tmp_path) == ["made"]


@pytest.mark.parametrize("statuses", [[404], [403], [503] * 9])
def test_nothing_is_left_when_nothing_came(first: RemoteSet, server: Server, tmp_path: Path, statuses) -> None:
    server.shelves["/a.zip"].statuses = statuses
    with pytest.raises(FetchFailure):
        _fetch(first, tmp_path / "data" / "deep" / "made")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("at", ["Fetching a.zip", "Checking a.zip", "Checking t.csv", "Unpacking"])
def test_an_interrupted_set_is_gone_on_with(known: RemoteSet, server: Server, tmp_path: Path, at: str) -> None:
    out = tmp_path / "made"
    with pytest.raises(KeyboardInterrupt):
        _fetch(known, out, watcher=Steps(stop=PIECE if at.startswith("Fetching") else 0, at=at))
    assert not out.exists()
    assert os.listdir(tmp_path) == [".made.download.partial"]
    assert _names(_fetch(known, out).folder) == {*IMAGES, "t.csv", "SOURCE.json"}
    asked = [headers.get("Range", "all") for headers in server.shelves["/a.zip"].asked]
    assert asked == (["all", f"bytes={PIECE}-"] if at.startswith("Fetching") else ["all"])
    assert os.listdir(tmp_path) == ["made"]


def test_what_a_killed_process_left_is_cleared(known: RemoteSet, tmp_path: Path) -> None:
    left = tmp_path / ".made.partial" / "one"
    left.mkdir(parents=True)
    (left / "a.png").write_bytes(b"half")
    folder = _fetch(known, tmp_path / "made").folder
    assert (folder / "one/a.png").read_bytes() == IMAGES["one/a.png"]


def test_a_wrong_file_leaves_nothing(known: RemoteSet, server: Server, tmp_path: Path) -> None:
    server.put("/a.zip", ZIP[::-1])
    with pytest.raises(CorruptFile, match="sha256"):
        _fetch(known, tmp_path / "made")
    assert os.listdir(tmp_path) == []


def test_an_unsafe_archive_leaves_nothing_and_is_not_trusted(server: Server, tmp_path: Path) -> None:
    body = tarred((plain("a.png"), noise(100)), (plain("../b.png"), noise(100)))
    chosen = remote_set(remote(server.put("/a.tar.gz", body)))
    with pytest.raises(CorruptFile, match="leads out"):
        _fetch(chosen, tmp_path / "data" / "made")
    assert os.listdir(tmp_path) == []
    assert not record_file().exists()


def test_limits_are_obeyed(known: RemoteSet, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match="more than 1 files"):
        _fetch(known, tmp_path / "made", limits=Limits(members=1))


def test_the_first_fetch_is_written_down_and_later_ones_must_agree(
    first: RemoteSet, server: Server, tmp_path: Path
) -> None:
    assert _fetch(first, tmp_path / "one").first_use == {"a.zip": digest(ZIP)}
    known = json.loads(record_file().read_text())
    assert known["made/a.zip"]["checksum"] == digest(ZIP)
    assert known["made/a.zip"]["size"] == len(ZIP)
    assert _fetch(first, tmp_path / "two").first_use == {}
    other = zipped({"one/a.png": noise(120_000), "two/c.png": noise(9)})
    server.put("/a.zip", other)
    with pytest.raises(CorruptFile) as caught:
        _fetch(first, tmp_path / "three")
    assert digest(ZIP) in caught.value.expected
    assert digest(other).partition(":")[2] in caught.value.wrong
    assert str(record_file()) in caught.value.todo
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]
    assert json.loads(record_file().read_text()) == known
    record_file().unlink()
    assert _fetch(first, tmp_path / "three").first_use == {"a.zip": digest(other)}


@pytest.mark.parametrize("text", ["[]", '{"made/a.zip": 3}', '{"made/a.zip": {}}', "not json"])
def test_a_damaged_record_is_not_passed_over(first: RemoteSet, tmp_path: Path, text: str) -> None:
    record_file().parent.mkdir(parents=True)
    record_file().write_text(text)
    with pytest.raises(CorruptFile, match=r"first-use\.json"):
        _fetch(first, tmp_path / "made")


def test_a_small_disk_is_refused_first(known: RemoteSet, server: Server, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**9, 0, int(2.4 * known.size)))
    with pytest.raises(StorageFailure, match="are free"):
        _fetch(known, tmp_path / "made")
    assert server.shelves["/a.zip"].asked == []
    assert os.listdir(tmp_path) == []
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**9, 0, int(2.6 * known.size)))
    assert _fetch(known, tmp_path / "made").folder.is_dir()


def test_one_process_at_a_time(known: RemoteSet, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".made.lock"), pytest.raises(InvalidInput, match="Another process works on"):
        _fetch(known, tmp_path / "made")


def test_the_way_by_hand_is_told_when_the_address_is_gone(server: Server, tmp_path: Path) -> None:
    chosen = remote_set(remote(f"{server.address}/gone.zip"), steps=("Unpack it into {folder}.",))
    with pytest.raises(FetchFailure, match=r"Or by hand: Unpack it into .*made"):
        _fetch(chosen, tmp_path / "made")


def test_a_set_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="log in"):
        _fetch(remote_set(steps=("log in",), read_in=("a page",)), tmp_path / "made")
