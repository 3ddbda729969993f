"""What a model said of patients beside what became of them: the one thing that all metrics are measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.censoring import Censoring
from cancernet.survival.concordance import checked_risk
from cancernet.survival.outcome import Outcome

__all__ = ["GRID", "Forecast", "Foreseen", "grid_to", "horizon_of"]

Floats = NDArray[np.float64]

GRID = 50  # times of the mean over time
_FEWEST = 10  # patients that are still followed at the horizon
_SHARE = 0.05


class Foreseen:
    """What forecasts of one event and of several causes share: patients with their outcome, and a grid of times."""

    outcome: Outcome
    grid: Floats
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.outcome)

    @property
    def codes(self) -> NDArray[np.int64]:
        """Shape (n,): the groups as numbers from 0."""
        return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)

    @property
    def group_count(self) -> int:
        """How many patients there are."""
        return len(np.unique(self.groups))

    @property
    def horizon(self) -> float:
        """The last time of the grid."""
        return float(self.grid[-1])

    @property
    def censoring(self) -> Censoring:
        """How likely a patient of these is still followed."""
        return Censoring.fit(self.outcome)


@dataclass(frozen=True, eq=False)
class Forecast(Foreseen):
    """Predictions for n patients, each made by a model that has not seen the patient.

    Parameters
    ----------
    outcome
        With one kind of event.
    risk
        Shape (n,): higher means sooner.
    times
        Shape (t,), rising: for which single numbers are stated.
    survival
        Shape (n, t): predicted chance to be free of the event at `times`.
    grid, curves
        Shape (g,) and (n, g): times up to the horizon, and the chances there, for the mean over time.
    groups
        Shape (n,): whom each row is of.
    strata
        Shape (n,): repeats of a cross-validation; only rows of the same one are compared with each other.

    Raises
    ------
    InvalidInput
        When shapes differ, or a prediction is no number. A time past the follow-up leaves its metrics undefined: of a
        small fold the last patient may have left early.
    """

    outcome: Outcome
    risk: Floats
    times: Floats
    survival: Floats
    grid: Floats
    curves: Floats
    groups: NDArray[np.str_]
    strata: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Hold the arrays together."""
        n = len(self.outcome)
        checked_risk(self.outcome, self.risk)
        for name, chances, wide in (("survival", self.survival, self.times), ("curves", self.curves, self.grid)):
            if chances.shape != (n, len(wide)) or not ((chances >= 0) & (chances <= 1)).all():
                raise InvalidInput(f"'{name}' of shape {chances.shape}", f"Chances of shape {(n, len(wide))}")
        if len(self.groups) != n or len(self.strata) != n:
            raise InvalidInput(f"{len(self.groups)} groups and {len(self.strata)} strata for {n} rows", "One for each")

    def take(self, rows: NDArray[np.int64]) -> Forecast:
        """Return some rows."""
        return Forecast(
            self.outcome.take(rows),
            self.risk[rows],
            self.times,
            self.survival[rows],
            self.grid,
            self.curves[rows],
            self.groups[rows],
            self.strata[rows],
        )


def horizon_of(outcome: Outcome) -> float:
    """Return the latest time, to two digits, at which 5 % of the patients, and 10 of them, are still followed."""
    wanted = max(_FEWEST, int(np.ceil(_SHARE * len(outcome))))
    if len(outcome) <= wanted:
        raise InvalidInput(
            f"{len(outcome)} patients are too few to measure anything in time", f"More than {wanted}", "Add patients"
        )
    latest = float(np.sort(outcome.time)[-wanted - 1])
    digit = 10 ** np.floor(np.log10(latest) - 1)
    return float(np.floor(latest / digit) * digit)


def grid_to(horizon: float) -> Floats:
    """Return equal steps of time up to the horizon; time zero, at which all are free of the event, is left out."""
    return np.arange(1, GRID + 1, dtype=np.float64) * (horizon / GRID)
