"""How likely a patient is still followed at a time, and the weights that make up for those who are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.curves import count
from cancernet.survival.outcome import Outcome

__all__ = ["Censoring"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Censoring:
    """The share that is not censored yet: Kaplan-Meier with event and censoring exchanged.

    Of those who left at one time, events are taken to come before censorings. `at(t)` counts those out who were
    censored at t itself. These are the rules of scikit-survival.

    Parameters
    ----------
    times, shares
        Shape (m,): distinct times at which anybody left, and the share from then on.
    """

    times: Floats
    shares: Floats

    @classmethod
    def fit(cls, outcome: Outcome) -> Censoring:
        """Return the distribution of the censoring of these patients."""
        found = count(outcome.time, outcome.event)
        exposed = found.at_risk - found.events
        gone = np.divide(found.censored, exposed, out=np.zeros_like(exposed), where=exposed > 0)
        return cls(found.times, np.cumprod(1 - gone))

    @property
    def end(self) -> float:
        """The time from which on nothing is known: the last one, unless all were censored or had an event by then."""
        return np.inf if self.shares[-1] <= 0 else float(self.times[-1])

    def at(self, times: ArrayLike) -> Floats:
        """Return the shares at times of any shape; NaN past the follow-up, unless nobody was left."""
        asked = np.asarray(times, dtype=np.float64)
        found = np.append(1.0, self.shares)[np.searchsorted(self.times, asked, "right")]
        return np.where(asked > self.end, np.nan, found)

    def weights(self, outcome: Outcome, *, until: float = np.inf) -> Floats:
        """Return one over the share at the time of each event at or before `until`; zero for all others.

        Raises
        ------
        InvalidInput
            When the share is zero or unknown at such a time: the weight does not exist.
        """
        counted = outcome.event & (outcome.time <= until)
        shares = self.at(outcome.time[counted])
        wrong = ~(shares > 0)
        if wrong.any():
            raise _no_weight(float(outcome.time[counted][wrong].min()), outcome, float(self.times[-1]))
        weights = np.zeros(len(outcome))
        weights[counted] = 1 / shares
        return weights


def _no_weight(time: float, outcome: Outcome, end: float) -> InvalidInput:
    """Return the error for an event that stands for nobody knows how many."""
    return InvalidInput(
        f"There is an event at {time:g} {outcome.unit}, when nobody whose censoring is known was still followed",
        f"Events before the end of their follow-up, {end:g} {outcome.unit}",
        "Look at earlier times only",
    )
