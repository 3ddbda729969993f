"""One line of the ledger: what became of an item."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from cancernet.jobs.item import Fingerprint

__all__ = ["DONE", "FAILED", "RUNNING", "WAITING", "Entry", "entry_from", "entry_text"]

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


@dataclass(frozen=True)
class Entry:
    """What is known of an item.

    Parameters
    ----------
    key
        Name of its output folder.
    path
        Of the input, absolute.
    status
        "waiting", "running", "done" or "failed". A running one whose process died is waiting.
    attempts
        How often it was begun.
    seconds
        That the last attempt took.
    outputs
        Names of the files in the output folder, sorted.
    answer
        What the work returned.
    error
        Why the last attempt gave nothing, in one line that begins with the name of the input.
    trace
        Where in the code, when the error is none of ours.
    started, finished
        Of the last attempt, ISO 8601 in UTC.
    host, pid
        Who did it.
    token
        Of the last attempt; no two have the same.
    input
        Size and time of the input when it was read.
    digest
        Of the options it was done with.
    versions
        Of the packages it was done with.
    """

    key: str
    path: str
    status: str = WAITING
    attempts: int = 0
    seconds: float | None = None
    outputs: tuple[str, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    trace: str | None = None
    started: str | None = None
    finished: str | None = None
    host: str | None = None
    pid: int | None = None
    token: str | None = None
    input: Fingerprint | None = None
    digest: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


_NAMES = {one.name for one in fields(Entry)}


def entry_text(entry: Entry) -> str:
    """Return the entry as one line of JSON.

    Raises
    ------
    TypeError, ValueError
        When the answer holds what JSON does not: arrays, NaN, infinity.
    """
    return json.dumps(asdict(entry), allow_nan=False)


def entry_from(text: str | bytes) -> Entry | None:
    """Return the entry that a text holds; None when it is torn or no entry. Names of later versions are passed over."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    known = {name: found[name] for name in _NAMES & set(found)} if isinstance(found, dict) else {}
    if not (isinstance(known.get("key"), str) and isinstance(known.get("path"), str)):
        return None
    return Entry(**known | {"outputs": tuple(known.get("outputs") or ()), "input": _input(known.get("input"))})


def _input(found: object) -> Fingerprint | None:
    """Return the fingerprint in an entry."""
    if not isinstance(found, dict) or set(found) != {"size", "modified"}:
        return None
    return Fingerprint(found["size"], found["modified"])
