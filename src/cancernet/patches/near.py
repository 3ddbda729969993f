"""Near duplicates: candidates by their hashes, decided on the pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.files import give_back_pages
from cancernet.patches.alignment import COARSE, agreement, coarse_maps, polar_maps, similarity
from cancernet.patches.hashes import colour_moments, grey_mean_and_spread, ring_magnitudes

__all__ = ["NEAR", "NearPairs", "near_duplicates"]

NEAR = 0.5  # the distance up to which two patches are copies; see docs/patches.md for what was measured

_NEIGHBOURS, _FEWER = 30, 20  # candidates of each patch by colour, and as many by shape; in large sets
_LARGE, _SLACK = 20_000, 0.5  # patches from which on the search is four times as fast and misses 1 nearest in 5,000
_COLOURS, _SHAPES = 10, 12  # components that are compared
_PLAIN = 4.0  # grey levels of spread below which nothing can be aligned
_PROMISING = 0.48  # similarity on the coarse grid; of 3,300 copies that the fine grid finds none had below 0.52
_MAPPED, _COMPARED = 2048, 512  # patches and pairs at once


@dataclass(frozen=True, eq=False)
class NearPairs:
    """Pairs of patches that are copies of each other.

    Parameters
    ----------
    first, second
        Rows, first < second, sorted; shape (pairs,), int64.
    distance
        1 - agreement, 0 for equal pixels; shape (pairs,), float64.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.first)

    def take(self, chosen: NDArray[np.bool_]) -> NearPairs:
        """Return some of the pairs."""
        return NearPairs(self.first[chosen], self.second[chosen], self.distance[chosen])


def near_duplicates(
    images: NDArray[np.uint8],
    perceptual: NDArray[np.uint64],
    *,
    limit: float = NEAR,
    rows: NDArray[np.int64] | None = None,
    progress: Callable[[int], None] | None = None,
) -> NearPairs:
    """Return pairs of patches that show the same place, turned, flipped, zoomed, compressed or changed in colour.

    Each patch is compared with its 30 nearest in colour and its 30 nearest in shape (20 in sets of more than 20,000),
    not with all. Patches without texture are never copies here: equal pixels are found by their digests.

    Parameters
    ----------
    images
        Shape (n, h, w, 3), uint8, square; they may lie on disk.
    perceptual
        Shape (n, 12), uint64, of `perceptual_hash`.
    limit
        Largest distance, see `agreement`.
    rows
        Which patches are compared; None: all. Of patches with equal pixels one is enough.
    progress
        Told how many of the n patches are done.

    Notes
    -----
    Of a patch with more copies than that some are found, and the others by way of these.
    """
    chosen = np.arange(len(images)) if rows is None else np.asarray(rows, dtype=np.int64)
    chosen = chosen[grey_mean_and_spread(perceptual[chosen])[1] >= _PLAIN]
    pairs = chosen[_candidates(perceptual[chosen])]  # (pairs, 2)
    pairs = pairs[_promising(images, pairs, progress or _ignore)]
    parts = [pairs[start : start + _COMPARED] for start in range(0, len(pairs), _COMPARED)]
    distance = np.concatenate([_distances(images, part) for part in parts]) if parts else np.empty(0)
    kept = distance <= limit
    return NearPairs(pairs[kept, 0], pairs[kept, 1], distance[kept])


def _ignore(done: int) -> None:
    """Tell nobody."""
    del done


def _candidates(perceptual: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return pairs of rows that are near in colour or in shape, first < second, each once, sorted; (pairs, 2)."""
    count = len(perceptual)
    if count < 2:
        return np.empty((0, 2), dtype=np.int64)
    colours = _components(colour_moments(perceptual), _COLOURS, whiten=True)
    shapes = _components(ring_magnitudes(perceptual), _SHAPES, whiten=False)
    codes = np.unique(np.concatenate([_neighbours(points) for points in (colours, shapes)]))
    return np.stack(np.divmod(codes, count), axis=1)


def _components(features: NDArray[np.float64], most: int, *, whiten: bool) -> NDArray[np.float64]:
    """Return the principal components of standardised features, each with the same spread when whitened."""
    standard = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
    _, sizes, directions = np.linalg.svd(standard.T @ standard / len(standard))
    scale = np.sqrt(np.maximum(sizes[:most], 1e-9)) if whiten else 1.0
    components: NDArray[np.float64] = standard @ directions[:most].T / scale
    return components


def _neighbours(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the pairs of nearest rows as numbers: the first row times n plus the second, first < second."""
    from scipy.spatial import cKDTree

    count = len(points)
    most, slack = (_NEIGHBOURS, 0.0) if count <= _LARGE else (_FEWER, _SLACK)
    most = min(most + 1, count)
    found = cKDTree(points, balanced_tree=False).query(points, k=most, eps=slack, workers=-1)[1].reshape(count, most)
    row = np.broadcast_to(np.arange(count)[:, np.newaxis], found.shape)
    first, second = np.minimum(row, found), np.maximum(row, found)
    codes: NDArray[np.int64] = (first * count + second)[first < second]
    return np.unique(codes)


def _promising(
    images: NDArray[np.uint8], pairs: NDArray[np.int64], progress: Callable[[int], None]
) -> NDArray[np.bool_]:
    """Return which pairs agree on the coarse grid; most do not."""
    maps = _coarse(images, np.unique(pairs), progress)
    found = np.empty(len(pairs), dtype=np.bool_)
    for start in range(0, len(pairs), _COMPARED):
        part = slice(start, start + _COMPARED)
        found[part] = similarity(*(maps(side) for side in pairs[part].T), grid=COARSE) >= _PROMISING
        progress((len(images) + int(pairs[start, 0])) // 2)
    return found


def _coarse(
    images: NDArray[np.uint8], rows: NDArray[np.int64], progress: Callable[[int], None]
) -> Callable[[NDArray[np.int64]], NDArray[np.int8]]:
    """Return a function that looks up the coarse maps of rows; they are made for the rows given."""
    place, parts = np.zeros(len(images), dtype=np.int32), []
    place[rows] = np.arange(len(rows))
    for start in range(0, len(rows), _MAPPED):
        parts.append(coarse_maps(polar_maps(images[rows[start : start + _MAPPED]])))
        give_back_pages(images)
        progress(int(rows[start]) // 2)
    maps = np.concatenate(parts) if parts else np.empty(0, dtype=np.int8)
    return lambda side: maps[place[side]]


def _distances(images: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the distance of each pair."""
    rows, places = np.unique(pairs, return_inverse=True)
    maps = polar_maps(images[rows])
    give_back_pages(images)
    first, second = places.reshape(pairs.shape).T
    return 1 - agreement(maps[first], maps[second])
