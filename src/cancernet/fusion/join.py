"""Sources joined by patient: the same question, the same outcome, the same folds, or a refusal with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.fusion.source import Source

__all__ = ["Joined", "join", "match_patients", "overlap_words"]

_MOST = 10  # names in a message
_SAME_TIME = 1e-6  # relative: files round


@dataclass(frozen=True, eq=False)
class Joined:
    """Patients whom all sources know.

    Parameters
    ----------
    sources
        In the order of the study.
    patients
        Shape (n,), sorted.
    values
        Shape (n, columns): the answers of all sources side by side.
    fold
        Shape (n,): in which fold each patient was tested by every source, from 1.
    truth, time
        As of a source.
    notes
        Sentences on who was left out.
    """

    sources: tuple[Source, ...]
    patients: NDArray[np.str_]
    values: NDArray[np.float64]
    fold: NDArray[np.int64]
    truth: NDArray[np.str_]
    time: NDArray[np.float64] | None
    notes: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(name for source in self.sources for name in source.columns)

    @property
    def places(self) -> dict[str, list[int]]:
        """The positions of the columns of each source."""
        ends = np.cumsum([len(source.columns) for source in self.sources]).tolist()
        return {
            source.name: list(range(end - len(source.columns), end))
            for source, end in zip(self.sources, ends, strict=True)
        }


def join(sources: Sequence[Source], *, overlap: float = 0.8) -> Joined:
    """Return the patients whom all sources know, with their answers side by side.

    Parameters
    ----------
    sources
        Two or more; one at least tells folds and truth.
    overlap
        The least share of patients known to all sources among those known to any.

    Raises
    ------
    InvalidInput
        When the sources answer different questions, too few patients match, or outcomes differ.
    LeakingSplit
        When a patient was tested in different folds: a model of one source would then have learnt from patients on whom
        the stack is tested.
    """
    _refuse_few(sources)
    _refuse_other_questions(sources)
    patients, notes = match_patients({source.name: source.patients for source in sources}, overlap=overlap)
    truth = _same_truth(sources, patients)
    fold = _same_folds(sources, patients)
    repeated = [source.name for source in sources if source.repeats > 1]
    drawn = (f"Of {listed(repeated)} the first draw of the folds is taken.",) if repeated else ()
    values = np.concatenate([source.values[source.at(patients)] for source in sources], axis=1)
    return Joined(tuple(sources), patients, values, fold, *truth, (*notes, *drawn))


def match_patients(known: dict[str, NDArray[np.str_]], *, overlap: float) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Return the patients whom all know, sorted, and a sentence for each source that others know more of.

    Raises
    ------
    InvalidInput
        When they are a smaller share than `overlap` of those whom any knows.
    """
    every = np.unique(np.concatenate(list(known.values())))
    common = every
    for names in known.values():
        common = np.intersect1d(common, names)
    lacking = {name: np.setdiff1d(every, names) for name, names in known.items()}
    words = tuple(overlap_words(name, absent) for name, absent in lacking.items() if len(absent))
    if not len(common) or len(common) < overlap * len(every):
        raise InvalidInput(
            f"Only {len(common)} of {len(every)} patients are known to all sources. {' '.join(words)}",
            f"{overlap:.0%} at least, matched by their names",
            "Are the patients called the same in all sources? Else lower data.overlap; the others are then left out",
        )
    left = len(every) - len(common)
    said = f"{left} of {len(every)} patients are not known to all sources and are left out."
    return common, ((said, *words) if left else ())


def overlap_words(name: str, absent: NDArray[np.str_]) -> str:
    """Return whom a source does not know: how many, and the first ten."""
    return f"{name} lacks {len(absent)}: {listed(absent.tolist(), _MOST)}."


def _refuse_few(sources: Sequence[Source]) -> None:
    """Raise when there is nothing to fuse."""
    if len(sources) < 2:
        raise InvalidInput(f"{len(sources)} source", "Two at least", "Add one to [data] sources")
    if all(source.fold is None or source.truth is None for source in sources):
        raise InvalidInput(
            "No source tells folds and truth", "The out-of-fold predictions of one run at least", "Name a run folder"
        )


def _refuse_other_questions(sources: Sequence[Source]) -> None:
    """Raise when two sources do not answer the same question in the same unit."""
    first, asked = sources[0], _question(sources[0])
    for other in sources[1:]:
        if _question(other) != asked:
            raise InvalidInput(
                f"'{other.name}' answers {_question(other)}, '{first.name}' {asked}",
                "Sources of one outcome: the same classes in the same order, or the same event in the same unit",
                "Train them with the same task",
            )


def _question(source: Source) -> str:
    """Return what a source answers, in words."""
    task, part = source.card.task, source.card.survival
    if part is not None:
        return f"the time to '{task.classes[-1]}' in {part.unit}"
    positive = f", positive '{task.positive}'" if task.positive is not None else ""
    return f"{listed(task.classes, 20)}{positive}"


def _same_truth(
    sources: Sequence[Source], patients: NDArray[np.str_]
) -> tuple[NDArray[np.str_], NDArray[np.float64] | None]:
    """Return outcome and time of the patients; all sources that know them must agree."""
    told = [source for source in sources if source.truth is not None]
    first = told[0]
    truth, time = _outcome(first, patients)
    for other in told[1:]:
        found, when = _outcome(other, patients)
        differs = found != truth
        if time is not None and when is not None:
            differs |= np.abs(when - time) > _SAME_TIME * np.maximum(np.abs(time), 1)
        if differs.any():
            raise InvalidInput(
                f"'{other.name}' and '{first.name}' tell different outcomes of {int(differs.sum())} patients: "
                f"{listed(patients[differs].tolist(), _MOST)}",
                "One outcome for each patient",
                "Check target, or time and event, of both studies",
            )
    return truth, time


def _outcome(source: Source, patients: NDArray[np.str_]) -> tuple[NDArray[np.str_], NDArray[np.float64] | None]:
    """Return truth and time of some patients, by a source that knows them."""
    rows = source.at(patients)
    truth = np.asarray(source.truth, dtype=np.str_)[rows]
    return truth, None if source.time is None else source.time[rows]


def _same_folds(sources: Sequence[Source], patients: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the folds of the patients; all sources that were cross-validated must have had the same."""
    told = [(source, source.fold[source.at(patients)]) for source in sources if source.fold is not None]
    first, fold = told[0]
    for other, found in told[1:]:
        differs = found != fold
        if differs.any():
            raise LeakingSplit(
                f"'{other.name}' tested {int(differs.sum())} of {len(patients)} patients in other folds than "
                f"'{first.name}': {listed(patients[differs].tolist(), _MOST)}",
                "The same folds in all sources: else a model of one has learnt from patients the stack is tested on",
                f'Train it again with [split] file = the predictions.csv of "{first.name}"',
            )
    if len(np.unique(fold)) < 2:
        raise InvalidInput(
            "The sources were tested on one held-out part", "Cross-validated sources", "Train them with folds = 5"
        )
    return fold
