"""How well things were found and named at once, such as nuclei and their types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics.intervals import draw_counts, percentile

__all__ = ["DETECTION", "Named", "TypeCounts", "count_named", "measure_named"]

DETECTION = "detection"
"""Under this name stands the F1 of finding things, whatever they are called."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Named:
    """Things of an image.

    Parameters
    ----------
    centres
        Shape (n, 2), in one unit.
    types
        Shape (n,): codes of classes.
    """

    centres: Floats
    types: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TypeCounts:
    """What is counted in an image.

    Parameters
    ----------
    per_type
        Shape (classes, 5): pairs named rightly; pairs that were given this class and have another; pairs that have this
        class and were given another; found things of this class without a true one; true ones that were not found.
    pairs, false, missed
        Pairs, found things without a true one, true ones that were not found.
    """

    per_type: Counts
    pairs: int
    false: int
    missed: int


def count_named(true: Named, found: Named, *, classes: int, radius: float) -> TypeCounts:
    """Return the counts of an image.

    Centres are paired one to one so that the sum of their distances is least; pairs farther apart than the radius are
    then broken up.

    Parameters
    ----------
    true, found
        The things of an image.
    classes
        How many there are.
    radius
        In the unit of the centres.

    Raises
    ------
    InvalidInput
        When centres and types do not fit, a code is no class, or the radius is not above 0.

    References
    ----------
    Graham et al. 2019, doi 10.1016/j.media.2019.101563; their published code takes a radius of 12 pixels at 40x, which
    is 3 microns.
    """
    for one in (true, found):
        _check(one, classes, radius)
    first, second = _paired(true.centres, found.centres, radius)
    truth, named = true.types[first], found.types[second]
    left_true, left_found = np.delete(true.types, first), np.delete(found.types, second)
    same = truth == named
    parts = (truth[same], named[~same], truth[~same], left_found, left_true)
    per_type = np.stack([np.bincount(part, minlength=classes) for part in parts], axis=1)
    return TypeCounts(per_type, len(first), len(left_found), len(left_true))


def measure_named(
    counts: Sequence[TypeCounts], groups: Sequence[str], *, names: Sequence[str], draws: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Return the F1 of detection and of each class, pooled over images, with intervals over groups.

    Of a class c it is F_c = 2 TP_c / (2 TP_c + 2 FP_c + 2 FN_c + FP_d + FN_d): pairs of a wrong class count twice, as
    they are wrong for both; FP_d are found things named c without a true one, FN_d true ones of c that were not found.
    That of detection is F_d = 2 TP_d / (2 TP_d + FP_d + FN_d), whatever things are called.

    Parameters
    ----------
    counts
        Of each image.
    groups
        Of each image.
    names
        Of the classes.
    draws, seed
        Of the bootstrap.

    Raises
    ------
    InvalidInput
        When there is no image, or not one group for each.

    References
    ----------
    Graham et al. 2019, doi 10.1016/j.media.2019.101563, with the weights of their published code: 2, 2, 1, 1.
    """
    if not counts or len(counts) != len(groups):
        raise InvalidInput(f"{len(counts)} images in {len(groups)} groups", "At least one image, and a group for each")
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    detection = np.array([[[one.pairs, 0, 0, one.false, one.missed]] for one in counts])
    every = np.concatenate([detection, np.stack([one.per_type for one in counts])], axis=1)  # (images, 1 + classes, 5)
    sums = np.zeros((codes.max() + 1, *every.shape[1:]))
    np.add.at(sums, codes, every)
    flat = sums.reshape(len(sums), -1)
    drawn = np.concatenate([part @ flat for part in draw_counts(len(sums), draws, seed, rows=len(every))])
    scores = _f1(drawn.reshape(-1, *every.shape[1:]))
    values = _f1(sums.sum(axis=0))
    found = (DETECTION, *names)
    return {name: _estimate(values[place], scores[:, place], len(every), len(sums)) for place, name in enumerate(found)}


def _f1(counts: Floats) -> Floats:
    """Return the F1 of counts (..., 5); NaN where there is nothing."""
    right, given, missed, false, absent = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    with np.errstate(invalid="ignore"):
        score: Floats = 2 * right / (2 * right + 2 * given + 2 * missed + false + absent)
    return score


def _estimate(value: float, drawn: Floats, images: int, groups: int) -> Estimate:
    """Return a number with the interval of its draws."""
    if not np.isfinite(value):
        return Estimate.undefined("there is none, and none was found", n=images, groups=groups)
    low, high = percentile(drawn, groups) or (None, None)
    return Estimate(float(value), low, high, images, groups, f"percentile bootstrap over groups, {len(drawn)} draws")


def _paired(true: Floats, found: Floats, radius: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of the pairs in both."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    apart = cdist(true, found)
    first, second = linear_sum_assignment(apart)
    near = apart[first, second] <= radius
    return first[near], second[near]


def _check(one: Named, classes: int, radius: float) -> None:
    """Refuse what does not fit together."""
    known = one.centres.ndim == 2 and one.centres.shape == (len(one.types), 2)
    if not known or not radius > 0 or (len(one.types) and not 0 <= one.types.min() <= one.types.max() < classes):
        given = f"Centres of shape {one.centres.shape}, {len(one.types)} types, radius {radius}"
        raise InvalidInput(given, f"(n, 2) centres, n codes from 0 to {classes - 1}, and a radius above 0")
