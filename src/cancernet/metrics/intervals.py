"""Intervals: Wilson for proportions, square-and-add for their sums, resampling of groups for all else. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Z95", "basic", "draw_counts", "percentile", "square_and_add", "wilson"]

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


def percentile(draws: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the 2.5th and 97.5th percentile of the draws that are defined (not NaN).

    None when fewer than half of the draws are.

    References
    ----------
    Efron 1979, doi:10.1214/aos/1176344552; Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (clusters).
    """
    defined = draws[np.isfinite(draws)]
    if len(defined) < max(1, _DEFINED * len(draws)):
        return None
    low, high = np.quantile(defined, (0.025, 0.975))
    return float(low), float(high)


def basic(value: float, draws: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the basic bootstrap interval, widened to hold the value and kept at or above zero.

    For a number such as ECE that noise can only raise: resamples lie above the value by about as much as the value
    lies above the truth, so the percentiles are reflected at the value.

    References
    ----------
    Davison and Hinkley 1997, Bootstrap Methods and their Application, eq. 5.6.
    """
    bounds = percentile(draws)
    if bounds is None:
        return None
    low, high = 2 * value - bounds[1], 2 * value - bounds[0]
    return max(0.0, min(low, value)), max(high, value)
