"""A server on this machine that can be made to misbehave, archives, and sets that lie on it."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cancernet.fetch import Patience, RemoteFile, RemoteSet

QUICK = Patience(connect=5.0, silence=5.0, tries=3, pause=0.0)


@dataclass
class Shelf:
    """How one path is served; `cuts` and `statuses` are used up, one for each request."""

    body: bytes = b""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which the connection is closed
    statuses: list[int] = field(default_factory=list)
    length: int | None = None  # a Content-Length that lies; -1: none is sent
    kind: str = "application/octet-stream"
    tag: str = '"one"'
    tag_once: bool = False  # answers with a part leave the tag out
    leads_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stalls: int = 0  # so many cuts leave the connection open, and silent
    asked: list[dict[str, str]] = field(default_factory=list)


class Server:
    """Shelves by path, under an address."""

    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}
        self.address = ""
        self.awake = threading.Event()

    def put(self, path: str, body: bytes = b"", **options) -> str:
        """Serve bytes; return their address."""
        self.shelves[path] = Shelf(body, **options)
        return self.address + path


@contextmanager
def serving() -> Iterator[Server]:
    """Serve on a free port of this machine."""
    server = Server()
    handler = type("Handler", (_Handler,), {"server_of_shelves": server})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        server.address = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.awake.set()
            listening.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_of_shelves: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        shelf = self.server_of_shelves.shelves.get(self.path)
        if shelf is None:
            self.send_error(404)
            return
        shelf.asked.append(dict(self.headers))
        if shelf.leads_to or shelf.statuses:
            self._answer(302 if shelf.leads_to else shelf.statuses.pop(0), {"Location": shelf.leads_to}, b"")
            return
        first = self._first(shelf)
        if first is not None and first >= len(shelf.body):
            self._answer(416, {"Content-Range": f"bytes */{len(shelf.body)}"}, b"")
        else:
            self._send(shelf, first)

    def _first(self, shelf: Shelf) -> int | None:
        """Return the byte that is asked for, or None for the whole file."""
        asked = self.headers.get("Range", "")
        other = self.headers.get("If-Range", shelf.tag) != shelf.tag
        return None if not (asked and shelf.ranges) or other else int(asked.removeprefix("bytes=").rstrip("-"))

    def _send(self, shelf: Shelf, first: int | None) -> None:
        """Send a file from a byte on, or a part of it."""
        body = shelf.body[first or 0 :]
        length = len(body) if shelf.length is None else shelf.length
        headers = {"Content-Type": shelf.kind, "ETag": shelf.tag, **shelf.headers}
        if length >= 0:
            headers["Content-Length"] = str(length)
        if first is not None and shelf.tag_once:
            del headers["ETag"]
        if first is not None:
            headers["Content-Range"] = f"bytes {first}-{len(shelf.body) - 1}/{len(shelf.body)}"
        cut = shelf.cuts.pop(0) if shelf.cuts else len(body)
        self._answer(200 if first is None else 206, headers, body[:cut])
        if shelf.stalls and cut < len(body):
            shelf.stalls -= 1
            self.wfile.flush()
            self.server_of_shelves.awake.wait(20)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


class Steps:
    """A watcher that remembers; `stop` raises KeyboardInterrupt once so many bytes of a piece of work are done."""

    def __init__(self, stop: int | None = None, at: str = "Fetching") -> None:
        self.begun: list[tuple[str, int]] = []
        self.reached: list[int] = []
        self._stop, self._at = stop, at

    def begin(self, what: str, total: int) -> None:
        self.begun.append((what, total))
        if self._stop == 0 and what.startswith(self._at):
            raise KeyboardInterrupt

    def reach(self, done: int) -> None:
        self.reached.append(done)
        if self._stop is not None and self.begun[-1][0].startswith(self._at) and done >= self._stop:
            raise KeyboardInterrupt


def digest(body: bytes, kind: str = "sha256") -> str:
    """Return a checksum as the catalogue writes it."""
    return f"{kind}:{hashlib.new(kind, body).hexdigest()}"


def remote(address: str, body: bytes | None = None, **options) -> RemoteFile:
    """Return a file as the catalogue would have it; with a body, its size and checksum are known."""
    known = {} if body is None else {"size": len(body), "checksum": digest(body)}
    name = address.rpartition("/")[2].partition("?")[0]
    return RemoteFile(**{"name": name, "address": address, "read_in": ("a test",), **known, **options})


def remote_set(*files: RemoteFile, **options) -> RemoteSet:
    """Return a set of files."""
    words = {"title": "made for a test", "licence": "none", "source": "http://127.0.0.1/page", "groups": "none"}
    return RemoteSet(**{"name": "made", **words, "files": files, **options})


def noise(size: int) -> bytes:
    """Return bytes that no archive can shrink."""
    return b"".join(hashlib.sha256(str(block).encode()).digest() for block in range(size // 32 + 1))[:size]


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    """Return a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member, body in members:
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def plain(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return what a tar says of a member."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member
