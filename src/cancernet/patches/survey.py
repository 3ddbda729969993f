"""What a set of patches holds, before it is used: counts, groups, sizes, copies, blank and inked patches, darkness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.patches.copies import BRIGHT, Copies, find_copies
from cancernet.patches.hashes import grey_mean_and_spread
from cancernet.patches.pack import Pack

__all__ = ["CopyCount", "Darkness", "GroupCount", "PatchSurvey", "inked_shares", "survey"]

_SHOWN = 10  # examples in the JSON
_PEN, _BLACK, _GREY = 20, 60, 25  # grey levels: see inked_shares
_INKED = 0.02  # share of pixels from which a patch counts as inked
_UNLIKE = 0.3  # share of inked patches from which it is rather another stain
_AT_ONCE = 1 << 22  # pixels


@dataclass(frozen=True)
class GroupCount:
    """How many groups there are, and images in each: fewest, median, most. `name` is where they are from."""

    name: str | None
    groups: int
    fewest: int
    median: float
    most: int


@dataclass(frozen=True)
class CopyCount:
    """How many pairs of copies there are, how many of them in two groups, and the ids of some of the latter."""

    pairs: int
    across_groups: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Darkness:
    """How well minus the mean grey tells one class from the other: what a network has to beat. AUROC in [0, 1]."""

    label: str
    auroc: float


@dataclass(frozen=True)
class PatchSurvey:
    """What a set of patches holds.

    Parameters
    ----------
    name, images, size
        Of the set; how many images are in the pack; pixels of a side there.
    classes
        Label and number of images; empty without labels.
    groups
        How many there are, and of what size.
    sizes
        Width and height of the files, with their number, the most frequent first.
    identical, near
        Pairs of images with equal pixels (rotations and flips included), and of images that show the same place.
    blank, bright, pen, black
        Images that are empty or of one colour; with a mean grey above 230; with green or blue ink, and with black ink,
        on 2 % of the pixels or more.
    darkness
        None when there are not two classes.
    faults
        Files that were set aside, with the reason.
    notes
        Of the set.
    """

    name: str
    images: int
    size: int
    classes: dict[str, int]
    groups: GroupCount
    sizes: tuple[tuple[int, int, int], ...]
    identical: CopyCount
    near: CopyCount
    blank: int
    bright: int
    pen: int
    black: int
    darkness: Darkness | None
    faults: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return the findings in words."""
        parts = (_on_groups(self), _on_sizes(self), *_on_copies(self), *_on_looks(self), *_on_faults(self), *self.notes)
        return tuple(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON; long lists are cut, their length is kept."""
        found = asdict(self)
        found["faults"] = {"count": len(self.faults), "first": [list(fault) for fault in self.faults[:_SHOWN]]}
        return {**found, "sizes": [list(size) for size in self.sizes], "sentences": list(self.sentences())}


def survey(pack: Pack, *, progress: Callable[[int], None] | None = None) -> PatchSurvey:
    """Return what a set of patches holds.

    Parameters
    ----------
    pack
        The images.
    progress
        Told how many of them are done, when near copies are searched for.
    """
    patches, copies = pack.patches, find_copies(pack, progress=progress)
    pen, black = inked_shares(pack.images)
    mean, _ = grey_mean_and_spread(pack.perceptual)
    sizes = Counter((int(width), int(height)) for width, height in pack.native_sizes)
    labels = [] if patches.target is None else patches.target.tolist()
    return PatchSurvey(
        name=patches.name,
        images=len(pack),
        size=int(pack.images.shape[1]),
        classes=dict(sorted(Counter(labels).items())),
        groups=_group_count(patches.group_column, patches.groups),
        sizes=tuple((width, height, count) for (width, height), count in sizes.most_common()),
        identical=_copy_count(pack, _equal_rows(copies)),
        near=_copy_count(pack, _near_rows(copies)),
        blank=int(copies.blank.sum()),
        bright=int((mean > BRIGHT).sum()),
        pen=int((pen >= _INKED).sum()),
        black=int((black >= _INKED).sum()),
        darkness=_darkness(patches.target, mean),
        faults=tuple((str(fault.path), fault.reason) for fault in patches.faults),
        notes=patches.notes,
    )


def inked_shares(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares of pixels with the colour of a green or blue pen, and of a black one, shape (n,) each.

    Haematoxylin and eosin both absorb green most, so a pixel whose red is the lowest, by more than 20 grey levels below
    green, is of neither. Black is below 60 in all channels, which differ by less than 25.

    Parameters
    ----------
    images
        Shape (n, h, w, 3), uint8, H&E; in other stains (Papanicolaou) green and blue are no ink.
    """
    step = max(1, _AT_ONCE // (images.shape[1] * images.shape[2]))
    parts = [_inked(images[start : start + step]) for start in range(0, len(images), step)]
    pen, black = np.concatenate(parts, axis=1)
    return pen, black


def _inked(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return both shares of a few images, (2, n)."""
    red, green = images[..., 0].astype(np.int16), images[..., 1].astype(np.int16)
    highest = images.max(axis=3).astype(np.int16)
    black = (highest < _BLACK) & (highest - images.min(axis=3) < _GREY)
    return np.stack([(green - red > _PEN).mean(axis=(1, 2)), black.mean(axis=(1, 2))])


def _group_count(name: str | None, groups: NDArray[np.str_]) -> GroupCount:
    """Return how many groups there are and how large they are."""
    counts = np.unique(groups, return_counts=True)[1]
    return GroupCount(name, len(counts), int(counts.min()), float(np.median(counts)), int(counts.max()))


def _equal_rows(copies: Copies) -> NDArray[np.int64]:
    """Return pairs of rows with equal pixels, (pairs, 2): of several equal images, each with the first."""
    first, inverse = np.unique(copies.codes, return_index=True, return_inverse=True)[1:]
    rows = np.arange(len(copies.codes))
    repeated = rows[first[inverse] != rows]
    return np.stack([first[inverse][repeated], repeated], axis=1)


def _near_rows(copies: Copies) -> NDArray[np.int64]:
    """Return pairs of rows that show the same place, (pairs, 2): the first image of each code stands for all."""
    codes, first = np.unique(copies.codes, return_index=True)
    return np.stack([first[np.searchsorted(codes, side)] for side in (copies.near.first, copies.near.second)], axis=1)


def _copy_count(pack: Pack, pairs: NDArray[np.int64]) -> CopyCount:
    """Return how many pairs there are, and which of them are in two groups; unknown groups are one."""
    patches = pack.patches
    groups = patches.groups[pairs]
    across = pairs[(groups[:, 0] != groups[:, 1]) & (patches.group_column is not None)]
    examples = tuple((str(one), str(other)) for one, other in patches.ids[across[:_SHOWN]])
    return CopyCount(len(pairs), len(across), examples)


def _darkness(target: NDArray[np.str_] | None, mean: NDArray[np.float64]) -> Darkness | None:
    """Return how well darkness alone tells the second of two classes."""
    from sklearn.metrics import roc_auc_score

    names = np.unique([] if target is None else target)
    if len(names) != 2:
        return None
    return Darkness(str(names[1]), float(roc_auc_score(target == names[1], -mean)))


def _on_groups(found: PatchSurvey) -> str:
    """Return the sentence on groups."""
    groups = found.groups
    if groups.name is None:
        return "Groups are unknown: say which images are of one patient (group), or that each is of another one (row)."
    return (
        f"{groups.groups} groups by '{groups.name}', with {groups.fewest} to {groups.most} images, "
        f"median {groups.median:g}."
    )


def _on_sizes(found: PatchSurvey) -> str:
    """Return the sentence on the sizes of the files."""
    if len(found.sizes) == 1:
        return f"All files are {found.sizes[0][0]}x{found.sizes[0][1]} pixels."
    most = ", ".join(f"{width}x{height} ({count})" for width, height, count in found.sizes[:5])
    return f"The files have {len(found.sizes)} sizes: {most}{', ...' if len(found.sizes) > 5 else ''}."


def _on_copies(found: PatchSurvey) -> tuple[str, ...]:
    """Return the sentences on copies."""
    words = {"have equal pixels, turned or flipped": found.identical, "show the same place, changed": found.near}
    return tuple(
        f"{copies.pairs} pairs of images {what}; {copies.across_groups} of them in two groups{_example(copies)}."
        for what, copies in words.items()
    )


def _example(copies: CopyCount) -> str:
    """Return the first example in words."""
    return f", for example '{copies.examples[0][0]}' and '{copies.examples[0][1]}'" if copies.examples else ""


def _on_looks(found: PatchSurvey) -> tuple[str, ...]:
    """Return the sentences on blank and inked images and on darkness."""
    blank = f"{found.blank} images are blank; {found.bright} have a mean grey above {BRIGHT:.0f}."
    ink = f"{found.pen} images show green or blue ink, {found.black} black ink."
    if found.pen > _UNLIKE * found.images:
        ink += " So many are rather of another stain than H&E."
    dark = ""
    if found.darkness is not None:
        dark = (
            f"Darkness alone tells '{found.darkness.label}' with an AUROC of {found.darkness.auroc:.3f}: "
            "a network has to do better."
        )
    return blank, ink, dark


def _on_faults(found: PatchSurvey) -> tuple[str, ...]:
    """Return the sentence on files that were set aside."""
    if not found.faults:
        return ()
    named = ", ".join(f"'{path}' ({reason})" for path, reason in found.faults[:3])
    return (f"{len(found.faults)} files were set aside: {named}{', ...' if len(found.faults) > 3 else ''}.",)
