"""How many are still free of an event as time goes on: Kaplan-Meier, Nelson-Aalen, Aalen-Johansen. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.metrics.intervals import Z95
from cancernet.survival.outcome import Outcome

__all__ = ["Counts", "Curve", "aalen_johansen", "count", "kaplan_meier", "nelson_aalen"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counts:
    """What happened at each time at which anybody left.

    Parameters
    ----------
    times
        Shape (m,), distinct, rising.
    at_risk
        Shape (m,): how many were seen up to that time.
    events, censored
        Shape (m,): how many had an event, and how many were last seen without one, at that very time.
    """

    times: Floats
    at_risk: Floats
    events: Floats
    censored: Floats


@dataclass(frozen=True, eq=False)
class Curve:
    """A step function of time with its pointwise 95 % band; right-continuous, known up to the end of the follow-up.

    Parameters
    ----------
    times
        Shape (m,), rising: every time at which anybody left.
    values, low, high
        Shape (m,): the value from that time on, and its band.
    at_risk
        Shape (m,): how many were seen up to that time.
    start
        The value before the first time.
    """

    times: Floats
    values: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    start: float

    def at(self, times: ArrayLike) -> Floats:
        """Return the values at times of any shape; NaN after the last time: nobody was seen so long."""
        return self._step(self.values, times)

    def band(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Return both bounds at times of any shape; NaN after the last time."""
        return self._step(self.low, times), self._step(self.high, times)

    def seen(self, times: ArrayLike) -> NDArray[np.int64]:
        """Return how many were still seen at times of any shape: those whose own time is not earlier."""
        place = np.searchsorted(self.times, np.asarray(times, dtype=np.float64), "left")
        found: NDArray[np.int64] = np.append(self.at_risk, 0.0)[place].astype(np.int64)
        return found

    def quantile(self, share: float = 0.5) -> float | None:
        """Return the first time at which the curve is at or below `share`; None when it stays above: not reached."""
        below = np.flatnonzero(self.values <= share + 1e-12)
        return float(self.times[below[0]]) if len(below) else None

    def _step(self, values: Floats, times: ArrayLike) -> Floats:
        """Return a step function at times."""
        asked = np.asarray(times, dtype=np.float64)
        found = np.append(self.start, values)[np.searchsorted(self.times, asked, "right")]
        return np.where(asked > self.times[-1], np.nan, found)


def count(time: Floats, event: NDArray[np.bool_]) -> Counts:
    """Return who left when.

    Parameters
    ----------
    time, event
        Shape (n,).
    """
    times, place = np.unique(time, return_inverse=True)
    events = np.bincount(place, weights=event, minlength=len(times)).astype(np.float64)
    left = np.bincount(place, minlength=len(times)).astype(np.float64)
    return Counts(times, left[::-1].cumsum()[::-1], events, left - events)


def kaplan_meier(outcome: Outcome) -> Curve:
    """Return the share that is free of any event, with Greenwood's variance on the log-log scale.

    References
    ----------
    Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452; band: Kalbfleisch and Prentice 2002, section 1.4.
    """
    _refuse_empty(outcome)
    found = count(outcome.time, outcome.event)
    values = np.asarray(np.cumprod(1 - found.events / found.at_risk), dtype=np.float64)
    spread = np.sqrt(np.cumsum(_ratio(found.events, found.at_risk * (found.at_risk - found.events))))
    return _banded(found, values, _ratio(spread, np.abs(_log(values))), start=1.0)


def nelson_aalen(outcome: Outcome) -> Curve:
    """Return the cumulative hazard of any event, with a band on the log scale.

    References
    ----------
    Nelson 1972, doi:10.1080/00401706.1972.10488991; Aalen 1978, doi:10.1214/aos/1176344247.
    """
    _refuse_empty(outcome)
    found = count(outcome.time, outcome.event)
    values = np.cumsum(found.events / found.at_risk)
    spread = np.sqrt(np.cumsum(found.events / found.at_risk**2))
    factor = np.exp(Z95 * _ratio(spread, values))
    return Curve(found.times, values, values / factor, values * factor, found.at_risk, 0.0)


def aalen_johansen(outcome: Outcome, cause: str) -> Curve:
    """Return the share that has had this cause by each time, where another cause may come first.

    The variance is Aalen's, the band is on the log-log scale. One minus Kaplan-Meier of a cause, with the others
    censored, is larger: it speaks of a world in which nobody dies of anything else.

    References
    ----------
    Aalen and Johansen 1978, Scandinavian Journal of Statistics 5:141; variance: Marubini and Valsecchi 1995,
    Analysing Survival Data from Clinical Trials and Observational Studies, section 10.4 (Aalen's).
    """
    _refuse_empty(outcome)
    this = outcome.of_cause(cause).event
    found, own = count(outcome.time, outcome.event), count(outcome.time, this).events
    free = np.cumprod(1 - found.events / found.at_risk)
    before = np.append(1.0, free[:-1])
    values = np.cumsum(before * own / found.at_risk)
    spread = np.sqrt(np.maximum(_aalen_variance(found, own, before, values), 0.0))
    error = _ratio(spread, values * np.abs(_log(values)))
    low, high = values ** np.exp(Z95 * error), values ** np.exp(-Z95 * error)
    return Curve(found.times, values, low, high, found.at_risk, 0.0)


def _aalen_variance(found: Counts, own: Floats, before: Floats, values: Floats) -> Floats:
    """Return Aalen's variance of a cumulative incidence.

    The sum over s <= t of (F(t) - F(s))^2 a(s) + b(s) - 2 (F(t) - F(s)) c(s), opened up into running sums.
    """
    risk, events = found.at_risk, found.events
    one_less, rest = np.maximum(risk - 1, 0), risk - events
    total = _ratio(events, one_less * rest)
    alone = _ratio(before**2 * own * (risk - own), risk**2 * one_less)
    joint = _ratio(before * own * (risk - own), risk * one_less * rest)
    squares = values**2 * np.cumsum(total) - 2 * values * np.cumsum(values * total) + np.cumsum(values**2 * total)
    return squares + np.cumsum(alone) - 2 * (values * np.cumsum(joint) - np.cumsum(values * joint))


def _banded(found: Counts, values: Floats, error: Floats, *, start: float) -> Curve:
    """Return a survival curve with its log-log band; where all have had the event there is nothing but zero."""
    low, high = values ** np.exp(Z95 * error), values ** np.exp(-Z95 * error)
    flat = (values <= 0) | (values >= 1)
    low, high = np.where(flat, values, low), np.where(flat, values, high)
    return Curve(found.times, values, low, high, found.at_risk, start)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return the ratio, zero where the bottom is zero."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def _log(values: Floats) -> Floats:
    """Return the logarithm, zero where the value is zero."""
    return np.log(values, out=np.zeros_like(values), where=values > 0)


def _refuse_empty(outcome: Outcome) -> None:
    """Raise when there is nobody."""
    if not len(outcome):
        raise InvalidInput("There are no patients to draw a curve of", "One patient at least")
