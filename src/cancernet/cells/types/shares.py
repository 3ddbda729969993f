"""How many nuclei are of which type, and the colours that types have in pictures and in QuPath."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cancernet.cells.types.answer import classes_of, with_types

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ABSTAINED", "UNDECIDED", "colour_of", "count_types", "describe_types", "shown_types", "typed_colours"]

Colour = tuple[int, int, int]

ABSTAINED = "abstained"
"""Under this name nuclei are counted whose type the bundle leaves open."""

UNDECIDED: Colour = (245, 245, 245)
"""Of nuclei whose type is left open."""

_COLOURS: tuple[Colour, ...] = (
    (0, 200, 230),
    (255, 215, 0),
    (40, 90, 255),
    (0, 190, 80),
    (190, 60, 230),
    (255, 110, 60),
    (120, 230, 60),
    (140, 90, 40),
)


def colour_of(place: int) -> Colour:
    """Return the colour of a type by its place among the classes: far from those of common stains."""
    return _COLOURS[place % len(_COLOURS)]


def count_types(table: pd.DataFrame) -> Counter[str]:
    """Return how many nuclei of a table have which type, those that are left open under "abstained"."""
    return Counter(shown_types(table))


def shown_types(table: pd.DataFrame) -> list[str]:
    """Return the type of each nucleus of a table, or "abstained"; none when it has no types."""
    if not with_types(table):
        return []
    pairs = zip(table["type"].tolist(), table["abstained"].tolist(), strict=True)
    return [ABSTAINED if left_open else str(name) for name, left_open in pairs]


def describe_types(counts: Mapping[str, int], classes: Sequence[str], *, by: str) -> dict[str, Any]:
    """Return what a summary says of types.

    Parameters
    ----------
    counts
        From `count_types`, of a field or of all tiles of a slide.
    classes
        In the order of the bundle.
    by
        Who said them, in words.

    Returns
    -------
    `by`, the counts, `abstained`, and `shares` of the nuclei that are not left open; None where there are none.
    """
    decided = sum(counts.get(name, 0) for name in classes)
    return {
        "by": by,
        "counts": {name: counts.get(name, 0) for name in classes},
        "abstained": counts.get(ABSTAINED, 0),
        "shares": {name: counts.get(name, 0) / decided if decided else None for name in classes},
        "shares_of": "nuclei that the bundle does not leave open",
    }


def typed_colours(table: pd.DataFrame) -> list[Colour | None]:
    """Return the colour of each nucleus by its type; None throughout when there are no types."""
    if not with_types(table):
        return [None] * len(table)
    colours = {name: colour_of(place) for place, name in enumerate(classes_of(table))} | {ABSTAINED: UNDECIDED}
    return [colours[name] for name in shown_types(table)]
