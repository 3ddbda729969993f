"""The metrics of one cause as functions of how often each patient counts; see `Measured`. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from cancernet.survival.attime import trapezoid
from cancernet.survival.causes import CauseForecast, cause_errors, concordance_sums
from cancernet.survival.outcome import Outcome

__all__ = ["CauseObserved", "cause_makers"]

Floats = NDArray[np.float64]
Part = Callable[[Floats], dict[str, Floats]]


class CauseObserved:
    """The share that has had a cause first by a time, for many resamples at once: Aalen-Johansen with weights.

    Parameters
    ----------
    outcome
        Of n rows, with all causes.
    cause, time
        Which one, and when.
    """

    def __init__(self, outcome: Outcome, *, cause: str, time: float) -> None:
        self._order = np.argsort(outcome.time, kind="stable")
        times = outcome.time[self._order]
        self._until = int(np.searchsorted(times, time, "right"))
        self._first = np.flatnonzero(np.diff(times[: self._until], prepend=-1.0))
        chosen = self._order[: self._until]
        self._any = outcome.event[chosen].astype(np.float64)
        self._own = outcome.of_cause(cause).event[chosen].astype(np.float64)

    def share(self, weights: Floats) -> Floats:
        """Return the share for weights of shape (draws, n): shape (draws,)."""
        if not self._until:
            return np.zeros(len(weights))
        drawn = weights[:, self._order]
        at_risk = np.cumsum(drawn[:, ::-1], axis=1)[:, ::-1][:, self._first]
        begun = drawn[:, : self._until]
        gone, own = (
            _ratio(np.add.reduceat(begun * what, self._first, axis=1), at_risk) for what in (self._any, self._own)
        )
        free = np.cumprod(1 - gone, axis=1)
        before = np.concatenate([np.ones((len(weights), 1)), free[:, :-1]], axis=1)
        share: Floats = (before * own).sum(axis=1)
        return share


def cause_makers(forecast: CauseForecast) -> Iterator[tuple[tuple[str, ...], Callable[[], Part]]]:
    """Yield the names of metrics, and what makes the function for them or raises; see `Measured`."""
    cause = forecast.cause
    yield (f"concordance_{cause}",), lambda: _concordance(forecast)
    yield (f"integrated_brier_{cause}",), lambda: _integrated(forecast)
    for place, time in enumerate(forecast.times.tolist()):
        names = tuple(f"{kind}_{cause}_at_{time:g}" for kind in ("brier", "observed", "predicted", "calibration_ratio"))
        yield names, lambda place=place, names=names: _at(forecast, place, names)  # type: ignore[misc]


def _concordance(forecast: CauseForecast) -> Part:
    """Return the concordance as a function of weights."""
    sums = concordance_sums(
        forecast.outcome,
        forecast.risk,
        cause=forecast.cause,
        until=forecast.horizon,
        censoring=forecast.censoring,
        strata=forecast.strata,
    )

    def found(weights: Floats) -> dict[str, Floats]:
        """Return the share of concordant pairs."""
        concordant, every = sums(weights)
        share = np.divide(concordant, every, out=np.full(len(every), np.nan), where=every > 0)
        return {f"concordance_{forecast.cause}": share}

    return found


def _integrated(forecast: CauseForecast) -> Part:
    """Return the integrated Brier score as a function of weights."""
    errors = cause_errors(
        forecast.outcome, forecast.curves, cause=forecast.cause, times=forecast.grid, censoring=forecast.censoring
    )
    mean = errors @ trapezoid(forecast.grid)
    return lambda weights: {f"integrated_brier_{forecast.cause}": weights @ mean / weights.sum(axis=1)}


def _at(forecast: CauseForecast, place: int, names: tuple[str, ...]) -> Part:
    """Return Brier score and calibration at a time as a function of weights."""
    time, share, cause = forecast.times[[place]], forecast.shares[:, [place]], forecast.cause
    errors = cause_errors(forecast.outcome, share, cause=cause, times=time, censoring=forecast.censoring)[:, 0]
    seen = CauseObserved(forecast.outcome, cause=cause, time=float(time[0]))

    def found(weights: Floats) -> dict[str, Floats]:
        """Return the four numbers."""
        total, observed = weights.sum(axis=1), seen.share(weights)
        predicted = weights @ share[:, 0] / total
        return dict(zip(names, (weights @ errors / total, observed, predicted, observed / predicted), strict=True))

    return found


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return the ratio, zero where the bottom is zero."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
