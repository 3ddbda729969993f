"""The share that has had the event by a time, for many resamples at once: Kaplan-Meier with weights. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.survival.curves import kaplan_meier
from cancernet.survival.outcome import Outcome

__all__ = ["CalibrationGroup", "Observed", "calibration_groups"]

Floats = NDArray[np.float64]


class Observed:
    """The share of some rows that has had the event by a time.

    Parameters
    ----------
    outcome
        Of n rows.
    time
        In its unit.
    rows
        Which of them count; all when None.
    """

    def __init__(self, outcome: Outcome, *, time: float, rows: NDArray[np.int64] | None = None) -> None:
        chosen = np.arange(len(outcome)) if rows is None else rows
        self._rows = chosen[np.argsort(outcome.time[chosen], kind="stable")]
        times = outcome.time[self._rows]
        self._until = int(np.searchsorted(times, time, "right"))
        self._first = np.flatnonzero(np.diff(times[: self._until], prepend=-1.0))
        self._event = outcome.event[self._rows[: self._until]].astype(np.float64)

    def share(self, weights: Floats) -> Floats:
        """Return the share for weights of shape (draws, n): shape (draws,)."""
        if not self._until:
            return np.zeros(len(weights))
        drawn = weights[:, self._rows]
        at_risk = np.cumsum(drawn[:, ::-1], axis=1)[:, ::-1][:, self._first]
        events = np.add.reduceat(drawn[:, : self._until] * self._event, self._first, axis=1)
        gone = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
        share: Floats = 1 - np.prod(1 - gone, axis=1)
        return share


@dataclass(frozen=True)
class CalibrationGroup:
    """Patients of about the same predicted risk: how many, what was predicted, and what was seen, with its band."""

    size: int
    predicted: float
    observed: float
    low: float
    high: float


def calibration_groups(
    outcome: Outcome, chance: Floats, *, time: float, groups: int = 10
) -> tuple[CalibrationGroup, ...]:
    """Return groups of equal size, by predicted risk; the observed share is that of Kaplan-Meier.

    Parameters
    ----------
    outcome
        Of n patients.
    chance
        Shape (n,): predicted chance to have had the event by the time.
    time
        Inside the follow-up.
    groups
        How many.
    """
    made = []
    for rows in np.array_split(np.argsort(chance, kind="stable"), groups):
        curve = kaplan_meier(outcome.take(rows))
        until = min(time, float(curve.times[-1]))  # the last one of a group may have left before
        low, high = curve.band(until)
        observed = 1 - float(curve.at(until))
        made.append(CalibrationGroup(len(rows), float(chance[rows].mean()), observed, 1 - float(high), 1 - float(low)))
    return tuple(made)
