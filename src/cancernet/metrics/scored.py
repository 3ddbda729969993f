"""What is measured: answers beside the truth, with the group of each row. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.tasks import grade_between, nearest_grade

__all__ = ["Scored"]

_SUM_TOLERANCE = 1e-3  # probabilities may come from a CSV file with few digits


@dataclass(frozen=True, eq=False)
class Scored:
    """Answers of a model beside the truth; arrays are read-only, rows keep their order.

    Parameters
    ----------
    truth
        Shape (n,): code of the true class, an index into `classes`.
    probabilities
        Shape (n, classes), calibrated, 0 to 1, rows sum to 1.
    predicted
        Shape (n,): code of the answer at the study's rule; it may differ from the most probable class.
    groups
        Shape (n,), text: what is independent of each other (the patient). A case that was tested several times, as in
        repeated cross-validation, has several rows of one group.
    classes
        Names in the order of the columns.
    positive
        Name of the positive class of a binary task; None for more classes.
    sets
        Shape (n, classes), bool: conformal sets; None when there are none.
    abstained
        Shape (n,), bool: no answer is given. When None and there are sets, those with more than one class.
    ordered
        Whether the classes are grades, from the least to the most severe.
    cuts
        Shape (n, classes - 1): cut points of the expected grade that grades were answered by; None: the nearest grade.

    Raises
    ------
    InvalidInput
        When shapes, codes, probabilities or the positive class do not fit together.
    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    predicted: NDArray[np.int64]
    groups: NDArray[np.str_]
    classes: tuple[str, ...]
    positive: str | None = None
    sets: NDArray[np.bool_] | None = None
    abstained: NDArray[np.bool_] | None = None
    ordered: bool = False
    cuts: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Bring all arrays to their kinds and hold them together."""
        object.__setattr__(self, "classes", tuple(str(name) for name in self.classes))
        self._keep("truth", self.truth, np.int64)
        self._keep("predicted", self.predicted, np.int64)
        self._keep("probabilities", self.probabilities, np.float64)
        self._keep("groups", self.groups, np.str_)
        if self.sets is not None:
            self._keep("sets", self.sets, np.bool_)
            derived = np.asarray(self.sets).sum(axis=-1) > 1 if self.abstained is None else self.abstained
            object.__setattr__(self, "abstained", derived)
        if self.abstained is not None:
            self._keep("abstained", self.abstained, np.bool_)
        if self.cuts is not None:
            self._keep("cuts", self.cuts, np.float64)
        _check(self)

    def _keep(self, name: str, values: ArrayLike, kind: type[np.generic]) -> None:
        """Set a field to a read-only array of the kind."""
        array = np.asarray(values).astype(kind, copy=True)
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.truth)

    @property
    def binary(self) -> bool:
        """Whether there is a positive class."""
        return self.positive is not None

    @property
    def positive_code(self) -> int:
        """The code of the positive class.

        Raises
        ------
        InvalidInput
            When the task has none.
        """
        if self.positive is None:
            raise InvalidInput("This task has no positive class", "A binary task", "Use the metrics of several classes")
        return self.classes.index(self.positive)

    @property
    def p_positive(self) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,)."""
        column: NDArray[np.float64] = self.probabilities[:, self.positive_code]
        return column

    @property
    def positive_truth(self) -> NDArray[np.bool_]:
        """Whether a row is of the positive class, shape (n,)."""
        positive: NDArray[np.bool_] = self.truth == self.positive_code
        return positive

    @cached_property
    def group_codes(self) -> NDArray[np.int64]:
        """Index of each row's group among the sorted distinct groups, shape (n,)."""
        return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def group_count(self) -> int:
        """Number of distinct groups."""
        return int(self.group_codes.max(initial=-1)) + 1

    @property
    def one_row_per_group(self) -> bool:
        """Whether every row is a group of its own."""
        return self.group_count == len(self)

    @cached_property
    def one_truth_per_group(self) -> NDArray[np.bool_]:
        """Whether all rows of a group are of one class, shape (groups,)."""
        classes_seen = np.zeros((self.group_count, len(self.classes)), dtype=bool)
        classes_seen[self.group_codes, self.truth] = True
        single: NDArray[np.bool_] = classes_seen.sum(axis=1) == 1
        return single

    @cached_property
    def rarest_groups(self) -> int:
        """Number of groups with rows of the class that has fewest; classes without rows do not count."""
        pairs = np.unique(self.truth * self.group_count + self.group_codes) // max(self.group_count, 1)
        return int(np.unique(pairs, return_counts=True)[1].min(initial=self.group_count))

    def take(self, rows: ArrayLike) -> Scored:
        """Return the given rows: indices or a mask of shape (n,)."""
        chosen = np.asarray(rows)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)
        return Scored(
            self.truth[chosen],
            self.probabilities[chosen],
            self.predicted[chosen],
            self.groups[chosen],
            self.classes,
            self.positive,
            None if self.sets is None else self.sets[chosen],
            None if self.abstained is None else self.abstained[chosen],
            self.ordered,
            None if self.cuts is None else self.cuts[chosen],
        )

    def at(self, threshold: float) -> Scored:
        """Return the rows answered anew: positive from this probability of the positive class on, without sets."""
        answers = np.where(self.p_positive >= threshold, self.positive_code, 1 - self.positive_code)
        return replace(self, predicted=answers, sets=None, abstained=None)

    def by_group(self) -> Scored:
        """Return one row per group: probabilities averaged, the answer by vote of its rows, no sets.

        Votes that are equal go to the class with the higher averaged probability. Grades are not voted on: the answer
        is the one nearest to the expected grade of the averaged probabilities, or between the cut points of the rows.

        Raises
        ------
        InvalidInput
            When the rows of a group differ in their truth.
        """
        if not self.one_truth_per_group.all():
            group = np.unique(self.groups)[np.flatnonzero(~self.one_truth_per_group)[0]]
            raise InvalidInput(f"The rows of group '{group}' are of several classes", "One truth per group")
        names, first = np.unique(self.groups, return_index=True)
        average = self._group_means(self.probabilities)
        answers = self._grades(average) if self.ordered else self._votes(average)
        return Scored(self.truth[first], average, answers, names, self.classes, self.positive, ordered=self.ordered)

    def _grades(self, average: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the grade of each group."""
        return (
            nearest_grade(average) if self.cuts is None else grade_between(average, cuts=self._group_means(self.cuts))
        )

    def _votes(self, average: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the class that most rows of each group were called, of several the more probable one."""
        votes = self._group_means(np.eye(len(self.classes))[self.predicted])
        most = votes >= votes.max(axis=1, keepdims=True) - 1e-9
        answers: NDArray[np.int64] = np.where(most, average, -1.0).argmax(axis=1).astype(np.int64)
        return answers

    def _group_means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of each column over the rows of each group, shape (groups, columns)."""
        rows = np.bincount(self.group_codes)
        sums = [np.bincount(self.group_codes, weights=column) for column in values.T]
        return np.stack(sums, axis=1) / rows[:, None]


def _check(scored: Scored) -> None:
    """Hold the fields together."""
    _check_classes(scored)
    _check_shapes(scored)
    for name in ("truth", "predicted"):
        codes = getattr(scored, name)
        wrong = codes[(codes < 0) | (codes >= len(scored.classes))]
        if wrong.size:
            raise InvalidInput(
                f"'{name}' holds the code {wrong[0]}", f"Codes from 0 to {len(scored.classes) - 1}: {scored.classes}"
            )
    _check_probabilities(scored.probabilities)


def _check_classes(scored: Scored) -> None:
    """Hold classes and the positive class together."""
    if len(set(scored.classes)) < max(len(scored.classes), 2):
        raise InvalidInput(f"The classes are {scored.classes}", "At least two different names")
    if scored.positive is None:
        return
    if scored.ordered:
        raise InvalidInput(f"Ordered grades and the positive class '{scored.positive}'", "One or the other")
    one_of(scored.positive, scored.classes, "positive class")
    if len(scored.classes) != 2:
        raise InvalidInput(f"{len(scored.classes)} classes and a positive one", "A binary task has two classes")


def _check_shapes(scored: Scored) -> None:
    """Hold the shapes together."""
    rows, columns = len(scored.truth), len(scored.classes)
    shapes = {
        "truth": (rows,),
        "predicted": (rows,),
        "groups": (rows,),
        "probabilities": (rows, columns),
        "sets": (rows, columns),
        "abstained": (rows,),
        "cuts": (rows, columns - 1),
    }
    for name, shape in shapes.items():
        array = getattr(scored, name)
        if array is not None and array.shape != shape:
            raise InvalidInput(f"'{name}' has the shape {array.shape}", f"Expected is {shape}")


def _check_probabilities(probabilities: NDArray[np.float64]) -> None:
    """Refuse what is no probability, naming the first row."""
    fair = np.isfinite(probabilities).all(axis=1) & (probabilities >= 0).all(axis=1)
    fair &= np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE
    if not fair.all():
        row = int(np.flatnonzero(~fair)[0])
        raise InvalidInput(
            f"Row {row} has the probabilities {probabilities[row].tolist()}", "Numbers from 0 to 1 that sum to 1"
        )
