"""The plan of a study: its rows, its task, its split, all checked before anything is fitted; the same for all kinds."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cancernet import __version__
from cancernet.bundle import Execution, Fusion, Input, Task
from cancernet.checks import listed
from cancernet.data import (
    Split,
    Table,
    check_positive,
    folds_by_group,
    read_split,
    refuse_few_groups,
    require_groups,
    split_by_group,
    split_like,
)
from cancernet.errors import InvalidInput
from cancernet.metrics import Scored
from cancernet.report import RunRecord
from cancernet.studies.cohort import Cohort
from cancernet.studies.options import Study

__all__ = ["Audit", "Plan", "make_split", "refuse_absent_classes", "task_of"]


class Audit(Protocol):
    """What two sides of a split have in common."""

    @property
    def leaks(self) -> bool:
        """Whether `refuse` raises."""

    def refuse(self) -> None:
        """Raise `LeakingSplit` when something stands on two sides."""

    def sentences(self) -> tuple[str, ...]:
        """Return the findings in words."""

    def to_dict(self) -> dict[str, Any]:
        """Return the findings for JSON."""


@dataclass(frozen=True, eq=False)
class Plan(ABC):
    """What is going to be fitted and tested; each kind of data has its own.

    Parameters
    ----------
    study
        As it was given.
    table
        Its rows; of patches their image statistics, of bags what their mean features are like.
    task
        Classes in the order of the logits.
    split, audit
        Who is tested on whom, and what was found across it.
    cohort
        The rows as arrays.
    """

    study: Study
    table: Table
    task: Task
    split: Split
    audit: Audit
    cohort: Cohort

    baselines: tuple[str, ...] = ()
    """Names of the baselines; 'better' is said of the network against the one that comes nearest to it."""

    def view(self, rows: NDArray[np.int64]) -> Plan:
        """Return the plan as it looks to who has learnt from these rows alone; itself, where nothing is learnt."""
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over version, study, data and split: what an interrupted run shares with the one that resumes it."""
        groups = self.cohort.groups.tolist()
        about = [__version__, self.study.to_dict(), self.task.classes, self.table.feature_names, self.split.to_dict()]
        digest = hashlib.sha256(json.dumps([*about, groups]).encode())
        for array in (self.cohort.values, self.cohort.codes):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    @abstractmethod
    def fits(self) -> int:
        """How many fits of all epochs the study takes, for a progress bar."""

    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """Return sentences about the data."""

    @abstractmethod
    def data_words(self) -> str:
        """Return what the data are, in a few words."""

    @abstractmethod
    def network_words(self, parameters: int) -> str:
        """Return what the network is, in a few words."""

    @property
    def synthetic(self) -> bool:
        """Whether the data are made or simulated."""
        return False

    @property
    def fusion(self) -> Fusion | None:
        """The part of the card that names the bundles inside; None where there are none."""
        return None

    def sources(self) -> Mapping[str, Path]:
        """Return the folders of the bundles that go into the bundle, by name."""
        return {}

    def finished(self, record: RunRecord) -> RunRecord:
        """Return the record as this kind of data tells it."""
        return record

    def start_words(self) -> str:
        """Return which file the weights start from, with its checksum; empty when they are drawn at random."""
        return ""

    @abstractmethod
    def card_input(self, rows: NDArray[np.int64]) -> Input:
        """Return what the bundle takes, learnt from the rows its weights have seen."""

    @abstractmethod
    def execution(self, test_time: str) -> Execution:
        """Return how the engine runs the network."""

    @abstractmethod
    def hashes(self, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
        """Return salted hashes of rows, so that a card knows what it has seen; none where that would say nothing."""

    @abstractmethod
    def shown(self, scored: Scored, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the fields of the report that only this kind of data has, for test rows by their numbers."""

    @abstractmethod
    def sample(self, most: int) -> NDArray[Any]:
        """Return some cases as the network takes them, to compare engines on."""


def task_of(study: Study, classes: Sequence[str], *, target: str | None) -> Task:
    """Return the task with its classes in order; the positive class of a binary one comes last.

    Parameters
    ----------
    study
        What to do.
    classes
        Labels that occur, sorted.
    target
        Where they are from, for messages.
    """
    options = study.task
    chosen = tuple(options.classes or classes)
    if len(chosen) < 2:
        raise InvalidInput(
            f"Target '{target}' holds one class only: {', '.join(chosen) or 'there is no row'}",
            "Two classes at least",
            "Check the target column",
        )
    if options.kind != "binary":
        return Task(kind=options.kind, classes=chosen)
    positive = check_positive(options.positive, chosen)
    if len(chosen) != 2:
        raise InvalidInput(
            f"Target '{target}' has {len(chosen)} classes: {', '.join(chosen)}",
            "Two for a binary task",
            'Use kind = "multiclass", or a table with two classes',
        )
    others = tuple(name for name in chosen if name != positive)
    return Task(kind="binary", classes=(*others, positive), positive=positive)


def refuse_absent_classes(table: Table, classes: tuple[str, ...], *, folds: int) -> None:
    """Raise `InvalidInput` when groups are unknown, a class is missing, or it has fewer groups than folds."""
    require_groups(table)
    codes = table.codes(classes)
    absent = [name for code, name in enumerate(classes) if not (codes == code).any()]
    if absent:
        raise InvalidInput(
            f"'{table.name}' has no case of {listed(absent)}", "Cases of each class", "Check classes and labels"
        )
    refuse_few_groups(np.asarray(classes)[codes], table.groups, folds=folds)


def make_split(study: Study, table: Table) -> Split:
    """Return the split that the study asks for."""
    options = study.split
    if options.file is not None and Path(options.file).suffix == ".csv":
        return split_like(options.file, table)
    if options.file is not None:
        return read_split(Path(options.file), table=table)
    if options.test is not None:
        return split_by_group(table, test=options.test, validation=options.validation or 0.0, seed=options.seed)
    return folds_by_group(table, folds=options.folds or 5, repeats=options.repeats, seed=options.seed)
