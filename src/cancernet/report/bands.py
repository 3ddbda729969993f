"""Bands around curves: the same resampling of groups as the intervals of the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.intervals import draw_counts
from cancernet.metrics.ranking import Ranking
from cancernet.metrics.scored import Scored

__all__ = ["Band", "precision_band", "roc_band"]

_DRAWS = 300  # a band is looked at, not quoted
_POINTS = 101


@dataclass(frozen=True, eq=False)
class Band:
    """Pointwise 95 % bounds of a curve.

    Parameters
    ----------
    places
        Shape (points,), from 0 to 1 along the horizontal axis.
    low, high
        Shape (points,).
    """

    places: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def roc_band(scored: Scored, *, draws: int = _DRAWS, seed: int = 0) -> Band:
    """Return bounds of the true positive rate over the false positive rate, groups resampled (vertical averaging).

    References
    ----------
    Fawcett 2006, doi:10.1016/j.patrec.2005.10.010, section 9.1.
    """
    places = np.linspace(0, 1, _POINTS)
    curves = []
    for true, false in _resampled(scored, draws, seed=seed):
        if true[-1] and false[-1]:
            rate, found = np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])
            curves.append(_highest(places, rate, found=found))
    return _bounds(places, curves)


def precision_band(scored: Scored, *, draws: int = _DRAWS, seed: int = 0) -> Band:
    """Return bounds of the precision over the recall, groups resampled."""
    places = np.linspace(0, 1, _POINTS)[1:]  # without any hit there is no precision
    curves = []
    for true, false in _resampled(scored, draws, seed=seed):
        if true[-1]:
            called = np.maximum(true + false, 1)
            first = np.searchsorted(true / true[-1], places - 1e-12, side="left")
            curves.append((true / called)[np.minimum(first, len(true) - 1)])
    return _bounds(places, curves)


def _resampled(scored: Scored, draws: int, *, seed: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield true and false positives at each different probability, per resample of the groups."""
    ranking = Ranking.of(scored.p_positive, scored.positive_truth, scored.group_codes)
    parts = draw_counts(scored.group_count, draws, seed=seed, rows=len(scored))
    for counts in parts:
        yield from zip(*ranking.curve(counts), strict=True)


def _highest(
    places: NDArray[np.float64], rate: NDArray[np.float64], *, found: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the true positive rate at each place: the top of a step, straight lines where many rows tie."""
    last = np.append(np.flatnonzero(np.diff(rate)), len(rate) - 1)
    heights: NDArray[np.float64] = np.interp(places, rate[last], found[last])
    return heights


def _bounds(places: NDArray[np.float64], curves: list[NDArray[np.float64]]) -> Band:
    """Return the 2.5th and 97.5th percentile of the curves."""
    low, high = np.percentile(np.array(curves), (2.5, 97.5), axis=0)
    return Band(places, low, high)
