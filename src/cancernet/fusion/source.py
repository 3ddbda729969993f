"""What one model said of patients that it had not seen: the `predictions.csv` of a run, beside its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card, find, load_card
from cancernet.checks import listed, nearest
from cancernet.data import draws_of, read_answers
from cancernet.errors import InvalidInput, LeakingSplit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Source", "answers_of", "column_names", "log_ratios", "mean_by_patient", "patients_of", "read_source"]

Floats = NDArray[np.float64]

_SMALLEST = 1e-6  # a probability below counts as this much: files hold seven digits
_KINDS = ("binary", "multiclass", "survival")


@dataclass(frozen=True, eq=False)
class Source:
    """Answers of one model, one row per patient.

    Parameters
    ----------
    name
        What the study calls it.
    folder, card
        Of its bundle.
    patients
        Shape (n,), text, sorted, each once.
    values
        Shape (n, columns): the risk (logarithm of the hazard), or logarithms of ratios of calibrated probabilities;
        the mean of the rows of a patient.
    fold
        Shape (n,): in which fold the patient was tested, from 1; None for the predictions of a finished bundle.
    truth
        Shape (n,), text: class, or "1" for the event and "0" without it; None where the file does not know.
    time
        Shape (n,), of a source of survival; else None.
    repeats
        How often the folds were drawn anew; the first draw is taken.
    """

    name: str
    folder: Path
    card: Card
    patients: NDArray[np.str_]
    values: Floats
    fold: NDArray[np.int64] | None = None
    truth: NDArray[np.str_] | None = None
    time: Floats | None = None
    repeats: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """What its answers are called in a fused table."""
        return column_names(self.name, self.card)

    def at(self, patients: NDArray[np.str_]) -> NDArray[np.int64]:
        """Return the rows of patients that are all among its own."""
        return np.searchsorted(self.patients, patients).astype(np.int64)


def read_source(name: str, *, bundle: str | Path, predictions: str | Path) -> Source:
    """Return the answers of one model for patients that it has not seen.

    Parameters
    ----------
    name
        What the study calls it.
    bundle
        A folder, or the name of a shipped one.
    predictions
        CSV: of a run, which tells the fold of each patient; or of `cancernet predict` with that bundle, which was then
        trained on none of them.

    Raises
    ------
    InvalidInput
        When the bundle answers neither with classes nor with survival curves, or a column is missing.
    LeakingSplit
        When a finished bundle was trained on one of the patients, or cannot tell.
    """
    folder = find(bundle)
    card = load_card(folder)
    _refuse_kind(name, card)
    frame, repeats = _first_draw(read_answers(Path(predictions)))
    patients, row = patients_of(name, frame)
    told = "fold" in frame.columns
    if not told:
        _refuse_seen(name, card, patients)
    timed, one = card.task.kind == "survival", _One(name, frame, row)
    truth = "event" if timed else "truth"
    return Source(
        name,
        folder,
        card,
        patients,
        mean_by_patient(answers_of(name, card, frame), row),
        fold=one.of("fold").astype(np.float64).astype(np.int64) if told else None,
        truth=one.of(truth) if truth in frame.columns else None,
        time=one.of("time").astype(np.float64) if timed and "time" in frame.columns else None,
        repeats=repeats,
    )


def column_names(name: str, card: Card) -> tuple[str, ...]:
    """Return the columns that a bundle of this name gives: one, or one for each of three and more classes."""
    if card.task.kind == "survival":
        return (name,)
    classes = card.task.classes if card.task.positive is None else (card.task.positive,)
    return tuple(f"{name}: {label}" for label in classes)


def log_ratios(card: Card, probabilities: Floats) -> Floats:
    """Return what a fused table holds of calibrated probabilities (n, classes).

    Of a binary task the logarithm of the odds of the positive class, (n, 1); else the logarithms of the probabilities
    less their mean, (n, classes): only their ratios tell anything.
    """
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    if card.task.positive is not None:
        positive = card.task.classes.index(card.task.positive)
        return logs[:, [positive]] - logs[:, [1 - positive]]
    ratios: Floats = logs - logs.mean(axis=1, keepdims=True)
    return ratios


def mean_by_patient(values: Floats, row: NDArray[np.int64]) -> Floats:
    """Return the means of the rows (m, columns) of each patient; `row` tells of each which one it is of, (m,)."""
    counts = np.bincount(row)
    return np.stack([np.bincount(row, weights=column) / counts for column in values.T], axis=1)


def answers_of(name: str, card: Card, frame: pd.DataFrame) -> Floats:
    """Return the answers in a file of predictions, (m, columns), as a fused table holds them.

    Raises
    ------
    InvalidInput
        When there is no row, or a column is missing.
    """
    timed = card.task.kind == "survival"
    wanted = ("risk",) if timed else tuple(f"p_{label}" for label in card.task.classes)
    absent = [column for column in wanted if column not in frame.columns]
    if absent or not len(frame):
        close = nearest(absent[0], frame.columns) if absent else None
        raise InvalidInput(
            f"The predictions of source '{name}' lack {listed(absent) or 'test rows'}",
            f"Those of '{card.name}', with {listed(wanted)}",
            f"Is '{close}' meant?" if close else "Name the predictions.csv that belongs to the bundle",
        )
    values = frame[list(wanted)].to_numpy(dtype=np.float64)
    return values if timed else log_ratios(card, values)


def patients_of(name: str, frame: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return the patients of a file of predictions, sorted, and of which each row is: its group, else its id.

    Raises
    ------
    InvalidInput
        When the file has neither.
    """
    column = next((known for known in ("group", "id") if known in frame.columns), None)
    if column is None:
        raise InvalidInput(
            f"The predictions of source '{name}' do not name the patients", "A column 'group' or 'id'", "Add it"
        )
    patients, row = np.unique(frame[column].to_numpy(dtype=np.str_), return_inverse=True)
    return patients.astype(np.str_), row.astype(np.int64)


