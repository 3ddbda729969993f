"""How well things were outlined one by one, such as nuclei: Dice, AJI, panoptic quality, detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics.intervals import draw_counts, percentile

__all__ = ["INSTANCE_METRICS", "InstanceScores", "instance_scores", "measure_instances"]

INSTANCE_METRICS = ("dice", "aji", "dq", "sq", "pq", "detection_f1")
"""The names of the numbers, in the order of `InstanceScores`."""

_SAME = 0.5  # intersection over union above which two outlines are of one thing: no outline has two such partners

Labels = NDArray[np.integer]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class InstanceScores:
    """What one image gives; None where a number is not defined.

    Parameters
    ----------
    dice
        Twice the common area by the sum of both areas, whatever thing a pixel belongs to.
    aji
        Aggregated Jaccard index: each true thing with the found one that it has the largest intersection over union
        with; common area by joint area, those found and never chosen added to the latter. It falls when two are merged.
    dq, sq, pq
        Detection quality: F1 of pairs with an intersection over union above 0.5. Segmentation quality: the mean of that
        over these pairs. Panoptic quality: the product.
    detection_f1
        F1 of the largest possible number of pairs whose centroids are no farther apart than the radius.
    true, found
        How many things there are, and how many were found.
    """

    dice: float | None
    aji: float | None
    dq: float | None
    sq: float | None
    pq: float | None
    detection_f1: float | None
    true: int
    found: int


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """Areas of true and found things, and of each pair with a common pixel: its number in both, and its area."""

    true: Ints
    found: Ints
    first: Ints
    second: Ints
    common: Ints

    @property
    def iou(self) -> Floats:
        """Intersection over union of each pair."""
        share: Floats = self.common / (self.true[self.first] + self.found[self.second] - self.common)
        return share


def instance_scores(true: Labels, found: Labels, *, radius: float = 6.0) -> InstanceScores:
    """Return how well the things of an image were outlined.

    Parameters
    ----------
    true, found
        Shape (h, w), integers: 0 is background, every other number one thing. Numbers may have gaps.
    radius
        Of `detection_f1`, pixels. Sirinukunwattana et al. 2016 (doi 10.1109/TMI.2016.2525803) took 6 at 0.5 microns per
        pixel.

    Raises
    ------
    InvalidInput
        When the shapes differ or are no images, numbers are no integers or below 0, or the radius is not above 0.

    References
    ----------
    AJI: Kumar et al. 2017, doi 10.1109/TMI.2017.2677499, algorithm 1. Panoptic quality: Kirillov et al. 2019,
    arXiv:1801.00868, eq. 1 to 3; for nuclei Graham et al. 2019, doi 10.1016/j.media.2019.101563.
    """
    true, found = _checked(true, "true"), _checked(found, "found")
    if true.shape != found.shape or not radius > 0:
        given = f"Labels of shapes {true.shape} and {found.shape}, radius {radius}"
        raise InvalidInput(given, "Two images of one shape, and a radius above 0")
    overlaps = _overlaps(true, found)
    areas, common = int(overlaps.true.sum() + overlaps.found.sum()), int(overlaps.common.sum())
    same = overlaps.iou > _SAME
    dq = _f1(int(same.sum()), len(overlaps.true), len(overlaps.found))
    sq = float(overlaps.iou[same].mean()) if same.any() else None
    pairs = _near(_centroids(true), _centroids(found), radius)
    return InstanceScores(
        dice=2 * common / areas if areas else None,
        aji=_aji(overlaps),
        dq=dq,
        sq=sq,
        pq=None if dq is None else dq * (sq or 0.0),
        detection_f1=_f1(pairs, len(overlaps.true), len(overlaps.found)),
        true=len(overlaps.true),
        found=len(overlaps.found),
    )


def measure_instances(
    scores: Sequence[InstanceScores], groups: Sequence[str], *, draws: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Return the mean of each number over images, with its interval over groups (patients).

    Parameters
    ----------
    scores
        Of each image; where a number is not defined the image does not count for it.
    groups
        Of each image.
    draws, seed
        Of the bootstrap.

    Raises
    ------
    InvalidInput
        When there is no image, or not one group for each.
    """
    columns = {name: [getattr(score, name) for score in scores] for name in INSTANCE_METRICS}
    return mean_over_groups(columns, groups, draws=draws, seed=seed)


