"""What a batch has to do: names for its items, and what is done already."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cancernet.checks import listed
from cancernet.errors import InvalidInput, StorageFailure
from cancernet.jobs.entry import DONE, FAILED, Entry
from cancernet.jobs.item import Fingerprint, Item, fingerprint
from cancernet.jobs.job import Order
from cancernet.jobs.ledger import Ledger
from cancernet.jobs.options import BatchOptions
from cancernet.jobs.place import RECORD, Place
from cancernet.jobs.worker import fits

__all__ = ["Plan", "make_plan"]

_LONGEST = 120  # bytes of a name; 255 are allowed, and partial folders have more in theirs
_SEPARATORS = re.compile(r"[/\\\0]")
_RESERVED = {"ledger.jsonl"}


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what is kept.

    Parameters
    ----------
    keys
        Of all items, in their order; an input that was listed twice is there once.
    orders
        To be done; what was begun before comes last, so that an item that kills its process stops no other.
    kept
        Entries of the others.
    """

    keys: tuple[str, ...]
    orders: tuple[Order, ...]
    kept: dict[str, Entry]


@dataclass(frozen=True)
class _Found:
    """An item, its entry, the entry of the outputs that are there, and what the input is now."""

    item: Item
    entry: Entry
    outputs: Entry | None
    input: Fingerprint | None


def make_plan(items: Sequence[Item], place: Place, *, options: BatchOptions) -> Plan:
    """Name the items, write down the new ones, and return what is to be done.

    Raises
    ------
    InvalidInput
        When something was done with other options or of another input, or a folder of that name is not ours, and
        `force` is not set.
    StorageFailure
        When the place cannot be written.
    """
    found = _Names(place, options).claim(items)
    if not options.force:
        _refuse_foreign(found, place)
        _refuse_changed(found, place, options)
    kept = {one.entry.key: one.entry for one in found if _is_kept(one, options)}
    todo = sorted((one for one in found if one.entry.key not in kept), key=lambda one: one.entry.attempts)
    orders = tuple(Order(Item(one.item.path, one.entry.key), one.entry.attempts) for one in todo)
    return Plan(tuple(one.entry.key for one in found), orders, kept)


class _Names:
    """Gives names that stay the same however often, and beside whichever other inputs, an input is listed."""

    def __init__(self, place: Place, options: BatchOptions) -> None:
        self._place, self._ledger, self._options = place, Ledger(place), options

    def claim(self, items: Sequence[Item]) -> list[_Found]:
        """Return the items, each input once, with the names that are theirs now."""
        unique = {Path(os.path.abspath(item.path)): item for item in items}
        wishes = [(path, _safe(item.key or path.stem)) for path, item in unique.items()]
        counts = Counter(name.casefold() for _, name in wishes)
        return [self._claim(path, name, shared=counts[name.casefold()] > 1) for path, name in wishes]

    def _claim(self, path: Path, name: str, *, shared: bool) -> _Found:
        """Return one item under the name it has, or under the first that is free."""
        marked, here = _marked(name, path), _fingerprint(path)
        fresh = Entry(name, str(path), input=here, digest=self._options.digest_of(str(path)))
        entry = self._entry_of(fresh, marked, shared=shared)
        there = entry if entry.status == DONE and self._place.final(entry.key).is_dir() else None
        return _Found(Item(path), entry, there or self._ledger.published(entry.key), here)

    def _entry_of(self, fresh: Entry, marked: str, *, shared: bool) -> Entry:
        """Return the entry of an input; a name that it once got stays its own."""
        other = self._ledger.read(marked)
        if other is not None:
            return other
        plain = self._ledger.read(fresh.key)
        if plain is not None and _is_same(plain, fresh, strict=shared):
            return plain
        if not shared and fresh.key not in _RESERVED:
            claimed = self._ledger.claim(fresh)
            if _is_same(claimed, fresh, strict=False):
                return claimed
        return self._ledger.claim(replace(fresh, key=marked))


def _is_same(entry: Entry, fresh: Entry, *, strict: bool) -> bool:
    """Return whether an entry is of this input; unless `strict`, also when its folder was moved."""
    if entry.path == fresh.path:
        return True
    moved = Path(entry.path).name == Path(fresh.path).name and entry.input == fresh.input
    return moved and fresh.input is not None and not strict


def _safe(name: str) -> str:
    """Return a name that can be that of a folder."""
    name = _SEPARATORS.sub("_", name.encode(errors="replace").decode()).strip()
    name = f"_{name}" if not name or name.startswith(".") else name
    if len(name.encode()) <= _LONGEST:
        return name
    return f"{name.encode()[: _LONGEST - 9].decode(errors='ignore')}-{_digest(name)}"


def _marked(name: str, path: Path) -> str:
    """Return the name with a digest of the path."""
    return f"{name}-{_digest(str(path))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def _fingerprint(path: Path) -> Fingerprint | None:
    """Return size and time of an input, None when it cannot be had: its attempt will say why."""
    try:
        return fingerprint(path)
    except StorageFailure:
        return None


def _is_kept(one: _Found, options: BatchOptions) -> bool:
    """Return whether an item needs no work: done as asked, or failed and not to be tried again."""
    entry = one.entry
    if entry.status == DONE:
        return one.outputs is entry and fits(entry, one.input, options=options)
    failed = entry.status == FAILED and not options.retry_failed
    return failed and entry.input == one.input and entry.digest == options.digest_of(entry.path)


def _refuse_foreign(found: Sequence[_Found], place: Place) -> None:
    """Raise when something stands in the way that no batch has made."""
    paths = [place.final(one.entry.key) for one in found if one.outputs is None]
    foreign = [str(path) for path in paths if path.exists() and not path.joinpath(RECORD).exists()]
    if foreign:
        raise InvalidInput(
            f"{listed(foreign, 3)} exists already and was not made by this batch",
            "It is kept as it is",
            "Choose another --out, or pass --force",
        )


def _refuse_changed(found: Sequence[_Found], place: Place, options: BatchOptions) -> None:
    """Raise when outputs are there that do not belong to these inputs or options."""
    done = [(one.outputs, one.input) for one in found if one.outputs is not None]
    changed = [entry for entry, here in done if not fits(entry, here, options=options)]
    if changed:
        other = any(not options.accepts(entry) for entry in changed)
        what = "was made with other options" if other else "was made of an input that has changed since"
        raise InvalidInput(
            f"What stands in '{place.out}' for {listed([entry.key for entry in changed], 3)} {what}",
            "All outputs of a batch are made with the same options, of the inputs as they are",
            "Choose another --out, or pass --force to do these again",
        )
