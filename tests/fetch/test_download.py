"""One file from a server that breaks off, lies, or sends something else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cancernet.errors import CorruptFile
from cancernet.fetch import FetchFailure
from cancernet.fetch.download import download
from fetch.made import QUICK, Server, Steps, digest, noise, remote

PIECE = 1 << 16  # what is read at once: of a piece that breaks off nothing is kept
BODY = noise(300_000)


def _download(file, folder: Path, checksum="the published one", watcher=None):
    known = file.checksum if checksum == "the published one" else checksum
    return download(file, folder, checksum=known, patience=QUICK, watcher=watcher or Steps())


def _asked(server: Server, path: str = "/a.zip") -> list[str]:
    return [headers.get("Range", "all") for headers in server.shelves[path].asked]


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    steps = Steps()
    path = _download(remote(server.put("/a.zip", BODY), BODY), tmp_path, watcher=steps)
    assert path == tmp_path / "a.zip"
    assert path.read_bytes() == BODY
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]
    assert ("Fetching a.zip", len(BODY)) in steps.begun
    assert steps.reached[-1] == len(BODY)


def test_a_right_file_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY), BODY)
    _download(file, tmp_path)
    _download(file, tmp_path)
    assert _asked(server) == ["all"]


def test_a_damaged_file_that_is_here_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"damaged")
    assert _download(remote(server.put("/a.zip", BODY), BODY), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("known", [True, False], ids=["checksum known", "first use"])
def test_a_connection_that_breaks_off_is_gone_on_with(server: Server, tmp_path: Path, known: bool) -> None:
    address = server.put("/a.zip", BODY, cuts=[PIECE, PIECE + 9, 0])
    path = _download(remote(address, BODY if known else None), tmp_path)
    assert path.read_bytes() == BODY
    assert _asked(server) == ["all", "bytes=65536-", "bytes=131072-", "bytes=131072-"]
    assert server.shelves["/a.zip"].asked[1]["If-Range"] == '"one"'


def test_a_silent_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY, cuts=[PIECE], stalls=1), BODY)
    hasty = replace(QUICK, silence=0.2)
    path = download(file, tmp_path, checksum=file.checksum, patience=hasty, watcher=Steps())
    assert path.read_bytes() == BODY
    assert _asked(server) == ["all", "bytes=65536-"]


def test_a_server_without_ranges_is_asked_for_all(server: Server, tmp_path: Path) -> None:
    address = server.put("/a.zip", BODY, cuts=[PIECE], ranges=False)
    assert _download(remote(address, BODY), tmp_path).read_bytes() == BODY


def test_tries_come_to_an_end_and_what_arrived_is_kept(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY, cuts=[PIECE, 0, 0, 0]), BODY)
    with pytest.raises(FetchFailure, match="run the same command again"):
        _download(file, tmp_path)
    assert (tmp_path / "a.zip.partial").read_bytes() == BODY[:PIECE]
    assert _download(file, tmp_path).read_bytes() == BODY
    assert _asked(server)[-1] == "bytes=65536-"
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]


def test_an_interrupted_file_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY), BODY)
    with pytest.raises(KeyboardInterrupt):
        _download(file, tmp_path, watcher=Steps(stop=2 * PIECE))
    assert {each.name for each in tmp_path.iterdir()} == {"a.zip.partial", "a.zip.partial.json"}
    assert _download(file, tmp_path).read_bytes() == BODY
    assert _asked(server) == ["all", "bytes=131072-"]


def test_an_interrupted_check_loses_nothing(server: Server, tmp_path: Path, monkeypatch) -> None:
    file = remote(server.put("/a.zip", BODY), BODY)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pooch.core.hash_matches", interrupt)
        with pytest.raises(KeyboardInterrupt):
            _download(file, tmp_path)
    assert (tmp_path / "a.zip.partial").read_bytes() == BODY
    assert _download(file, tmp_path).read_bytes() == BODY
    assert _asked(server) == ["all"]


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_file_is_refused_and_removed(server: Server, tmp_path: Path, kind: str) -> None:
    other = noise(300_001)[1:]
    file = remote(server.put("/a.zip", other), BODY, checksum=digest(BODY, kind))
    with pytest.raises(CorruptFile) as caught:
        _download(file, tmp_path)
    assert digest(other, kind).partition(":")[2] in caught.value.wrong
    assert digest(BODY, kind).partition(":")[2] in caught.value.expected
    assert list(tmp_path.iterdir()) == []


def test_without_a_checksum_any_file_is_taken(server: Server, tmp_path: Path) -> None:
    assert _download(remote(server.put("/a.zip", BODY)), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("announced", [len(BODY) + 1, len(BODY) - 1, 10])
def test_another_size_than_the_catalogue_says_is_refused(server: Server, tmp_path: Path, announced: int) -> None:
    file = remote(server.put("/a.zip", BODY, length=announced), BODY)
    with pytest.raises(FetchFailure, match=f"announces {announced:,} bytes"):
        _download(file, tmp_path)
    assert not (tmp_path / "a.zip").exists()
    assert (tmp_path / "a.zip.partial").stat().st_size == 0


def test_a_length_that_is_never_reached_ends(server: Server, tmp_path: Path) -> None:
    address = server.put("/a.zip", BODY, length=len(BODY) + 1, ranges=False)
    with pytest.raises(FetchFailure, match=r"ChunkedEncodingError|ConnectionError"):
        _download(remote(address), tmp_path)
    assert len(_asked(server)) == 1 + QUICK.tries
    assert not (tmp_path / "a.zip").exists()


def test_more_than_the_catalogue_says_is_refused(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY + b"more", length=-1), BODY)
    with pytest.raises(FetchFailure, match="More than the announced 300,000 bytes"):
        _download(file, tmp_path)


def test_less_than_the_catalogue_says_is_refused(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY[:-5], length=-1, ranges=False), BODY)
    with pytest.raises(FetchFailure, match="sent 299,995 of 300,000 bytes"):
        _download(file, tmp_path)


def test_a_login_page_is_no_file(server: Server, tmp_path: Path) -> None:
    address = server.put("/a.zip", b"<html>Log in</html>", kind="text/html; charset=utf-8")
    with pytest.raises(FetchFailure, match="answers with a web page"):
        _download(remote(address), tmp_path)
    assert (tmp_path / "a.zip.partial").stat().st_size == 0
    assert len(_asked(server)) == 1


def test_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    server.put("/real.bin", BODY, cuts=[PIECE])
    file = remote(server.put("/a.zip", leads_to="/real.bin"), BODY)
    assert _download(file, tmp_path).read_bytes() == BODY
    assert _asked(server, "/real.bin") == ["all", "bytes=65536-"]


def test_redirects_in_a_circle_end(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FetchFailure, match="in a circle"):
        _download(remote(server.put("/a.zip", leads_to="/a.zip")), tmp_path)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "needs a login"),
        (403, "refuses it"),
        (404, "does not have it any more"),
        (410, "was moved or taken down"),
        (418, "does not give it"),
    ],
)
def test_refusals_are_told_apart_and_not_repeated(server: Server, tmp_path: Path, status: int, words: str) -> None:
    address = server.put("/a.zip", BODY, statuses=[status] * 9)
    with pytest.raises(FetchFailure, match=words) as caught:
        _download(remote(address), tmp_path)
    assert f"status {status}" in caught.value.wrong
    assert len(_asked(server)) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_of_the_server_passes(server: Server, tmp_path: Path, status: int) -> None:
    address = server.put("/a.zip", BODY, statuses=[status, status])
    assert _download(remote(address, BODY), tmp_path).read_bytes() == BODY
    stays = server.put("/b.zip", BODY, statuses=[status] * 9)
    with pytest.raises(FetchFailure, match="in trouble or has too much to do"):
        _download(remote(stays), tmp_path)
    assert len(_asked(server, "/b.zip")) == QUICK.tries


def test_no_network_is_said_at_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("cancernet.fetch.resume.sleep", lambda _: pytest.fail("nothing to wait for"))
    with pytest.raises(FetchFailure, match="The network may be down") as caught:
        _download(remote("http://127.0.0.1:9/a.zip"), tmp_path)
    assert "'127.0.0.1'" in caught.value.wrong


def test_a_file_that_was_replaced_meanwhile_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    """Without a checksum two versions must never be joined."""
    file = remote(server.put("/a.zip", BODY, cuts=[PIECE, 0, 0, 0]))
    with pytest.raises(FetchFailure):
        _download(file, tmp_path)
    other = noise(300_100)[100:]
    server.put("/a.zip", other, tag='"two"')
    assert _download(file, tmp_path).read_bytes() == other
    assert server.shelves["/a.zip"].asked[0]["If-Range"] == '"one"'


def test_a_server_that_ignores_the_version_is_not_believed(server: Server, tmp_path: Path) -> None:
    file = remote(server.put("/a.zip", BODY, cuts=[PIECE, 0, 0, 0]))
    with pytest.raises(FetchFailure):
        _download(file, tmp_path)
    facts = tmp_path / "a.zip.partial.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "total": 7_777_777}))
    assert _download(file, tmp_path).read_bytes() == BODY
    assert _asked(server)[-2:] == ["bytes=65536-", "all"]


def test_without_a_version_and_a_checksum_nothing_is_joined(server: Server, tmp_path: Path) -> None:
    address = server.put("/a.zip", BODY, cuts=[PIECE], tag="")
    assert _download(remote(address), tmp_path).read_bytes() == BODY
    assert _asked(server) == ["all", "all"]


def test_a_date_serves_as_version(server: Server, tmp_path: Path) -> None:
    date = "Thu, 06 Feb 2020 10:00:00 GMT"
    server.put("/a.zip", BODY, cuts=[PIECE], tag='W/"weak"', headers={"Last-Modified": date})
    _download(remote(f"{server.address}/a.zip"), tmp_path)
    assert server.shelves["/a.zip"].asked[1]["If-Range"] == date


def test_a_version_is_remembered_when_later_answers_leave_it_out(server: Server, tmp_path: Path) -> None:
    """RFC 9110, 15.3.7: an answer to `If-Range` should not repeat what the client has."""
    address = server.put("/a.zip", BODY, cuts=[PIECE, PIECE], tag_once=True)
    assert _download(remote(address), tmp_path).read_bytes() == BODY
    asked = server.shelves["/a.zip"].asked
    assert [headers.get("If-Range") for headers in asked] == [None, '"one"', '"one"']
    assert [headers.get("Range") for headers in asked] == [None, "bytes=65536-", "bytes=131072-"]


@pytest.mark.parametrize("checked", [True, False])
def test_a_partial_file_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path, checked: bool) -> None:
    file = remote(server.put("/a.zip", BODY), BODY if checked else None)
    (tmp_path / "a.zip.partial").write_bytes(b"x" * 400_000)
    (tmp_path / "a.zip.partial.json").write_text('{"total": null, "validator": "\\"one\\""}')
    assert _download(file, tmp_path).read_bytes() == BODY


def test_a_file_is_not_unpacked_on_the_way(server: Server, tmp_path: Path) -> None:
    """Some servers call a .tar.gz an encoded .tar."""
    address = server.put("/a.tar.gz", BODY, headers={"Content-Encoding": "gzip"}, cuts=[PIECE])
    assert _download(remote(address, BODY), tmp_path).read_bytes() == BODY


def test_file_systems_without_links_do_as_well(server: Server, tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("os.link", refuse)
    assert _download(remote(server.put("/a.zip", BODY), BODY), tmp_path).read_bytes() == BODY


def test_pooch_says_nothing(server: Server, tmp_path: Path, capfd) -> None:
    _download(remote(server.put("/a.zip", BODY)), tmp_path)
    assert capfd.readouterr() == ("", "")
