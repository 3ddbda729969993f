"""What the layouts `idc` and `breakhis` share: file names that say all, and archives that hold a file twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.patches.found import Found
from cancernet.patches.patchset import Fault

__all__ = ["are_named", "group_of", "match_names", "without_copies"]

_MAJORITY = 2 / 3  # of the names must be of the kind, for the kind to be recognised


def are_named(found: Found, pattern: re.Pattern[str]) -> bool:
    """Tell whether two in three file names fit a pattern."""
    return sum(pattern.fullmatch(name) is not None for name in found.names) >= _MAJORITY * len(found)


def match_names(found: Found, pattern: re.Pattern[str], *, form: str) -> tuple[Found, list[re.Match[str]]]:
    """Return the images whose names fit a pattern, with the matches; the others become faults.

    Raises
    ------
    InvalidInput
        When no name fits.
    """
    matches = [pattern.fullmatch(name) for name in found.names]
    rows = [row for row, match in enumerate(matches) if match]
    if not rows:
        raise InvalidInput(
            f"No image of '{found.folder}' is named like {form}: {listed(found.names, 3)}",
            "Expected the original names",
            "Choose another layout",
        )
    strange = [
        Fault(found.folder / path, f"it is not named like {form}")
        for path, match in zip(found.ids, matches, strict=True)
        if not match
    ]
    return found.keep(rows, strange), [match for match in matches if match]


def group_of(matches: Sequence[re.Match[str]], name: str) -> NDArray[np.str_]:
    """Return a named group of each match, shape (n,); empty where it took no part."""
    return np.array([match[name] or "" for match in matches], dtype=np.str_)


def without_copies(found: Found) -> tuple[Found, tuple[str, ...]]:
    """Return the images each once, and a note about copies.

    Where names are unique in the whole set, a second file of a name is a copy of the first. The one in the fewest
    folders is kept. One that differs in size is no copy, and becomes a fault.
    """
    names = found.names
    if len(set(names)) == len(names):
        return found, ()
    order = sorted(range(len(found)), key=lambda row: (found.ids[row].count("/"), found.ids[row]))
    first: dict[str, int] = {}
    for row in order:
        first.setdefault(names[row], row)
    again = [row for row in range(len(found)) if first[names[row]] != row]
    copies = [row for row in again if found.sizes[row] == found.sizes[first[names[row]]]]
    kept = found.keep(sorted(first.values()), _namesakes(found, first, sorted(set(again) - set(copies))))
    return kept, (_note(found, copies),) if copies else ()


def _namesakes(found: Found, first: dict[str, int], rows: Sequence[int]) -> list[Fault]:
    """Return the faults of files that have the name of another and are no copy of it."""
    names = found.names
    return [
        Fault(found.folder / found.ids[row], f"it has the name of '{found.ids[first[names[row]]]}' and another size")
        for row in rows
    ]


def _note(found: Found, copies: Sequence[int]) -> str:
    """Return the sentence about copies."""
    tops = sorted({found.ids[row].partition("/")[0] for row in copies})
    where = f"below '{tops[0]}'" if len(tops) == 1 else f"in {len(tops):,} folders"
    return f"{len(copies):,} images {where} are second copies of others (name and size) and were skipped"
