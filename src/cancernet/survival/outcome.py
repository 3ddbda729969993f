"""Who had which event when, and who was last seen without one: one frozen type, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import listed, one_of
from cancernet.errors import InvalidInput

__all__ = ["UNITS", "Coding", "Outcome", "Unit", "in_unit", "make_outcome"]

Unit = Literal["days", "weeks", "months", "years"]
UNITS: tuple[Unit, ...] = ("days", "weeks", "months", "years")

_DAYS: dict[Unit, float] = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
_MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "None", "null")
_FEWEST = 10  # rows of each side from which on lengths of time say something about the coding
_BACKWARDS = 0.6  # share of pairs in which the event comes later; 0.02 to 0.30 in thirteen public outcomes
_CAUTION = 3.0  # standard errors above one half


@dataclass(frozen=True, eq=False)
class Outcome:
    """Times to an event, or to the last time a patient was seen without one.

    Parameters
    ----------
    time
        Shape (n,), float64, in `unit`, zero or more, read-only.
    cause
        Shape (n,), int64, read-only: 0 is censored (last seen without an event), 1 and above are the causes in order.
    unit
        Of time.
    causes
        What the codes 1, 2, ... mean.
    """

    time: NDArray[np.float64]
    cause: NDArray[np.int64]
    unit: Unit
    causes: tuple[str, ...] = ("event",)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.time)

    @property
    def event(self) -> NDArray[np.bool_]:
        """Shape (n,): whether any event was seen."""
        return self.cause > 0

    @property
    def follow_up(self) -> float:
        """The last time at which anybody was seen."""
        return float(self.time.max())

    @property
    def ties(self) -> int:
        """How many events share their time with another event."""
        _, counts = np.unique(self.time[self.event], return_counts=True)
        return int(counts[counts > 1].sum())

    def take(self, rows: ArrayLike) -> Outcome:
        """Return the rows, given by number or by a mask of shape (n,)."""
        chosen = np.asarray(rows)
        return _frozen(self.time[chosen], self.cause[chosen], self)

    def of_cause(self, cause: str) -> Outcome:
        """Return the outcome in which only this cause is an event; who had another one first is censored then."""
        code = self.causes.index(one_of(cause, self.causes, "cause")) + 1
        return _frozen(self.time, (self.cause == code).astype(np.int64), replace(self, causes=(cause,)))

    def of_any_cause(self) -> Outcome:
        """Return the outcome in which all causes are one event."""
        name = self.causes[0] if len(self.causes) == 1 else "any event"
        return _frozen(self.time, self.event.astype(np.int64), replace(self, causes=(name,)))

    def sentences(self) -> tuple[str, ...]:
        """Return what the outcome is like, for a report."""
        counts = ", ".join(f"{name} {int((self.cause == code).sum())}" for code, name in enumerate(self.causes, 1))
        ties = f"{self.ties} events share their time with another one" if self.ties else "no two events at one time"
        seen = f"{float(np.median(self.time)):.4g} {self.unit} in the median, {self.follow_up:.4g} at most"
        return (
            f"{len(self)} patients: {counts}, censored {int((~self.event).sum())}.",
            f"Seen for {seen}; {ties}.",
        )


@dataclass(frozen=True)
class Coding:
    """How the columns of an outcome are to be read.

    Parameters
    ----------
    unit
        Of the times.
    codes
        What each entry of the event column means: 0 is censored, 1 and above a cause. None: the numbers 0, 1, 2, ...
        stand there themselves, or false and true.
    causes
        Names of the causes 1, 2, ...; "event", or "cause 1" and so on, when empty.
    zero
        "error" refuses times of zero; "keep" takes them: such patients left at the very start.
    trust
        Take events although they look as if 1 meant alive.
    time_column, event_column
        Names for messages.
    """

    unit: Unit
    codes: Mapping[str, int] | None = None
    causes: tuple[str, ...] = ()
    zero: Literal["error", "keep"] = "error"
    trust: bool = False
    time_column: str = "time"
    event_column: str = "event"


def make_outcome(time: ArrayLike, event: ArrayLike, *, coding: Coding, ids: Sequence[str] | None = None) -> Outcome:
    """Return the outcome of two columns, after every check.

    Parameters
    ----------
    time
        Shape (n,): numbers, or text that holds numbers.
    event
        Shape (n,): 0 and 1 (or 0, 1, 2, ... for several causes), false and true, or the labels of `coding.codes`.
    coding
        How to read them.
    ids
        Names of the rows for messages; their numbers from 1 when None.

    Raises
    ------
    InvalidInput
        When there is no row; a time is missing, text, infinite, negative, or zero without leave; an event is missing or
        of an unknown code; nobody has an event, or a named cause does not occur; or events look coded backwards.

    Examples
    --------
    >>> outcome = make_outcome([5.0, 8.0, 2.5], [1, 0, 1], coding=Coding("months"))
    >>> outcome.event.tolist(), outcome.follow_up
    ([True, False, True], 8.0)
    """
    one_of(coding.unit, UNITS, "unit of time")
    times, events = _text(time), _text(event)
    if len(times) != len(events) or not len(times):
        raise InvalidInput(
            f"{len(times)} times and {len(events)} events", "One of each for every patient, and one patient at least"
        )
    names = [str(number) for number in range(1, len(times) + 1)] if ids is None else [str(name) for name in ids]
    cause = _causes(events, coding, names)
    outcome = Outcome(_times(times, coding, names), cause, coding.unit, _named(cause, coding))
    _refuse_no_event(outcome, coding)
    if not coding.trust:
        _refuse_backwards(outcome, coding)
    return _frozen(outcome.time, outcome.cause, outcome)


def in_unit(outcome: Outcome, unit: Unit) -> Outcome:
    """Return the outcome with its times in another unit; a month is the twelfth part of 365.25 days."""
    if unit == outcome.unit:
        return outcome
    return _frozen(outcome.time * (_DAYS[outcome.unit] / _DAYS[unit]), outcome.cause, replace(outcome, unit=unit))


def _frozen(time: NDArray[np.float64], cause: NDArray[np.int64], like: Outcome) -> Outcome:
    """Return an outcome of read-only copies."""
    time, cause = np.array(time, dtype=np.float64), np.array(cause, dtype=np.int64)
    time.flags.writeable = cause.flags.writeable = False
    return replace(like, time=time, cause=cause)


def _text(column: ArrayLike) -> list[str]:
    """Return each cell as text; whole numbers without a decimal point, booleans as 0 and 1."""
    return [_cell(value) for value in np.asarray(column, dtype=object).ravel().tolist()]


def _cell(value: object) -> str:
    """Return one cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _times(cells: Sequence[str], coding: Coding, names: Sequence[str]) -> NDArray[np.float64]:
    """Return the times as numbers."""
    times = np.array([_number(cell, coding, name) for cell, name in zip(cells, names, strict=True)])
    _refuse(times < 0, "is below zero", coding, names, times)
    if coding.zero == "error":
        _refuse(times == 0, "is zero", coding, names, times)
    return times


