"""A downloader for pooch that goes on where a connection broke off.

Pooch's own one begins anew each time: it knows no `Range`. Here it fetches what is missing of a `.partial` file, as
often as it takes; a hook looks at each answer before its body is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from cancernet.fetch.answer import Answer, judge
from cancernet.fetch.entries import RemoteFile
from cancernet.fetch.failures import FetchFailure, PassingFailure, StaleFailure, host_of, trouble_failure
from cancernet.fetch.sink import Sink, Watcher
from cancernet.files import read_json, remove, write_json

__all__ = ["Patience", "Resuming"]

_CHUNK = 1 << 16  # bytes read at once, and the most that a break costs


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Parameters
    ----------
    connect
        For a connection, in seconds.
    silence
        For the next bytes, in seconds.
    tries
        How many tries in a row may bring nothing new.
    pause
        Before the second try, in seconds; it doubles with each that brings nothing, up to half a minute.
    """

    connect: float = 15.0
    silence: float = 60.0
    tries: int = 5
    pause: float = 2.0

    def wait(self, idle: int) -> None:
        """Pause after `idle` tries that brought nothing."""
        sleep(min(self.pause * 2**idle, 30.0))


class Resuming:
    """Fetches one file; called by pooch with an address and the path to fill.

    Parameters
    ----------
    file
        What is fetched.
    partial
        Where it grows; it stays when the work is interrupted.
    trusted
        Whether a checksum will be compared: then parts may be joined although the server names no version.
    patience, watcher
        How long to wait, and who is told how far it is.
    """

    def __init__(self, file: RemoteFile, partial: Path, *, trusted: bool, patience: Patience, watcher: Watcher) -> None:
        self._file, self._partial, self._trusted = file, partial, trusted
        self._patience, self._watcher = patience, watcher
        self._facts = partial.with_name(f"{partial.name}.json")  # size and version that the server told
        self._answer: Answer | None = None  # the last good one
        self.total = 0  # bytes of the file, once it is complete

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        """Complete the partial file, then hand it over under the name that pooch gives."""
        idle = 0
        while self._missing():
            before = self._here
            try:
                self._attempt(url)
            except FetchFailure as failure:
                idle = 0 if self._here > before else idle + 1
                if isinstance(failure, StaleFailure):
                    self.forget()
                if not isinstance(failure, PassingFailure) or idle >= self._patience.tries:
                    raise
                self._patience.wait(idle)
            else:
                break
        self.total = self._here
        self._watcher.begin(f"Checking {self._file.name}", self.total)
        _link(self._partial, Path(output_file))

    def forget(self) -> None:
        """Remove the partial file."""
        remove(self._partial)
        remove(self._facts)

    @property
    def _here(self) -> int:
        """The bytes that have arrived."""
        return self._partial.stat().st_size if self._partial.exists() else 0

    @property
    def _known(self) -> Mapping[str, Any]:
        """What the server told of the file that the partial one is a part of."""
        return read_json(self._facts) if self._partial.exists() and self._facts.exists() else {}

    def _missing(self) -> bool:
        """Return whether anything is missing; what is too long to be a part is thrown away."""
        total = self._file.size or self._known.get("total")
        if total is not None and self._here > total:
            self.forget()
        return total is None or self._here < total

    def _attempt(self, url: str) -> None:
        """Ask for what is missing and write it."""
        from pooch import HTTPDownloader
        from requests import RequestException

        version = self._known.get("validator") or ""
        if not (version or self._trusted):
            self.forget()  # nothing would tell whether the parts belong together
        with self._partial.open("ab") as stream:
            sink = Sink(stream, self._watcher)
            hook = judge(url, self._file.size, lambda answer: self._accept(url, answer, sink))
            download = HTTPDownloader(
                chunk_size=_CHUNK,
                timeout=(self._patience.connect, self._patience.silence),
                headers=_headers(sink.tell(), version),
                hooks={"response": [hook]},
            )
            try:
                download(url, sink, None)
            except RequestException as error:
                raise trouble_failure(url, error, answered=self._answer is not None) from error
            finally:
                if self._answer is not None:
                    self._answer.close()
            sink.refuse_short(url)

    def _accept(self, url: str, answer: Answer, sink: Sink) -> None:
        """Put the end of the partial file where the body begins, and note what the server told."""
        told = {"total": answer.total, "validator": answer.validator}
        before = self._known if answer.offset else {}
        if any(before.get(key) and value and before[key] != value for key, value in told.items()):
            raise StaleFailure(f"'{host_of(url)}' has replaced the file", "The rest of it", "Try again")
        if self._answer is None:
            self._watcher.begin(f"Fetching {self._file.name}", self._file.size or answer.total or self._file.roughly)
        self._answer = answer
        sink.begin_at(url, answer.offset)
        sink.total = self._file.size or answer.total
        # The answer with the rest may leave out what the first one said.
        write_json(self._facts, {key: value or before.get(key) for key, value in told.items()})


def _headers(offset: int, version: str) -> dict[str, str]:
    """Return what to ask for: the bytes from `offset` on, if the file is still of this version; else all of it."""
    plain = {"Accept-Encoding": "identity"}
    if not offset:
        return plain
    return {**plain, "Range": f"bytes={offset}-"} | ({"If-Range": version} if version else {})


def _link(partial: Path, output: Path) -> None:
    """Give a complete file a second name, so that it stays when the check of it is interrupted."""
    remove(output)
    try:
        os.link(partial, output)
    except OSError:  # file systems without links
        os.replace(partial, output)
