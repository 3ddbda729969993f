"""The leak audit of patches: groups, equal images and near copies on two sides of a split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data import Fold, Split, digest_of_ids
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.patches.copies import Copies, find_copies
from cancernet.patches.pack import Pack
from cancernet.patches.patchset import PatchSet

__all__ = ["PatchAudit", "audit_patches"]

Rows = NDArray[np.int64]

_SHOWN, _NAMED = 20, 5  # pairs in the JSON, and in a message
_MEND = "Give copies one group, or take the repeats out; --allow-leak measures what the leak is worth"


@dataclass(frozen=True)
class PatchAudit:
    """What two sides of a split have in common: test and validation images against those trained on.

    Parameters
    ----------
    group_column
        Whose values were compared; None when groups are unknown.
    groups, images
        How many there are.
    shared_groups
        Those on two sides, sorted.
    held_out
        How many images are held out, over all folds.
    identical
        Pairs of ids, held-out image first, with equal pixels, rotations and flips included; one pair for each held-out
        image.
    near
        Held-out image, image trained on, and their distance: they show the same place. One for each held-out image that
        is not among the identical.
    blank
        Images that are empty or of one colour; they are not compared.
    """

    group_column: str | None
    groups: int
    images: int
    shared_groups: tuple[str, ...]
    held_out: int
    identical: tuple[tuple[str, str], ...]
    near: tuple[tuple[str, str, float], ...]
    blank: int

    @property
    def leaks(self) -> bool:
        """Whether `refuse` raises."""
        return bool(self.shared_groups or self.identical or self.near)

    def refuse(self) -> None:
        """Raise `LeakingSplit` when a group, an image or a near copy of it stands on two sides."""
        if self.shared_groups:
            raise LeakingSplit(
                f"{len(self.shared_groups)} groups of column '{self.group_column}' stand on two sides of the split: "
                f"{listed(self.shared_groups, _NAMED)}",
                "Expected each group (patient) on one side only",
                "Make the split by this column, or take these images out",
            )
        if self.identical:
            raise LeakingSplit(
                f"{len(self.identical)} held-out images have the pixels of an image trained on, rotations and flips "
                f"included: {_pairs(self.identical)}",
                "Expected each image on one side only",
                _MEND,
            )
        if self.near:
            raise LeakingSplit(
                f"{len(self.near)} held-out images show the same place as an image trained on, turned, zoomed or "
                f"compressed: {_pairs([pair[:2] for pair in self.near])}",
                "Expected different places",
                _MEND,
            )

    def sentences(self) -> tuple[str, ...]:
        """Return the findings in words, for the report."""
        blank = f"{self.blank} blank images were not compared." if self.blank else ""
        return tuple(sentence for sentence in (_on_groups(self), *_on_images(self), blank) if sentence)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON; long lists are cut, their length is kept."""
        return {
            "what": "split",
            "leaks": self.leaks,
            "group_column": self.group_column,
            "groups": self.groups,
            "images": self.images,
            "held_out": self.held_out,
            "shared_groups": {"count": len(self.shared_groups), "first": list(self.shared_groups[:_SHOWN])},
            "identical_images": _first(self.identical),
            "near_copies": _first(self.near),
            "blank_images": self.blank,
            "sentences": list(self.sentences()),
        }


def audit_patches(pack: Pack, split: Split, *, progress: Callable[[int], None] | None = None) -> PatchAudit:
    """Return what the sides of a split have in common: test and validation images against those trained on.

    Parameters
    ----------
    pack
        The images that the split was made for.
    split
        All its folds are looked at.
    progress
        Told how many images are done, when near copies are searched for.

    Raises
    ------
    InvalidInput
        When the split was made for other images.

    Notes
    -----
    Near copies are found by `near_duplicates`. On LC25000 (`lung`), whose augmentation turns, flips, zooms and
    stretches, it finds 94 % of the pairs of one source tile, and no pair that shows two places.
    """
    patches = pack.patches
    _refuse_other(patches, split)
    copies = find_copies(pack, progress=progress)
    sides = [side for fold in split.folds for side in _held_out(fold)]
    identical = _identical(copies, sides)
    near = {row: found for row, found in _near(copies, sides).items() if row not in identical}
    ids = patches.ids
    return PatchAudit(
        group_column=patches.group_column,
        groups=len(np.unique(patches.groups)),
        images=len(patches),
        shared_groups=_shared(patches.groups, sides),
        held_out=sum(len(held) for held, _ in sides),
        identical=tuple((str(ids[row]), str(ids[known])) for row, known in sorted(identical.items())),
        near=tuple((str(ids[row]), str(ids[known]), distance) for row, (known, distance) in sorted(near.items())),
        blank=int(copies.blank.sum()),
    )


