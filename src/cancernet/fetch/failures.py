"""What can go wrong between a server and the disk, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cancernet.errors import CancerNetError

if TYPE_CHECKING:
    from requests import RequestException

__all__ = ["FetchFailure", "PassingFailure", "StaleFailure", "host_of", "status_failure", "trouble_failure"]

_KEPT = "What has arrived is kept: run the same command again to go on"
_REFUSED = ("refuses it", "It needs a login by now, or is not public any more")
_GONE = ("does not have it any more", "It was moved or taken down")
_BUSY = ("is in trouble or has too much to do", "This passes")
_STATUS = {401: _REFUSED, 403: _REFUSED, 404: _GONE, 410: _GONE, 451: _REFUSED, 429: _BUSY}
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class FetchFailure(CancerNetError):
    """A file could not be fetched. No `OSError`: those are about the disk, and told as such."""


class PassingFailure(FetchFailure):
    """A failure after which another try may do better."""


class StaleFailure(PassingFailure):
    """A failure after which another try must begin with the first byte."""


def host_of(address: str) -> str:
    """Return the server of an address."""
    return urlsplit(address).hostname or address


def status_failure(address: str, status: int) -> FetchFailure:
    """Return the error for an answer that is no file."""
    what, why = _STATUS.get(status) or (_BUSY if status >= 500 else ("does not give it", "An answer with a file"))
    passing = status in _PASSING
    todo = _KEPT if passing else f"Look at {address} in a browser; `cancernet data list` names other sets"
    kind = PassingFailure if passing else FetchFailure
    return kind(f"'{host_of(address)}' {what} (status {status} for {address})", why, todo)


def trouble_failure(address: str, error: RequestException, *, answered: bool) -> FetchFailure:
    """Return the error for a connection that was not made or broke off; it passes if the server answered before."""
    from requests import exceptions

    host, kind = host_of(address), type(error).__name__
    if isinstance(error, exceptions.SSLError):
        return FetchFailure(
            f"The certificate of '{host}' is not accepted ({kind})",
            "A connection that nobody reads or changes",
            "Check the clock of this machine, and the proxy if there is one",
        )
    if isinstance(error, exceptions.TooManyRedirects):
        return FetchFailure(f"'{host}' sends us round in a circle ({address})", "A file", "Look at it in a browser")
    broken = isinstance(error, exceptions.ConnectionError | exceptions.Timeout | exceptions.ChunkedEncodingError)
    return (PassingFailure if broken and answered else FetchFailure)(
        f"The connection to '{host}' failed ({kind})",
        "The network may be down, or the server does not answer",
        f"Check the connection. {_KEPT}",
    )
