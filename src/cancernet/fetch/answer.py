"""What a server answers, judged before a byte of it is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cancernet.fetch.failures import FetchFailure, StaleFailure, host_of, status_failure

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Answer", "judge"]

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PAGE = ("text/html", "application/xhtml+xml")
_NOTHING_LEFT = 416


class Answer:
    """What the headers say.

    Attributes
    ----------
    offset
        Where in the file the body begins, in bytes.
    total
        The size of the whole file in bytes; None when it is not said.
    validator
        What tells this version of the file from others, for `If-Range`; empty when there is nothing.
    close
        Ends the connection.
    """

    def __init__(self, response: Response) -> None:
        headers = response.headers
        self.close = response.close
        part = _RANGE.match(headers.get("Content-Range", "")) if response.status_code == 206 else None
        length = headers.get("Content-Length", "")
        self.offset = int(part[1]) if part else 0
        self.total = _number(part[2] if part else length)
        tag = headers.get("ETag", "")
        self.validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def judge(address: str, size: int | None, accept: Callable[[Answer], None]) -> Callable[..., None]:
    """Return a hook for requests that hands good answers on and refuses all others.

    Parameters
    ----------
    address
        What was asked for.
    size
        The size in bytes that the catalogue says.
    accept
        Called with the answer, before the body is read.
    """

    def hook(response: Response, *_: Any, **__: Any) -> None:
        if response.is_redirect:
            return
        answer = Answer(response)
        try:
            _refuse_status(address, response)
            _refuse_page(address, response)
            _refuse_other_size(address, answer, size)
            # Some servers call a .tar.gz "encoded"; unpacked on the way it would be another file, of another length.
            response.raw.headers.pop("Content-Encoding", None)
            accept(answer)
        except FetchFailure:
            answer.close()
            raise

    return hook


def _number(text: str) -> int | None:
    """Return a number of bytes, or None when it is none."""
    return int(text) if text.isascii() and text.isdigit() else None


def _refuse_status(address: str, response: Response) -> None:
    """Raise when the answer is no file, or came by a way that others can read while ours was closed."""
    if response.status_code == _NOTHING_LEFT:
        wrong = f"'{host_of(address)}' has nothing after what is here already"
        raise StaleFailure(wrong, "The rest of the file", "Try again")
    if response.status_code not in (200, 206):
        raise status_failure(address, response.status_code)
    if address.startswith("https:") and response.url.startswith("http:"):
        raise FetchFailure(
            f"'{host_of(address)}' leads to {response.url}", "An encrypted connection", "Do not go there"
        )


def _refuse_page(address: str, response: Response) -> None:
    """Raise when a web page comes instead of a file."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _PAGE:
        raise FetchFailure(
            f"'{host_of(address)}' answers with a web page instead of the file ({response.url})",
            "The page may ask for a login, or say that the file has moved",
            f"Look at {address} in a browser",
        )


def _refuse_other_size(address: str, answer: Answer, size: int | None) -> None:
    """Raise when the server announces a file of another size than the catalogue."""
    if size is not None and answer.total is not None and answer.total != size:
        raise FetchFailure(
            f"'{host_of(address)}' announces {answer.total:,} bytes for {address}",
            f"The catalogue says {size:,}: it is another file, or the announcement is wrong",
            "Nothing was written. Report it to the makers of this package if it stays so",
        )
