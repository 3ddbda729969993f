"""From the logits of a bundle to what is said of each patient: risk, curves, median times. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import Survival
from cancernet.errors import InvalidInput
from cancernet.survival.chances import chances, free_hazard
from cancernet.survival.predicted import Baseline

__all__ = ["Answers", "answer", "refuse_unseen"]

Floats = NDArray[np.float64]

_NO_GROUP = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Answers:
    """What is said of n patients.

    Parameters
    ----------
    risk
        Shape (n,): the logarithm of the hazard by that of the mean training patient ("cox"); log(-log(s)), where s is
        the mean chance over the ends of the intervals to be free of any event ("hazards").
    times
        Shape (t,): the times that were asked for, all inside the follow-up.
    survival
        Shape (n, t): the chance to be free of the event; with causes of all of them.
    median
        Shape (n,): when half of such patients will have had the event; NaN where the follow-up is too short to see it.
    group
        Shape (n,): the risk group, from 0; all 0 without cuts.
    incidence
        Shape (n, t, causes): the chance to have had each cause first by a time; no cause where there is one event.
    """

    risk: Floats
    times: Floats
    survival: Floats
    median: Floats
    group: NDArray[np.int64]
    incidence: Floats


def answer(part: Survival, logits: NDArray[np.floating], *, times: Sequence[float] | None = None) -> Answers:
    """Return what the card makes of logits.

    Parameters
    ----------
    part
        Of the card.
    logits
        Shape (n, width).
    times
        When; those of the card when None.

    Raises
    ------
    InvalidInput
        When a time is not inside the follow-up of the training patients, or a logit is not finite.
    """
    asked = np.asarray(part.asked if times is None else times, dtype=np.float64)
    refuse_unseen(part, asked)
    values = np.asarray(logits, dtype=np.float64)
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0]) + 1
        raise InvalidInput(
            f"No risk for row {row}: its values are beyond what the model can take", "Values as in training"
        )
    found = _of_cox(part, values, asked) if part.form == "cox" else _of_hazards(part, values, asked)
    group = np.searchsorted(np.asarray(part.cuts), found.risk, "right").astype(np.int64)
    return replace(found, group=group)


def refuse_unseen(part: Survival, times: Floats) -> None:
    """Raise `InvalidInput` when a time is not inside the follow-up."""
    wrong = ~((times >= 0) & (times <= part.end))
    if wrong.any():
        raise InvalidInput(
            f"Nothing is known of {times[wrong][0]:g} {part.unit}: no training patient was followed beyond "
            f"{part.end:g} {part.unit}",
            f"Times from 0 to {part.end:g} {part.unit}",
            "Ask for an earlier time: curves are not extrapolated",
        )


def _of_cox(part: Survival, logits: Floats, times: Floats) -> Answers:
    """Return what linear predictors say, without groups."""
    baseline, risk = Baseline(np.array(part.times), np.array(part.hazard), part.end), logits[:, 0]
    none = np.zeros((len(risk), len(times), 0))
    return Answers(risk, times, baseline.survival(risk, times), baseline.median(risk), _NO_GROUP, none)


def _of_hazards(part: Survival, logits: Floats, times: Floats) -> Answers:
    """Return what chances in intervals say, without groups; inside an interval all hazards are constant."""
    ends, causes = np.append(0.0, part.times), max(1, len(part.causes))
    steps = free_hazard(logits, causes)
    hazard = np.concatenate([np.zeros((len(logits), 1)), np.cumsum(steps, axis=1)], axis=1)
    survival = np.exp(-_between(times, ends, hazard))
    mean = np.exp(-hazard[:, 1:]).mean(axis=1)
    incidence = np.zeros((len(logits), len(times), 0))
    if part.causes:
        share = chances(logits, causes) / -np.expm1(-steps)[:, :, None]  # of the events in an interval
        incidence = _incidence(times, ends, hazard, share)
    risk = np.log(np.maximum(-np.log(mean), np.finfo(float).tiny))
    return Answers(risk, times, survival, _median(ends, hazard), _NO_GROUP, incidence)


def _incidence(times: Floats, ends: Floats, hazard: Floats, share: Floats) -> Floats:
    """Return the chance to have had each cause first, (n, times, causes)."""
    steps = -np.diff(np.exp(-hazard), axis=1)[:, :, None] * share
    whole = np.concatenate([np.zeros_like(steps[:, :1]), np.cumsum(steps, axis=1)], axis=1)
    after = np.clip(np.searchsorted(ends, times, "left"), 1, len(ends) - 1)
    begun = np.exp(-hazard[:, after - 1]) - np.exp(-_between(times, ends, hazard))
    found: Floats = whole[:, after - 1] + begun[:, :, None] * share[:, after - 1]
    return found


def _between(times: ArrayLike, ends: Floats, hazard: Floats) -> Floats:
    """Return hazards (n, times) between those at the ends (n, ends)."""
    asked = np.asarray(times, dtype=np.float64)
    after = np.clip(np.searchsorted(ends, asked, "left"), 1, len(ends) - 1)
    share = (asked - ends[after - 1]) / (ends[after] - ends[after - 1])
    between: Floats = hazard[:, after - 1] + share * (hazard[:, after] - hazard[:, after - 1])
    return between


def _median(ends: Floats, hazard: Floats) -> Floats:
    """Return when the hazard reaches log 2, (n,); NaN where it does not."""
    later = hazard >= np.log(2.0)
    last = later.argmax(axis=1)
    rows = np.arange(len(hazard))
    before = np.maximum(last - 1, 0)
    step = hazard[rows, last] - hazard[rows, before]
    share = np.divide(np.log(2.0) - hazard[rows, before], step, out=np.zeros(len(hazard)), where=step > 0)
    found: Floats = np.where(later.any(axis=1), ends[before] + share * (ends[last] - ends[before]), np.nan)
    return found
