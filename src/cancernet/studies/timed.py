"""The sections of a study of the time to an event: data, task, report."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cancernet.studies.sections import DataOptions, Section
from cancernet.survival import Coding, Unit

__all__ = ["SurvivalData", "SurvivalReport", "SurvivalTask", "SurvivalTraining"]


class SurvivalData(DataOptions):
    """Rows of numbers with the time to an event, or to the last time the patient was seen without it.

    Parameters
    ----------
    time, event
        Columns of the time, and of what happened then: 0 is censored, 1 the event, 2 and above further causes.
    time_unit
        Of the time.
    causes
        Names of the causes 1, 2, ...
    codes
        What the labels of the event column mean, when they are no numbers: 0 is censored.
    cause
        The one that is predicted; who has another one first is censored then. All are one event when None.
    zero_times
        "error" refuses times of zero, "keep" takes them.
    without_outcome
        "error" refuses rows without a time or an event, "drop" leaves them out and says how many.
    trust_coding
        Take events although they look as if 1 meant alive.
    id, columns, drop, missing
        As for a table.
    """

    kind: Literal["survival"] = "survival"
    time: str
    event: str
    time_unit: Unit
    causes: tuple[str, ...] = ()
    codes: dict[str, int] | None = None
    cause: str | None = None
    zero_times: Literal["error", "keep"] = "error"
    without_outcome: Literal["error", "drop"] = "error"
    trust_coding: bool = False
    id: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    missing: Literal["error", "median"] = "error"

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a target: time and event are in its place."""
        if self.target is not None:
            raise ValueError("a study of survival has no target; name the columns time and event")
        return self

    @property
    def coding(self) -> Coding:
        """How the columns of the outcome are to be read."""
        return Coding(
            self.time_unit,
            codes=self.codes,
            causes=self.causes,
            zero=self.zero_times,
            trust=self.trust_coding,
            time_column=self.time,
            event_column=self.event,
        )


class SurvivalTask(Section):
    """What to answer: when the event comes."""

    kind: Literal["survival"] = "survival"


class SurvivalTraining(Section):
    """How a fit begins; what else there is to choose stands in the section of the model.

    Parameters
    ----------
    seed
        Of inner folds, of the weights of networks, and of their order of rows.
    """

    seed: int = Field(default=0, ge=0, lt=2**32)


class SurvivalReport(Section):
    """How results in time are stated.

    Parameters
    ----------
    times
        For which AUROC, Brier score and calibration are stated, in the unit of the data; 2, 5 and 10 years as far as
        the follow-up reaches when empty.
    horizon
        Up to which errors are averaged over time and events are counted by Uno's concordance; the latest time at which
        5 % of the patients are still followed when None.
    groups
        Of equal size in the training rows, by risk, for curves.
    draws
        Of the bootstrap.
    """

    times: tuple[Annotated[float, Field(gt=0)], ...] = ()
    horizon: float | None = Field(default=None, gt=0)
    groups: int = Field(default=3, ge=2, le=5)
    draws: int = Field(default=1000, ge=200, le=100_000)
