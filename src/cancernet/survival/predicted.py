"""Predicted survival: a cumulative hazard that everybody shares, made larger or smaller for each patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.survival.curves import Curve, kaplan_meier
from cancernet.survival.outcome import Outcome
from cancernet.survival.partial import RiskSets

__all__ = ["Baseline", "Marginal", "Predictor", "median_times"]

Floats = NDArray[np.float64]


class Predictor(Protocol):
    """A fitted model: what it says of rows (n, p) in raw units without gaps."""

    def risk(self, values: ArrayLike) -> Floats:
        """Return the risk, (n,): higher means sooner."""

    def survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to be free of the event, (n, times); NaN past the follow-up of the training rows."""

    def median(self, values: ArrayLike) -> Floats:
        """Return the median time to the event, (n,); NaN where the follow-up is too short to see it."""


@dataclass(frozen=True, eq=False)
class Marginal:
    """One who looks at no column: everybody gets the Kaplan-Meier curve of the training rows."""

    curve: Curve

    @classmethod
    def fit(cls, outcome: Outcome) -> Marginal:
        """Return the curve of these patients."""
        return cls(kaplan_meier(outcome))

    def risk(self, values: ArrayLike) -> Floats:
        """Return zeros."""
        return np.zeros(len(np.asarray(values)))

    def survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the same curve for all."""
        return np.tile(self.curve.at(times), (len(np.asarray(values)), 1))

    def median(self, values: ArrayLike) -> Floats:
        """Return the same median for all."""
        found = self.curve.quantile()
        return np.full(len(np.asarray(values)), np.nan if found is None else found)


@dataclass(frozen=True, eq=False)
class Baseline:
    """The cumulative hazard of one whose linear predictor is zero, a step function of time.

    Parameters
    ----------
    times
        Shape (m,): when events were seen, rising.
    hazard
        Shape (m,): the cumulative hazard from then on.
    end
        When the last training patient was seen: nothing is said of later times.
    """

    times: Floats
    hazard: Floats
    end: float

    @classmethod
    def fit(cls, outcome: Outcome, predictor: Floats) -> Baseline:
        """Return Breslow's estimate.

        Parameters
        ----------
        outcome
            Of n training patients.
        predictor
            Shape (n,): their linear predictors.

        References
        ----------
        Breslow 1972, in the discussion of Cox, Journal of the Royal Statistical Society B 34:216.
        """
        sets = RiskSets(outcome)
        hazard, happened = sets.baseline(predictor), sets.counts > 0
        return cls(sets.times[happened], hazard[happened], outcome.follow_up)

    def at(self, times: ArrayLike) -> Floats:
        """Return the hazard at times of any shape; NaN past the end of the follow-up."""
        asked = np.asarray(times, dtype=np.float64)
        found = np.append(0.0, self.hazard)[np.searchsorted(self.times, asked, "right")]
        return np.where((asked > self.end) | (asked < 0), np.nan, found)

    def survival(self, predictor: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to be free of the event, (n, times), for linear predictors (n,)."""
        factor = np.exp(np.asarray(predictor, dtype=np.float64))
        chance: Floats = np.exp(-np.multiply.outer(factor, self.at(times)))
        return chance

    def median(self, predictor: ArrayLike) -> Floats:
        """Return when half of such patients will have had the event, (n,); NaN where the follow-up is too short."""
        return median_times(self.times, self.survival(predictor, self.times))


def median_times(times: Floats, survival: Floats) -> Floats:
    """Return the first time at which the chance is at most one half, (n,); NaN where it never is.

    Parameters
    ----------
    times
        Shape (m,), rising.
    survival
        Shape (n, m).
    """
    reached = survival <= 0.5
    return np.where(reached.any(axis=1), times[reached.argmax(axis=1)], np.nan)
