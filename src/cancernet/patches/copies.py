"""Copies in a pack: images with equal pixels, images that show the same place, and blank ones, which are neither."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CorruptFile, StorageFailure
from cancernet.files import read_arrays, write_arrays
from cancernet.patches.hashes import grey_mean_and_spread
from cancernet.patches.near import NearPairs, near_duplicates
from cancernet.patches.pack import Pack

__all__ = ["BRIGHT", "Copies", "blank_rows", "find_copies", "join_groups"]

BRIGHT = 230.0  # mean grey above which a patch is nearly empty

_CALM, _UNIFORM = 8.0, 3.0  # spread of the luminance in grey levels: of an empty bright patch; of one colour
_KEPT = "near-1.npz"  # in the folder of the pack; the number counts the ways of finding


@dataclass(frozen=True, eq=False)
class Copies:
    """What is there more than once.

    Parameters
    ----------
    codes
        Shape (n,), int64: equal for images with equal pixels, rotations and flips included. Each blank image has a code
        of its own.
    near
        Pairs of codes whose images show the same place; `first` and `second` are codes, not rows. Images that were
        padded with white are not among them.
    blank
        Shape (n,), bool: empty glass, or one colour. They resemble each other and are copies of nothing.
    """

    codes: NDArray[np.int64]
    near: NearPairs
    blank: NDArray[np.bool_]


def find_copies(pack: Pack, *, progress: Callable[[int], None] | None = None) -> Copies:
    """Return the copies in a pack; the near ones are kept beside it, so that they are searched for once.

    Parameters
    ----------
    pack
        The images.
    progress
        Told how many of them are done.
    """
    blank = blank_rows(pack.perceptual)
    codes = np.unique(pack.digests, return_inverse=True)[1].astype(np.int64)
    codes[blank] = len(codes) + np.arange(int(blank.sum()))
    rows = np.unique(codes, return_index=True)[1]  # one of each code
    near = _kept(pack)
    if near is None:
        compared = np.sort(rows[~(blank | _padded(pack))[rows]])
        near = near_duplicates(pack.images, pack.perceptual, rows=compared, progress=progress)
        _keep(pack, near)
    return Copies(codes, NearPairs(codes[near.first], codes[near.second], near.distance), blank)


def blank_rows(perceptual: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which images are empty glass (mean above 230, hardly any contrast) or of one colour, shape (n,)."""
    mean, spread = grey_mean_and_spread(perceptual)
    return np.asarray((spread < _UNIFORM) | ((mean > BRIGHT) & (spread < _CALM)))


def join_groups(pack: Pack, *, progress: Callable[[int], None] | None = None) -> NDArray[np.str_]:
    """Return groups in which those that share copies are one, under the first of their names; shape (n,).

    Parameters
    ----------
    pack
        The images, with the groups that are known.
    progress
        Told how many images are done, when near copies are searched for.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    copies = find_copies(pack, progress=progress)
    names, groups = np.unique(pack.patches.groups, return_inverse=True)
    codes = len(names) + np.unique(copies.codes, return_inverse=True)[1]  # nodes: groups, then codes
    near = [
        len(names) + np.searchsorted(np.unique(copies.codes), side) for side in (copies.near.first, copies.near.second)
    ]
    edges = np.concatenate([groups, near[0]]), np.concatenate([codes, near[1]])
    nodes = int(codes.max()) + 1
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(nodes, nodes))
    parts = connected_components(graph, directed=False)[1][: len(names)]
    first = np.unique(parts, return_index=True)[1]
    return np.asarray(names[first[np.unique(parts, return_inverse=True)[1]]][groups])


def _padded(pack: Pack) -> NDArray[np.bool_]:
    """Return which images have white around them that is not theirs: its edge is alike in all."""
    small = (pack.native_sizes < pack.images.shape[1]).any(axis=1)
    return np.asarray(small & (pack.fit == "crop"))


def _kept(pack: Pack) -> NearPairs | None:
    """Return the near copies that an earlier search has left; None when there was none, or it cannot be read."""
    path = pack.folder / _KEPT
    if not path.is_file():
        return None
    try:
        found = read_arrays(path)
        return NearPairs(found["first"], found["second"], found["distance"])
    except (CorruptFile, StorageFailure, KeyError):
        return None


def _keep(pack: Pack, near: NearPairs) -> None:
    """Keep the near copies; where nothing can be written they are searched for again."""
    with suppress(StorageFailure):
        arrays = {"first": near.first, "second": near.second, "distance": near.distance}
        write_arrays(pack.folder / _KEPT, arrays)
