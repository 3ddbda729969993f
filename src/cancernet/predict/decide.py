"""From logits to an answer: temperature, threshold, sets, abstention, rows unlike the training rows. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card, Decision, TableInput, Task
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.metrics import prediction_sets, reweight
from cancernet.predict.novelty import novelty_distance, novelty_reason
from cancernet.tasks import expected_grade, grade_between, nearest_grade

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["Cases", "also_unlike", "cases", "check_prevalence", "decide", "decide_parts", "fill_missing", "join_cases"]

_LARGEST = float(np.finfo(np.float32).max)  # what an engine of float32 can take


@dataclass(frozen=True)
class Cases:
    """What a model says about rows, ready to be read or written.

    Parameters
    ----------
    logits
        Shape (n, classes), as the engine gave them; (n, classes - 1) for ordered grades.
    probabilities
        Shape (n, classes), calibrated; re-weighted when a prevalence was given.
    predicted
        Shape (n,), codes of classes at the threshold of the card; a prevalence does not move it. Of ordered grades the
        one nearest to the expected grade.
    sets
        Shape (n, classes), bool, the conformal sets; None when the card has no quantile. Of ordered grades they have
        no gaps.
    abstained
        Shape (n,), bool: the set holds more than one class, or the row is out of distribution.
    ood
        Shape (n,), bool: the row is unlike the training rows.
    ood_distance
        Shape (n,), Mahalanobis distance; None when the card does not describe the training rows.
    ood_reason
        Shape (n,), strings, empty where `ood` is false.
    classes
        In the order of the logits.
    ids
        Shape (n,), strings, when they are known.
    expected_grade
        Shape (n,), 0 to classes - 1: the mean of the ordered grades under the probabilities; None for other tasks.
    """

    logits: NDArray[np.floating]
    probabilities: NDArray[np.float64]
    predicted: NDArray[np.int64]
    sets: NDArray[np.bool_] | None
    abstained: NDArray[np.bool_]
    ood: NDArray[np.bool_]
    ood_distance: NDArray[np.float64] | None
    ood_reason: NDArray[np.object_]
    classes: tuple[str, ...]
    ids: NDArray[np.str_] | None = None
    expected_grade: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.predicted)

    @property
    def labels(self) -> NDArray[np.str_]:
        """The predicted classes by name, shape (n,)."""
        return np.array(self.classes)[self.predicted]

    def take(self, rows: NDArray[np.int64] | slice) -> Cases:
        """Return the cases of some rows, in that order."""
        taken = {name: None if array is None else array[rows] for name, array in _arrays(self).items()}
        return replace(self, **taken)  # type: ignore[arg-type]  # mypy knows no dictionary of fields


def cases(
    model: Model,
    values: NDArray[np.float64],
    *,
    prevalence: float | None = None,
    ids: NDArray[np.str_] | None = None,
) -> Cases:
    """Return what the model says about rows.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    values
        Shape (n, columns), raw values in the order and units of the card; NaN is missing.
    prevalence
        Share of the positive class where these rows are from; None keeps that of the calibration rows.
    ids
        Shape (n,), to go with the answer.

    Raises
    ------
    InvalidInput
        When a value is missing and the card has no medians, is infinite, or the prevalence cannot be.
    """
    check_prevalence(model.card, prevalence)
    filled = fill_missing(model.card, values)
    found = decide(model.card, model.run(filled).logits, values=filled, prevalence=prevalence)
    return found if ids is None else replace(found, ids=np.asarray(ids))


def decide(
    card: Card,
    logits: NDArray[np.floating],
    *,
    values: NDArray[np.float64],
    prevalence: float | None = None,
    first_row: int = 1,
) -> Cases:
    """Return the answer that the card makes of logits.

    Parameters
    ----------
    card
        Of the bundle.
    logits
        Shape (n, classes).
    values
        Shape (n, columns), the complete raw values that the logits are of.
    prevalence
        Re-weights the probabilities from the prior of the card to this share of the positive class. Prediction,
        sets and abstention stay at the operating point that sensitivity and specificity were measured at.
    first_row
        Number of the first row in messages.

    Raises
    ------
    InvalidInput
        When a logit is not finite, or the prevalence cannot be, or the task has no positive class for it.
    """
    refuse_timed(card)
    check_prevalence(card, prevalence)
    names: tuple[str, ...] = card.input.names
    if isinstance(card.input, TableInput):
        values, names = card.input.prepare(values), card.input.network_names
    found = decide_parts(card.decision, card.task, logits=logits, values=values, names=names, first_row=first_row)
    if prevalence is None:
        return found
    prior = np.array([card.prior[name] for name in card.task.classes])
    shares = {True: prevalence, False: 1 - prevalence}
    new_prior = np.array([shares[name == card.task.positive] for name in card.task.classes])
    return replace(found, probabilities=reweight(found.probabilities, prior, new_prior))


def also_unlike(found: Cases, reason: NDArray[np.object_]) -> Cases:
    """Return the cases, abstaining too where something else says that they are unlike the training rows.

    Parameters
    ----------
    found
        n cases.
    reason
        Shape (n,), text, empty where they are not.
    """
    first = np.where(found.ood_reason == "", reason, found.ood_reason)
    ood = np.asarray(first != "", dtype=np.bool_)
    return replace(found, ood=ood, ood_reason=first, abstained=found.abstained | ood)


def refuse_timed(card: Card) -> None:
    """Raise `BundleMismatch` when a bundle answers with survival curves, where classes are asked for."""
    if card.survival is not None:
        raise BundleMismatch(
            f"'{card.name}' answers with survival curves, not with classes",
            "A bundle that tells classes",
            "Use: cancernet predict BUNDLE FILE --at TIMES",
        )


def decide_parts(
    decision: Decision,
    task: Task,
    *,
    logits: NDArray[np.floating],
    values: NDArray[np.float64],
    names: Sequence[str] = (),
    first_row: int = 1,
) -> Cases:
    """Return the answer by the parts of a card, for use before the card exists.

    Ordered grades are answered by the grade nearest to the expected one, half-way the lower: a miss counts by its
    squared distance, as in quadratic kappa, and no other answer has less of it on average. Their sets are filled
    between the lowest and the highest grade, which only adds to their coverage.

    Parameters
    ----------
    decision, task
        Parts of a card.
    logits
        Shape (n, classes), or (n, classes - 1) for ordered grades.
    values
        Shape (n, columns), the complete raw values that the logits are of.
    names
        Of the columns, for the reasons.
    first_row
        Number of the first row in messages.

    Raises
    ------
    InvalidInput
        When a logit is not finite: the values of that row are beyond what the network can take. Or when the logits of
        an ordinal row fall.
    """
    _refuse_no_answer(logits, first_row)
    calibrated = decision.calibrated(logits, kind=task.kind)
    predicted = _predicted(decision, task, calibrated)
    sets = _sets(decision, task, calibrated, predicted)
    distance, ood, reason = _novelty(decision, values, names)
    several = np.zeros(len(predicted), dtype=bool) if sets is None else sets.sum(axis=1) > 1
    grade = expected_grade(calibrated) if task.kind == "ordinal" else None
    return Cases(
        logits, calibrated, predicted, sets, several | ood, ood, distance, reason, task.classes, expected_grade=grade
    )


def fill_missing(card: Card, values: NDArray[np.float64], *, first_row: int = 1) -> NDArray[np.float64]:
    """Return complete values: missing ones become the medians of the training rows, when the card has them.

    Parameters
    ----------
    card
        Of the bundle.
    values
        Shape (n, columns); NaN is missing.
    first_row
        Number of the first row in messages.

    Raises
    ------
    BundleMismatch
        When the number of columns is not that of the card.
    InvalidInput
        When a value is missing and the card has no medians, a row has no value at all, or a value is infinite or
        too large for float32; the message names row and column.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(card.input.names):
        raise BundleMismatch(
            f"Values of shape {values.shape} for '{card.name}'",
            f"(n, {len(card.input.names)}), one column per name of its card",
            "Give the columns of the card, in its order",
        )
    with np.errstate(invalid="ignore"):
        _refuse_cells(np.abs(values) > _LARGEST, card, first_row, "a value that is infinite or too large")
    missing = np.isnan(values)
    if not missing.any():
        return values
    return _filled(card, values, missing, first_row)


