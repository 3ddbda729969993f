"""`data fetch`, and the public sets in `data list`, against a server on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancernet.fetch import Patience, RemoteSet, record_file, remote_sets
from cli.made import cancernet, refused, succeeded
from fetch.made import Server, digest, noise, remote, remote_set, serving, zipped

IMAGES = {"set/one/a.png": noise(90_000), "set/two/b.png": noise(90_001)}
ZIP = zipped(IMAGES)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on this machine, with sets of its own in the place of the catalogue."""
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("cancernet.fetch.resume.sleep", lambda _: None)
    with serving() as found:
        yield found


def _offer(monkeypatch: pytest.MonkeyPatch, *sets: RemoteSet) -> None:
    monkeypatch.setattr("cancernet.fetch.entries.remote_sets", lambda: sets)


@pytest.fixture
def offered(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The sets 'made' (a zip with a checksum), 'first' (without) and 'closed' (behind a login)."""
    address = server.put("/a.zip", ZIP)
    words = {"layout": "folders", "folder": "set", "notes": ("Look before you train.",)}
    _offer(
        monkeypatch,
        remote_set(remote(address, ZIP), **words),
        remote_set(remote(address, about=len(ZIP)), name="first"),
        remote_set(name="closed", steps=("Log in.", "Unpack it into {folder}."), read_in=("a page",), **words),
    )
    return server


def test_a_set_is_fetched(offered: Server, here: Path) -> None:
    found = succeeded("data", "fetch", "made")
    assert (here / "data/made/set/one/a.png").read_bytes() == IMAGES["set/one/a.png"]
    assert "cancernet data audit data/made/set --layout folders" in found.out
    assert "cancernet train" in found.out
    assert "Look before you train." in found.out
    assert "licence" in found.out
    assert found.err.splitlines() == ["Fetching a.zip ...", "Checking a.zip ...", "Unpacking a.zip ..."]


def test_it_is_fetched_once(offered: Server, here: Path) -> None:
    succeeded("data", "fetch", "made")
    again = succeeded("data", "fetch", "made")
    assert "made is already there" in again.out
    assert again.err == ""
    assert len(offered.shelves["/a.zip"].asked) == 1
    succeeded("data", "fetch", "made", "--force")
    assert len(offered.shelves["/a.zip"].asked) == 2


def test_place_and_silence(offered: Server, here: Path) -> None:
    found = succeeded("data", "fetch", "made", "--out", "deep/place", "--quiet")
    assert (found.out, found.err) == ("", "")
    assert (here / "deep/place/SOURCE.json").is_file()


def test_json(offered: Server, here: Path) -> None:
    found = succeeded("data", "fetch", "first", "--json")
    assert found.err == ""
    assert found.json["fetched"] is True
    assert found.json["already"] is False
    assert found.json["folder"] == "data/first"
    assert found.json["first_use"] == {"a.zip": digest(ZIP)}
    assert json.loads(record_file().read_text())["first/a.zip"]["checksum"] == digest(ZIP)


def test_a_first_use_is_said(offered: Server, here: Path) -> None:
    out = " ".join(succeeded("data", "fetch", "first").out.split())
    assert "Nobody has published the checksum of a.zip" in out
    assert digest(ZIP) in out
    assert "Nobody has" not in succeeded("data", "fetch", "first", "--out", "two").out
    offered.put("/a.zip", zipped({"other.png": noise(100)}))
    assert "Its first fetch" in refused_quietly("data", "fetch", "first", "--out", "three")


def refused_quietly(*arguments: object) -> str:
    """Hold that a fetch is refused, without the lines of progress."""
    return refused(*arguments, "--quiet")


def test_steps_instead_of_a_login(offered: Server, here: Path) -> None:
    found = succeeded("data", "fetch", "closed")
    assert "1. Log in." in found.out
    assert "2. Unpack it into data/closed." in found.out
    assert "cancernet data audit data/closed/set --layout folders" in found.out
    told = succeeded("data", "fetch", "closed", "--out", "mine", "--json").json
    assert told == {
        "name": "closed",
        "fetched": False,
        "folder": "mine",
        "steps": ["Log in.", "Unpack it into mine."],
    }
    assert list(here.iterdir()) == []


def test_an_unknown_name_offers_the_nearest(offered: Server, here: Path) -> None:
    assert "Did you mean 'made'?" in refused("data", "fetch", "mad")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"statuses": [403]}, "needs a login"),
        ({"statuses": [404]}, "was moved or taken down"),
        ({"statuses": [500] * 9}, "in trouble"),
        ({"kind": "text/html"}, "web page"),
        ({"length": 10}, "announces 10 bytes"),
    ],
    ids=str,
)
def test_answers_that_are_no_file(offered: Server, here: Path, options, words: str) -> None:
    offered.put("/a.zip", ZIP, **options)
    assert words in refused_quietly("data", "fetch", "made")


def test_a_wrong_file(offered: Server, here: Path) -> None:
    offered.put("/a.zip", ZIP[:-1] + b"x")
    assert "Expected" in refused_quietly("data", "fetch", "made")


def test_an_unsafe_archive(server: Server, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = zipped({"../../a.png": noise(10)})
    _offer(monkeypatch, remote_set(remote(server.put("/a.zip", body), body)))
    assert "leads out of the folder" in refused_quietly("data", "fetch", "made")


def test_no_network(here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, remote_set(remote("http://127.0.0.1:9/a.zip")))
    assert "The connection to '127.0.0.1' failed" in refused_quietly("data", "fetch", "made")


def test_a_place_that_is_taken(offered: Server, here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "made").write_text("mine")
    assert "exists already" in refused("data", "fetch", "made")


def test_an_interrupted_fetch_is_gone_on_with(offered: Server, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = offered.shelves["/a.zip"]
    shelf.cuts = [1 << 16]
    with monkeypatch.context() as patched:
        patched.setattr(Patience, "wait", _interrupt)
        assert cancernet("data", "fetch", "made").code == 130
    assert [path.name for path in (here / "data").iterdir()] == [".made.download.partial"]
    succeeded("data", "fetch", "made", "--quiet")
    assert shelf.asked[-1]["Range"] == "bytes=65536-"
    assert [path.name for path in (here / "data").iterdir()] == ["made"]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_list_names_every_set(here: Path) -> None:
    listed = succeeded("data", "list", "--json").json["sets"]
    assert [each["name"] for each in listed] == [each.name for each in remote_sets()]
    out = succeeded("data", "list").out
    for each in remote_sets():
        assert each.title in out
        line = next(line for line in out.splitlines() if line.split()[:1] == [each.name] and each.how in line)
        assert each.licence.partition(" (")[0] in line
    assert {each["how"] for each in listed} == {"fetch", "fetch, first use trusted", "by hand, see steps"}
    assert all(file["read_in"] for each in listed for file in each["files"])