def _number(cell: str, coding: Coding, name: str) -> float:
    """Return one time."""
    where = f"row '{name}', column '{coding.time_column}'"
    if cell in _MISSING:
        raise InvalidInput(
            f"The time in {where} is missing",
            "For every patient the time of the event, or when the patient was last seen",
            "Take patients without an outcome out: nothing can be learnt from them",
        )
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise InvalidInput(f"'{cell[:40]}' in {where} is no time", f"A number of {coding.unit}", "Correct the cell")
    return number


def _refuse(
    wrong: NDArray[np.bool_], what: str, coding: Coding, names: Sequence[str], times: NDArray[np.float64]
) -> None:
    """Raise when a time cannot be."""
    if not wrong.any():
        return
    row, count = int(np.argmax(wrong)), int(wrong.sum())
    more = f", the first of {count}" if count > 1 else ""
    keep = 'write zero_times = "keep" when they left at the very start, or t' if what == "is zero" else "T"
    raise InvalidInput(
        f"The time {times[row]:g} of row '{names[row]}', column '{coding.time_column}', {what}{more}",
        "Times above zero, counted from the diagnosis",
        f"{keep[:1].upper()}{keep[1:]}ake such rows out, or correct them",
    )


def _causes(cells: Sequence[str], coding: Coding, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the code of each event cell."""
    codes = _known_codes(cells, coding)
    for cell, name in zip(cells, names, strict=True):
        if cell not in codes:
            raise _unknown(cell, coding, name, tuple(codes))
    return np.array([codes[cell] for cell in cells], dtype=np.int64)


def _known_codes(cells: Sequence[str], coding: Coding) -> dict[str, int]:
    """Return the code of each label that may occur."""
    if coding.codes is not None:
        values = sorted(set(coding.codes.values()) | {0})
        if values != list(range(len(values))):
            raise InvalidInput(
                f"The codes {listed([str(code) for code in values])} of column '{coding.event_column}' have a gap",
                "0 for censored, 1 for the first cause, 2 for the next",
            )
        return dict(coding.codes)
    words = {"false": 0, "true": 1, "False": 0, "True": 1}
    highest = max(2, len(coding.causes) + 1)
    numbers = {str(code): code for code in range(highest)}
    return {**numbers, **words} if highest == 2 else numbers


def _unknown(cell: str, coding: Coding, name: str, known: Sequence[str]) -> InvalidInput:
    """Return the error for an event that has no code."""
    where = f"row '{name}', column '{coding.event_column}'"
    if cell in _MISSING:
        return InvalidInput(
            f"The event in {where} is missing",
            "For every patient whether the event was seen",
            "Take patients without an outcome out: nothing can be learnt from them",
        )
    if cell.isdecimal() and coding.codes is None:
        todo = f'Name the causes in order, for example causes = ["disease", "other"], when {cell} is a further cause'
    else:
        todo = f'Say what it means, for example codes = {{ "{cell[:40]}" = 1 }}; 0 is censored'
    return InvalidInput(f"'{cell[:40]}' in {where} is no known event", f"One of {listed(known)}", todo)


def _named(cause: NDArray[np.int64], coding: Coding) -> tuple[str, ...]:
    """Return the names of the causes."""
    most = len(coding.causes) or 1 if coding.codes is None else max(0, *coding.codes.values())
    most = max(most, int(cause.max(initial=0)))
    if coding.causes and len(coding.causes) != most:
        raise InvalidInput(
            f"{len(coding.causes)} causes are named, and column '{coding.event_column}' has {most}",
            "A name for each of the codes 1, 2, ...",
            "Correct causes, or codes",
        )
    return coding.causes or (("event",) if most == 1 else tuple(f"cause {code}" for code in range(1, most + 1)))


def _refuse_no_event(outcome: Outcome, coding: Coding) -> None:
    """Raise when nobody is known to have had an event, or one of the causes."""
    absent = [name for code, name in enumerate(outcome.causes, 1) if not (outcome.cause == code).any()]
    if absent:
        everybody = "everybody is censored" if not outcome.event.any() else f"nobody had {listed(absent)}"
        raise InvalidInput(
            f"Nothing to learn from column '{coding.event_column}': {everybody}",
            "Patients with each event",
            "Check the codes: 1 means that the event was seen, 0 that it was not",
        )


def _refuse_backwards(outcome: Outcome, coding: Coding) -> None:
    """Raise when those with an event were seen for longer than those without: then 1 most likely means alive.

    An event ends the follow-up, so events come early in nearly all data. The share of pairs in which the event comes
    later than the censoring is held against one half, with the standard error of the Wilcoxon test.
    """
    events, others = outcome.time[outcome.event], outcome.time[~outcome.event]
    if min(len(events), len(others)) < _FEWEST:
        return
    share = _later(events, others)
    error = np.sqrt((len(events) + len(others) + 1) / (12 * len(events) * len(others)))
    if share > max(_BACKWARDS, 0.5 + _CAUTION * error):
        raise InvalidInput(
            f"Column '{coding.event_column}' looks coded backwards: in {share:.0%} of all pairs the one with the event "
            "was seen for longer than the one without",
            "1 where the event (such as death) was seen, 0 where the patient was last seen without it",
            'If 1 means alive, write codes = { "1" = 0, "0" = 1 }; if the column is right, write trust_coding = true',
        )


def _later(events: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the share of pairs in which the event is later; ties count half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, events, "left") + np.searchsorted(ordered, events, "right")
    return float(below.mean() / (2 * len(others)))
