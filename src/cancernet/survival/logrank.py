"""Whether groups of patients differ in their survival: the log-rank test. NumPy, SciPy for the chi-squared tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.curves import count
from cancernet.survival.outcome import Outcome

__all__ = ["LogRank", "logrank"]


@dataclass(frozen=True)
class LogRank:
    """A log-rank test.

    Parameters
    ----------
    statistic
        Chi-squared, on `freedom` degrees of freedom.
    freedom
        Groups less one.
    p
        Chance of such a statistic, or a larger one, when all groups have the same hazard.
    observed, expected
        Events of each group, and how many it would have had under the same hazard.
    """

    statistic: float
    freedom: int
    p: float
    observed: tuple[float, ...]
    expected: tuple[float, ...]


def logrank(outcome: Outcome, groups: ArrayLike) -> LogRank:
    """Test whether groups have the same hazard of any event.

    Parameters
    ----------
    outcome
        Of n patients.
    groups
        Shape (n,): which group each is in, decided without a look at these outcomes.

    Raises
    ------
    InvalidInput
        When there are fewer than two groups, or nobody has an event.

    References
    ----------
    Mantel 1966, Cancer Chemotherapy Reports 50:163; Peto and Peto 1972, doi:10.2307/2344317.
    """
    from scipy.stats import chi2

    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2 or not outcome.event.any():
        raise InvalidInput(
            f"No log-rank test of {len(names)} groups with {int(outcome.event.sum())} events",
            "Two groups at least, and one event",
        )
    risk, events = _tables(outcome, codes, len(names))
    expected, covariance = _moments(risk, events)
    gap = (events.sum(axis=0) - expected)[:-1]
    statistic = float(gap @ np.linalg.pinv(covariance[:-1, :-1]) @ gap)
    freedom = len(names) - 1
    observed = tuple(events.sum(axis=0).tolist())
    return LogRank(statistic, freedom, float(chi2.sf(statistic, freedom)), observed, tuple(expected.tolist()))


def _tables(outcome: Outcome, codes: NDArray[np.int64], groups: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many of each group were at risk and had an event, (times, groups)."""
    times = count(outcome.time, outcome.event).times
    place = np.searchsorted(times, outcome.time)
    left, events = np.zeros((len(times), groups)), np.zeros((len(times), groups))
    np.add.at(left, (place, codes), 1.0)
    np.add.at(events, (place, codes), outcome.event)
    return left[::-1].cumsum(axis=0)[::-1], events


def _moments(risk: NDArray[np.float64], events: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and covariance of the events of each group, were they drawn from all at risk."""
    total, happened = risk.sum(axis=1), events.sum(axis=1)
    share = risk / total[:, None]
    spread = np.divide(happened * (total - happened), total - 1, out=np.zeros_like(total), where=total > 1)
    covariance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return happened @ share, covariance