def join_cases(parts: Sequence[Cases]) -> Cases:
    """Return the cases of several parts, one after the other; the classes must agree.

    What only some parts have (sets, distances, ids) is left out.

    Raises
    ------
    InvalidInput
        When there is no part, or their classes differ.
    """
    if len({part.classes for part in parts}) != 1:
        raise InvalidInput("The parts do not have the same classes", "At least one part, all of one task")
    together: dict[str, NDArray[np.generic] | None] = {}
    for name in _arrays(parts[0]):
        arrays = [_arrays(part)[name] for part in parts]
        present = [array for array in arrays if array is not None]
        together[name] = np.concatenate(present) if len(present) == len(parts) else None
    return replace(parts[0], **together)  # type: ignore[arg-type]  # mypy knows no dictionary of fields


def check_prevalence(card: Card, prevalence: float | None) -> None:
    """Refuse a prevalence that cannot be, or that this model cannot use.

    Raises
    ------
    InvalidInput
        When it is not between 0 and 1, or the task has no positive class.
    """
    if prevalence is None:
        return
    if not 0 < prevalence < 1:
        raise InvalidInput(f"Prevalence {prevalence:g}", "A share above 0 and below 1", "For 1 % say 0.01")
    if card.task.positive is None:
        raise InvalidInput(
            f"'{card.name}' has no positive class that a prevalence could be of",
            "A binary task",
            "Leave the prevalence away",
        )
    if min(card.prior.values()) == 0:
        raise InvalidInput(f"A class has no share in the prior of '{card.name}'", "Calibration rows of both classes")


