"""The partial likelihood of Cox, its slope and curvature, in n log n. NumPy only."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.survival.outcome import Outcome

__all__ = ["RiskSets", "Slopes", "Ties"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ties = Literal["efron", "breslow"]


class Slopes(NamedTuple):
    """What a fit needs at one point.

    Parameters
    ----------
    likelihood
        The logarithm of the partial likelihood.
    gradient, curvature
        Shape (n,): its derivative by each linear predictor, and minus the second one (the diagonal).
    """

    likelihood: float
    gradient: Floats
    curvature: Floats


class RiskSets:
    """Who was at risk at each event.

    Parameters
    ----------
    outcome
        Of n patients; all causes are one event.
    ties
        Of events at one time: "efron" takes the mean of the orders they may have come in, "breslow" all at once.

    References
    ----------
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Breslow 1974, doi:10.2307/2529620; Efron 1977,
    doi:10.1080/01621459.1977.10480613.
    """

    def __init__(self, outcome: Outcome, *, ties: Ties = "efron") -> None:
        self.order = np.argsort(outcome.time, kind="stable")
        time, event = outcome.time[self.order], outcome.event[self.order]
        self.times, self._place = np.unique(time, return_inverse=True)
        self._first = np.searchsorted(time, self.times)  # where each time begins
        self._event, self._events = event, np.flatnonzero(event)
        self._at = self._place[self._events]
        self.counts = np.bincount(self._at, minlength=len(self.times)).astype(np.float64)
        nth = np.arange(len(self._at)) - np.searchsorted(self._at, self._at)
        self._share = nth / self.counts[self._at] if ties == "efron" else np.zeros(len(nth))

    def slopes(self, predictor: Floats) -> Slopes:
        """Return likelihood, gradient and curvature at linear predictors of shape (n,)."""
        eta = predictor[self.order] - predictor.max()
        hazard = np.exp(eta)
        total = self._totals(hazard)
        likelihood = float((eta[self._events] - np.log(total)).sum())
        once, twice = (
            self._running(1 / total, self._share),
            self._running(1 / total**2, self._share * (2 - self._share)),
        )
        mass = hazard * once
        gradient, curvature = np.empty_like(eta), np.empty_like(eta)
        gradient[self.order] = self._event - mass
        curvature[self.order] = mass - hazard**2 * twice
        return Slopes(likelihood, gradient, np.maximum(curvature, 0.0))

    def information(self, values: Floats, predictor: Floats) -> Floats:
        """Return minus the second derivative by the coefficients of columns (n, p): shape (p, p)."""
        hazard = np.exp(predictor[self.order] - predictor.max())
        rows, total = values[self.order], self._totals(hazard)
        weighted = rows * hazard[:, None]
        tied = self._by_time(np.where(self._event[:, None], weighted, 0.0))[self._at]
        means = (self._at_risk(weighted)[self._at] - self._share[:, None] * tied) / total[:, None]
        mass = hazard * self._running(1 / total, self._share)
        information: Floats = (rows * mass[:, None]).T @ rows - means.T @ means
        return information

    def likelihood(self, predictor: Floats) -> float:
        """Return the logarithm of the partial likelihood."""
        eta = predictor[self.order] - predictor.max()
        return float((eta[self._events] - np.log(self._totals(np.exp(eta)))).sum())

    def baseline(self, predictor: Floats) -> Floats:
        """Return Breslow's cumulative hazard of one whose linear predictor is zero, at `times`."""
        at_risk = self._at_risk(np.exp(predictor[self.order]))
        cumulative: Floats = np.cumsum(self.counts / at_risk)
        return cumulative

    def _totals(self, hazard: Floats) -> Floats:
        """Return the hazard of all at risk at each event, without the share of those whose event came just before."""
        tied = self._by_time(np.where(self._event, hazard, 0.0))
        total: Floats = self._at_risk(hazard)[self._at] - self._share * tied[self._at]
        return total

    def _at_risk(self, rows: Floats) -> Floats:
        """Return the sum over all that are at risk at each time."""
        sums: Floats = np.cumsum(rows[::-1], axis=0)[::-1][self._first]
        return sums

    def _by_time(self, rows: Floats) -> Floats:
        """Return the sum over all that left at each time."""
        sums: Floats = np.add.reduceat(rows, self._first, axis=0)
        return sums

    def _running(self, parts: Floats, off: Floats) -> Floats:
        """Return for each row the sum of parts of the events up to its time, less what is off for an event of it."""
        size = len(self.times)
        until = np.cumsum(np.bincount(self._at, weights=parts, minlength=size))[self._place]
        own = np.bincount(self._at, weights=parts * off, minlength=size)[self._place]
        running: Floats = (until - np.where(self._event, own, 0.0)).astype(np.float64)
        return running