def _refuse_other(patches: PatchSet, split: Split) -> None:
    """Raise when the split was made for other images."""
    if split.rows != len(patches) or split.ids_digest != digest_of_ids(patches.ids):
        raise InvalidInput(
            f"The split is of {split.rows} rows with other ids than the {len(patches)} images of '{patches.name}'",
            "Expected the same images in the same order",
            "Use the images that the split was made for, or make a new split",
        )


def _held_out(fold: Fold) -> list[tuple[Rows, Rows]]:
    """Return (held out, known) rows: test against the rest, validation against train."""
    sides = [(fold.test, np.concatenate([fold.train, fold.validation]))]
    return [*sides, (fold.validation, fold.train)] if len(fold.validation) else sides


def _shared(groups: NDArray[np.str_], sides: Sequence[tuple[Rows, Rows]]) -> tuple[str, ...]:
    """Return the groups that stand on two sides, sorted."""
    return tuple(sorted({str(name) for held, known in sides for name in np.intersect1d(groups[held], groups[known])}))


def _identical(copies: Copies, sides: Sequence[tuple[Rows, Rows]]) -> dict[int, int]:
    """Return for each held-out row with the pixels of a known one the first such row."""
    found: dict[int, int] = {}
    for held, known in sides:
        first = _FirstRows(copies.codes, known)
        for row in held[first.has(copies.codes[held])]:
            found.setdefault(int(row), first.row(copies.codes[row]))
    return found


def _near(copies: Copies, sides: Sequence[tuple[Rows, Rows]]) -> dict[int, tuple[int, float]]:
    """Return for each held-out row that is a near copy of a known one the nearest such row and the distance."""
    near = copies.near
    of, to = np.concatenate([near.first, near.second]), np.concatenate([near.second, near.first])
    distance = np.tile(near.distance, 2)
    found: dict[int, tuple[int, float]] = {}
    for held, known in sides:
        first = _FirstRows(copies.codes, known)
        pairs = np.flatnonzero(first.has(to) & np.isin(of, copies.codes[held]))
        nearest = {int(of[pair]): pair for pair in pairs[np.argsort(-distance[pairs], kind="stable")]}
        for row in held[np.isin(copies.codes[held], list(nearest))]:
            pair = nearest[int(copies.codes[row])]
            found.setdefault(int(row), (first.row(to[pair]), float(distance[pair])))
    return found


class _FirstRows:
    """The first of some rows with each code."""

    def __init__(self, codes: NDArray[np.int64], rows: Rows) -> None:
        self._codes, places = np.unique(codes[rows], return_index=True)
        self._rows = rows[places]

    def has(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each code whether there is one."""
        return np.isin(codes, self._codes)

    def row(self, code: np.int64) -> int:
        """Return the row of a code that there is."""
        return int(self._rows[np.searchsorted(self._codes, code)])


def _on_groups(audit: PatchAudit) -> str:
    """Return the sentence on groups."""
    if audit.shared_groups:
        return (
            f"LEAK: {len(audit.shared_groups)} groups of column '{audit.group_column}' stand on two sides: "
            f"{listed(audit.shared_groups, _NAMED)}."
        )
    if audit.group_column is None:
        return "Groups could not be compared: they are unknown."
    if audit.group_column == "row":
        return f"Each of the {audit.images} images counts as a patient of its own."
    return f"None of the {audit.groups} groups of column '{audit.group_column}' stands on two sides."


def _on_images(audit: PatchAudit) -> tuple[str, ...]:
    """Return the sentences on images."""
    what = {
        "have the pixels of one trained on": audit.identical,
        "show the same place as one trained on": [pair[:2] for pair in audit.near],
    }
    found = [
        f"LEAK: {len(pairs)} held-out images {words}, for example {_pairs(pairs[:1])}."
        for words, pairs in what.items()
        if pairs
    ]
    return tuple(found) or ("No held-out image is a copy of one trained on, turned, flipped, zoomed or compressed.",)


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the first pairs in words."""
    more = f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
    return ", ".join(f"'{held}' = '{known}'" for held, known in pairs[:_NAMED]) + more


def _first(pairs: Sequence[tuple[object, ...]]) -> dict[str, Any]:
    """Return the number of pairs and the first of them."""
    return {"count": len(pairs), "first": [list(pair) for pair in pairs[:_SHOWN]]}
