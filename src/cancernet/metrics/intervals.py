"""Intervals: Wilson for proportions, square-and-add for their sums, resampling of groups for all else. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Z95", "draw_counts", "expanded_tail", "percentile", "reflected", "square_and_add", "student", "wilson"]

Z95 = 1.959963984540054  # 97.5th percentile of the normal distribution
_ELEMENTS = 4_000_000  # largest table of draws x rows that is held at once: 32 MB
_DEFINED = 0.5  # share of draws in which a number must be defined for an interval


def wilson(successes: ArrayLike, total: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % score interval of proportions.

    Parameters
    ----------
    successes, total
        Counts of any shape, `total` above zero; need not be whole.

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    count, size = np.asarray(successes, dtype=np.float64), np.asarray(total, dtype=np.float64)
    share, square = count / size, Z95**2
    centre = (share + square / (2 * size)) / (1 + square / size)
    half = Z95 / (1 + square / size) * np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    low = np.where(count <= 0, 0.0, np.clip(centre - half, 0, share))
    high = np.where(count >= size, 1.0, np.clip(centre + half, share, 1))
    return low, high


def square_and_add(
    values: NDArray[np.float64], lows: NDArray[np.float64], highs: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the interval of the mean of independent numbers from their own intervals.

    Parameters
    ----------
    values, lows, highs
        Shape (numbers,).

    References
    ----------
    Zou and Donner 2008, doi:10.1002/sim.3095, eq. 6.
    """
    mean, count = float(values.mean()), len(values)
    low = mean - float(np.sqrt(((values - lows) ** 2).sum())) / count
    high = mean + float(np.sqrt(((highs - values) ** 2).sum())) / count
    return low, high


def draw_counts(groups: int, draws: int, seed: int, *, rows: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each group is drawn in resamples of all groups with replacement.

    Parameters
    ----------
    groups
        Number of independent groups.
    draws
        Number of resamples.
    seed
        The same seed gives the same draws for the same number of groups and rows.
    rows
        Number of rows; with it the tables are kept small enough for the memory.

    Yields
    ------
    Shape (part of the draws, groups), float64; rows sum to `groups`.
    """
    generator = np.random.default_rng(seed)
    step = max(1, _ELEMENTS // max(rows, 1))
    for start in range(0, draws, step):
        part = min(step, draws - start)
        drawn = generator.integers(0, groups, size=(part, groups))
        drawn += np.arange(part)[:, None] * groups
        yield np.bincount(drawn.ravel(), minlength=part * groups).reshape(part, groups).astype(np.float64)


def percentile(draws: NDArray[np.float64], groups: int) -> tuple[float, float] | None:
    """Return the percentiles of the draws that bound 95 %; None when fewer than half of the draws are defined.

    With few groups resamples vary too little; the percentiles then lie further out than the 2.5th and the 97.5th, as
    Student's t lies further out than the normal distribution.

    Parameters
    ----------
    draws
        Shape (draws,), NaN where undefined.
    groups
        Independent groups that the number rests on.

    References
    ----------
    Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (clusters); Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789, section 5.3 (expanded percentiles).
    """
    defined = draws[np.isfinite(draws)]
    if len(defined) < max(1, _DEFINED * len(draws)):
        return None
    tail = expanded_tail(groups)
    low, high = np.quantile(defined, (tail, 1 - tail))
    return float(low), float(high)


def expanded_tail(groups: int) -> float:
    """Return the share of the draws to leave out at either end: 0.025 for many groups, less for few."""
    if groups < 3:
        return 0.0
    return math.erfc(student(groups - 1) * math.sqrt(groups / (groups - 1)) / math.sqrt(2)) / 2


def student(free: int) -> float:
    """Return the 97.5th percentile of Student's t, by its expansion; 2 % off at 4 degrees of freedom, less above."""
    return Z95 + (Z95**3 + Z95) / (4 * free) + (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / (96 * free**2)


def reflected(value: float, draws: NDArray[np.float64], groups: int) -> tuple[float, float] | None:
    """Return the interval of a number that noise can only raise, such as ECE; None as for `percentile`.

    Resamples lie above the value by about as much as the value lies above the truth. The lower bound is therefore the
    upper percentile reflected at the value (the basic bootstrap), not below zero; the upper bound is the upper
    percentile of the draws moved down until their mean is the value.

    References
    ----------
    Davison and Hinkley 1997, Bootstrap Methods and their Application, eq. 5.6.
    """
    bounds = percentile(draws, groups)
    if bounds is None:
        return None
    raised = max(0.0, float(np.nanmean(draws)) - value)
    return min(max(0.0, 2 * value - bounds[1]), value), max(bounds[1] - raised, value)