def paired_instances(
    first: Sequence[InstanceScores],
    second: Sequence[InstanceScores],
    *,
    groups: Sequence[str],
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return the mean of first minus second for each number, over the same images in the same order.

    Parameters
    ----------
    first, second
        Of each image; where a number is not defined in both the image does not count for it.
    groups
        Of each image.
    draws, seed
        Of the bootstrap.

    Raises
    ------
    InvalidInput
        As `measure_instances` does, or when the two are not as many.
    """
    if len(first) != len(second):
        raise InvalidInput(f"{len(first)} and {len(second)} images", "The same images twice", "Score all of them")
    columns = {
        name: [_less(getattr(one, name), getattr(two, name)) for one, two in zip(first, second, strict=True)]
        for name in INSTANCE_METRICS
    }
    return mean_over_groups(columns, groups, draws=draws, seed=seed)


def mean_over_groups(
    columns: Mapping[str, Sequence[float | None]], groups: Sequence[str], *, draws: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Return the mean of each column over images, with its interval over groups; None does not count.

    Raises
    ------
    InvalidInput
        When there is no image, or not one group for each.
    """
    count = len(next(iter(columns.values()), ()))
    if not count or count != len(groups):
        raise InvalidInput(f"{count} images in {len(groups)} groups", "At least one image, and a group for each")
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    values = np.array([[np.nan if one is None else one for one in column] for column in columns.values()]).T
    known = ~np.isnan(values)
    sums, counts = (_by_group(array, codes) for array in (np.where(known, values, 0.0), known.astype(float)))
    parts = draw_counts(len(sums), draws, seed, rows=len(values))
    with np.errstate(invalid="ignore"):
        drawn = np.concatenate([(part @ sums) / (part @ counts) for part in parts])
    return {
        name: _estimate(drawn[:, place], values[known[:, place], place], codes[known[:, place]], draws=draws)
        for place, name in enumerate(columns)
    }


def _less(one: float | None, two: float | None) -> float | None:
    """Return one minus two; None where either is not defined."""
    return None if one is None or two is None else one - two


def _checked(labels: Labels, name: str) -> Labels:
    """Return labels when they are some."""
    labels = np.asarray(labels)
    fits = labels.ndim == 2 and np.issubdtype(labels.dtype, np.integer)
    if not fits or (labels.size and labels.min() < 0):
        given = f"The {name} labels have shape {labels.shape} and type {labels.dtype}"
        raise InvalidInput(given, "(h, w), integers from 0: the number of the thing at each pixel", "Label the image")
    return labels


def _numbered(labels: Labels) -> Ints:
    """Return the labels without gaps, flat, 0 still the background."""
    known, places = np.unique(labels, return_inverse=True)
    shift = 0 if len(known) and known[0] == 0 else 1
    numbered: Ints = places.ravel().astype(np.int64) + shift
    return numbered


def _overlaps(true: Labels, found: Labels) -> _Overlaps:
    """Return what the things of two images share."""
    first, second = _numbered(true), _numbered(found)
    areas = [np.bincount(flat, minlength=1)[1:] for flat in (first, second)]
    both = (first > 0) & (second > 0)
    width = len(areas[1]) + 1
    keys, common = np.unique(first[both] * width + second[both], return_counts=True)
    return _Overlaps(areas[0], areas[1], keys // width - 1, keys % width - 1, common)


def _aji(overlaps: _Overlaps) -> float | None:
    """Return the aggregated Jaccard index; None where nothing is and nothing was found."""
    true, found = overlaps.true, overlaps.found
    order = np.lexsort((overlaps.second, -overlaps.iou, overlaps.first))  # of each true thing the best one first
    _, best = np.unique(overlaps.first[order], return_index=True)
    chosen = order[best]
    common = overlaps.common[chosen].sum()
    joint = true.sum() + found[overlaps.second[chosen]].sum() - common  # those without a partner count with their area
    joint += np.delete(found, overlaps.second[chosen]).sum()
    return float(common / joint) if joint else None


def _f1(pairs: int, true: int, found: int) -> float | None:
    """Return F1 of so many pairs; None where nothing is and nothing was found."""
    return 2 * pairs / (true + found) if true + found else None


def _centroids(labels: Labels) -> Floats:
    """Return row and column of the centre of each thing, (things, 2)."""
    numbers = _numbered(labels)
    rows, columns = np.divmod(np.arange(numbers.size), labels.shape[1] or 1)
    areas = np.bincount(numbers, minlength=1)[1:]
    return np.stack([np.bincount(numbers, axis)[1:] / areas for axis in (rows, columns)], axis=1)


def _near(true: Floats, found: Floats, radius: float) -> int:
    """Return the largest number of pairs of centres no farther apart than the radius, each in one pair at most."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching
    from scipy.spatial import cKDTree

    if not len(true) or not len(found):
        return 0
    near = cKDTree(true).query_ball_tree(cKDTree(found), radius)
    rows = np.repeat(np.arange(len(near)), [len(some) for some in near])
    columns = np.array([place for some in near for place in some], dtype=np.int64)
    graph = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(true), len(found)))
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _by_group(values: Floats, codes: Ints) -> Floats:
    """Return the sums over the images of each group, (groups, columns)."""
    sums = np.zeros((int(codes.max()) + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _estimate(drawn: Floats, values: Floats, codes: Ints, *, draws: int) -> Estimate:
    """Return a mean over images with its interval."""
    groups = len(np.unique(codes))
    method = f"percentile bootstrap over groups, {draws} draws"
    if not len(values):
        return Estimate(None, None, None, 0, 0, method, "It is defined in no image")
    low, high = percentile(drawn, groups) or (None, None)
    reason = "Too few patients have images in which it is defined" if low is None else None
    return Estimate(float(values.mean()), low, high, len(values), groups, method, reason)