def _arrays(found: Cases) -> dict[str, NDArray[np.generic] | None]:
    """Return the fields that have one entry per row."""
    return {field.name: getattr(found, field.name) for field in fields(found) if field.name != "classes"}


def _refuse_no_answer(logits: NDArray[np.floating], first_row: int) -> None:
    """Raise when the network gave something other than numbers."""
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        raise InvalidInput(
            f"The network has no finite answer for row {int(np.argmin(finite)) + first_row}",
            "Values in the units of the card",
            "Check the units of this row; its values are too large",
        )


def _predicted(decision: Decision, task: Task, calibrated: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the code of the class that each row is called."""
    if task.kind == "ordinal":
        cuts = decision.grades
        return nearest_grade(calibrated) if cuts is None else grade_between(calibrated, cuts=cuts.values)
    if decision.threshold is None or task.positive is None:
        top: NDArray[np.int64] = calibrated.argmax(axis=1).astype(np.int64)
        return top
    positive = task.classes.index(task.positive)
    called = calibrated[:, positive] >= decision.threshold.value
    codes: NDArray[np.int64] = np.where(called, positive, 1 - positive).astype(np.int64)
    return codes


def _sets(
    decision: Decision, task: Task, calibrated: NDArray[np.float64], predicted: NDArray[np.int64]
) -> NDArray[np.bool_] | None:
    """Return which classes each row may be of; ordered grades are filled between the lowest and the highest one."""
    if decision.conformal is None:
        return None
    sets = prediction_sets(calibrated, decision.conformal.quantile, predicted)
    if task.kind != "ordinal":
        return sets
    from_lowest = np.logical_or.accumulate(sets, axis=1)
    to_highest = np.logical_or.accumulate(sets[:, ::-1], axis=1)[:, ::-1]
    filled: NDArray[np.bool_] = from_lowest & to_highest
    return filled


def _novelty(
    decision: Decision, values: NDArray[np.float64], names: Sequence[str]
) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_], NDArray[np.object_]]:
    """Return distance, whether it is beyond the limit, and the reason where it is."""
    reason = np.full(len(values), "", dtype=object)
    if decision.novelty is None:
        return None, np.zeros(len(values), dtype=bool), reason
    distance = novelty_distance(decision.novelty, values)
    ood = distance > decision.novelty.limit
    if ood.any():
        reason[ood] = novelty_reason(decision.novelty, values[ood], names=names)
    return distance, ood, reason


def _filled(card: Card, values: NDArray[np.float64], missing: NDArray[np.bool_], first_row: int) -> NDArray[np.float64]:
    """Return the values with the medians of the card, or refuse."""
    medians = card.input.medians
    if medians is None:
        _refuse_cells(missing, card, first_row, "no value")
        return values
    empty = missing.all(axis=1)
    if empty.any():
        raise InvalidInput(
            f"Row {int(np.argmax(empty)) + first_row} has no value at all", "At least one", "Remove the row"
        )
    return np.where(missing, np.array(medians), values)


def _refuse_cells(wrong: NDArray[np.bool_], card: Card, first_row: int, what: str) -> None:
    """Raise for the first cell that is wrong, naming row and column."""
    if not wrong.any():
        return
    row, column = np.argwhere(wrong)[0]
    raise InvalidInput(
        f"Row {row + first_row} has {what} in column '{card.input.names[column]}'",
        f"'{card.name}' was trained on complete rows of finite numbers",
        "Mend the value, or leave the row out",
    )
