"""The part of a card that says how logits become survival curves."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from cancernet.bundle.part import Part, refuse

__all__ = ["OutcomeColumns", "Survival"]


class OutcomeColumns(Part):
    """How the outcome stood in the training table, so that another one can be read alike.

    Parameters
    ----------
    time, event
        Names of the columns.
    codes
        What each entry of the event column means: 0 is censored. None: the numbers themselves.
    causes
        Names of the codes 1, 2, ...
    """

    time: str
    event: str
    codes: dict[str, int] | None = None
    causes: tuple[str, ...] = ()


class Survival(Part):
    """How logits become curves, in the unit of time.

    Parameters
    ----------
    form
        "cox": one logit, the logarithm of the hazard by that of `hazard`. "hazards": one logit for each interval that
        ends at one of `times`; its logistic function is the chance of the event in it, for one who is free before. With
        causes one for each of them, side by side; no event and the causes share a softmax.
    unit
        Of all times.
    times
        Of "cox" when the cumulative hazard rises; of "hazards" the ends of the intervals. Rising.
    hazard
        Of "cox" the cumulative hazard from each time on; empty for "hazards".
    end
        When the last training patient was seen: nothing is said of later times.
    causes
        Of "hazards": what may come first, in the order of the logits; risk and groups speak of any of them. Empty when
        there is one event.
    asked
        Times that are answered when nobody asks for others.
    cuts
        Of the risk: between the groups, from the lowest to the highest, chosen on training rows.
    outcome
        Where the outcome stood in the training table; None when that is not known.
    """

    form: Literal["cox", "hazards"]
    unit: Literal["days", "weeks", "months", "years"]
    times: tuple[float, ...] = Field(min_length=1)
    hazard: tuple[float, ...] = ()
    end: float = Field(gt=0)
    causes: tuple[str, ...] = ()
    asked: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()
    outcome: OutcomeColumns | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold the numbers together."""
        refuse(not _rises(self.times) or self.times[0] < 0, "times must rise from zero or above")
        refuse(self.end < self.times[-1], "end lies before the last of the times")
        refuse(not _rises(self.cuts), "cuts must rise")
        refuse(any(not 0 < time <= self.end for time in self.asked), "a time in asked is not inside the follow-up")
        wanted = len(self.times) if self.form == "cox" else 0
        refuse(len(self.hazard) != wanted, f"{len(self.hazard)} numbers in hazard, not {wanted}")
        refuse(len(self.causes) == 1 or len(set(self.causes)) < len(self.causes), "causes are two at least, each once")
        refuse(self.form == "cox" and bool(self.causes), "causes belong to the form hazards")
        falls = any(later < sooner for sooner, later in pairwise(self.hazard))
        refuse(falls or any(value < 0 for value in self.hazard), "hazard must not fall, and not be below zero")
        return self

    @property
    def logit_width(self) -> int:
        """How many logits a row has."""
        return 1 if self.form == "cox" else len(self.times) * max(1, len(self.causes))


def _rises(numbers: tuple[float, ...]) -> bool:
    """Return whether each number is above the one before."""
    return all(later > sooner for sooner, later in pairwise(numbers))