class _One:
    """Columns in which all rows of a patient must agree."""

    def __init__(self, name: str, frame: pd.DataFrame, row: NDArray[np.int64]) -> None:
        self._name, self._frame, self._row = name, frame, row
        self._first = np.unique(row, return_index=True)[1]

    def of(self, column: str) -> NDArray[np.str_]:
        """Return the value of each patient."""
        every = self._frame[column].to_numpy().astype(np.str_)
        found = every[self._first]
        wrong = np.flatnonzero(found[self._row] != every)
        if len(wrong):
            group = self._frame.iloc[int(wrong[0])].get("group", "")
            raise InvalidInput(
                f"The rows of patient '{group}' in source '{self._name}' differ in '{column}'",
                "One answer for each patient",
                "A fusion is by patient: leave out patients whose rows have several truths",
            )
        return found


def _refuse_kind(name: str, card: Card) -> None:
    """Raise for a bundle that cannot be fused."""
    if card.task.kind not in _KINDS or card.fusion is not None:
        what = "a fusion itself" if card.fusion is not None else f"of the kind '{card.task.kind}'"
        raise InvalidInput(
            f"Source '{name}' ('{card.name}') is {what}",
            f"Bundles of the kinds {listed(_KINDS)}",
            "Name the single bundles",
        )


def _refuse_seen(name: str, card: Card, patients: NDArray[np.str_]) -> None:
    """Raise when a finished bundle was trained on a patient whom it is to help judging, or cannot tell."""
    if not card.training.group_hashes:
        raise LeakingSplit(
            f"Source '{name}': the predictions tell no folds, and the card of '{card.name}' knows no patients",
            "Out-of-fold predictions, or a bundle that can tell whom it was trained on",
            "Name a run folder, whose predictions.csv tells the folds",
        )
    seen = card.training.seen(patients.tolist())
    if seen:
        raise LeakingSplit(
            f"Source '{name}': '{card.name}' was trained on {len(seen)} of {len(patients)} patients: {listed(seen)}",
            "Out-of-fold predictions, or patients that the bundle has not seen",
            "Name a run folder, whose predictions.csv tells the folds; or leave these patients out",
        )


def _first_draw(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the test rows of the first repeat, their folds counted from 1, and how many repeats there are."""
    if "split" in frame.columns:
        frame = frame[frame["split"] == "test"]
    if "fold" not in frame.columns:
        return frame, 1
    repeat, fold = draws_of(frame)
    return frame.assign(fold=fold)[repeat == 1], int(repeat.max(initial=1))
