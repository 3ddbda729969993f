"""The plan of a study: its rows, its task, its split, all checked before anything is fitted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cancernet import __version__
from cancernet.bundle import Task
from cancernet.checks import one_of
from cancernet.data import (
    FNA_FEATURES,
    LeakAudit,
    Split,
    Table,
    audit_split,
    catalogue,
    check_positive,
    check_trainable,
    folds_by_group,
    load,
    read_split,
    read_table,
    split_by_group,
)
from cancernet.errors import InvalidInput
from cancernet.metrics import BASELINES
from cancernet.models import Layout
from cancernet.studies.learners import BaselineLearner, Learner
from cancernet.studies.options import DataOptions, Study
from cancernet.studies.recipe import Cohort
from cancernet.training import TableLearner

__all__ = ["NETWORK", "Plan", "make_plan", "make_split", "read_data", "task_of"]

NETWORK = "network"
_FNA_NAMES = tuple(feature.name for feature in FNA_FEATURES)


@dataclass(frozen=True, eq=False)
class Plan:
    """What is going to be fitted and tested.

    Parameters
    ----------
    study
        As it was given.
    table
        Its rows, the columns in the order that the network takes.
    task
        Classes in the order of the logits.
    split, audit
        Who is tested on whom, and what was found across it.
    cohort
        The rows as arrays.
    layout
        Of the columns in the network.
    """

    study: Study
    table: Table
    task: Task
    split: Split
    audit: LeakAudit
    cohort: Cohort
    layout: Layout

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
    def layout_reason(self) -> str:
        """Why the columns stand in the network as they do, in one sentence."""
        if self.layout == "10x3":
            return (
                "The 30 nuclear features are laid out as 10 features with 3 channels (mean, standard error, worst), "
                "because their order in the file is arbitrary and a convolution needs neighbours that belong together."
            )
        return (
            f"The {len(self.table.features)} columns are laid out in the order of the table with 1 channel, because "
            "they are not the 30 nuclear features whose 10 x 3 structure is known. A 1-D convolution then depends on "
            "an order that means nothing; compare with the logistic regression below."
        )

    def learners(self, advance: Callable[[], None] | None = None) -> dict[str, Learner]:
        """Return the network and the baselines; building the network imports Keras."""
        values, codes, classes = self.cohort.values, self.cohort.codes, len(self.task.classes)
        network = TableLearner(
            values,
            codes,
            classes=classes,
            layout=self.layout,
            model=self.study.model,
            options=self.study.training,
            advance=advance,
        )
        baselines = {name: BaselineLearner(name, values, codes, classes=classes) for name in BASELINES}
        return {NETWORK: network, **baselines}


def make_plan(study: Study, table: Table | None = None, split: Split | None = None) -> Plan:
    """Read and check everything that a study needs.

    Parameters
    ----------
    study
        What to do.
    table, split
        Instead of those the study names.

    Raises
    ------
    InvalidInput
        When the data cannot be used for the study.
    LeakingSplit
        When a patient or a row stands on two sides of the split.
    """
    table, layout = _arranged(read_data(study.data) if table is None else table)
    task = task_of(study, table)
    check_trainable(table, task.classes, folds=_folds_needed(study), missing=study.data.missing)
    split = make_split(study, table) if split is None else split
    split.refuse_other(table)
    audit = audit_split(table, split)
    audit.refuse()
    cohort = Cohort(table.values, table.codes(task.classes), table.groups)
    return Plan(study, table, task, split, audit, cohort, layout)


def read_data(options: DataOptions) -> Table:
    """Return the table that the data section of a study names."""
    exists = os.path.exists(options.source)  # False, and no error, for a name that is too long
    if options.source in {builtin.name for builtin in catalogue()} and not exists:
        return _chosen(load(options.source), options)
    if not exists and not Path(options.source).suffix:
        one_of(options.source, [builtin.name for builtin in catalogue()], "data source (no such file, and no built-in)")
    return read_table(
        options.source,
        target=options.target,
        group=options.group,
        id=options.id,
        columns=options.columns,
        drop=options.drop,
    )


def task_of(study: Study, table: Table) -> Task:
    """Return the task with its classes in order; the positive class of a binary one comes last."""
    if table.target is None:
        raise InvalidInput(
            f"Table '{table.name}' has no target column", "The column to predict", 'Name it: target = "COLUMN"'
        )
    options = study.task
    classes = options.classes or table.classes
    if len(classes) < 2:
        raise InvalidInput(
            f"Target '{table.target_column}' holds one class only: {', '.join(classes) or 'there is no row'}",
            "Two classes at least",
            "Check the target column",
        )
    if options.kind == "multiclass":
        return Task(kind="multiclass", classes=tuple(classes))
    positive = check_positive(options.positive, classes)
    if len(classes) != 2:
        raise InvalidInput(
            f"Target '{table.target_column}' has {len(classes)} classes: {', '.join(classes)}",
            "Two for a binary task",
            'Use kind = "multiclass", or a table with two classes',
        )
    others = tuple(name for name in classes if name != positive)
    return Task(kind="binary", classes=(*others, positive), positive=positive)


def make_split(study: Study, table: Table) -> Split:
    """Return the split that the study asks for."""
    options = study.split
    if options.file is not None:
        return read_split(Path(options.file), table=table)
    if options.test is not None:
        return split_by_group(table, test=options.test, validation=options.validation or 0.0, seed=options.seed)
    return folds_by_group(table, folds=options.folds or 5, repeats=options.repeats, seed=options.seed)


def _folds_needed(study: Study) -> int:
    """Return how many groups of each class splits and cross-fitting need."""
    if study.split.validation is not None:
        return 3
    return max(study.split.folds or (2 if study.split.test else 5), study.training.inner_folds + 1)


def _chosen(table: Table, options: DataOptions) -> Table:
    """Return a built-in table with the columns and groups that were asked for."""
    if options.target not in (None, table.target_column):
        one_of(options.target or "", [table.target_column or ""], f"target of the built-in table '{table.name}'")
    if options.group not in (None, table.group_column):
        one_of(options.group or "", [table.group_column or ""], f"group of the built-in table '{table.name}'")
    names = table.feature_names if options.columns is None else options.columns
    for name in options.drop:
        one_of(name, table.feature_names, f"column of the built-in table '{table.name}'")
    return table.select([name for name in names if name not in options.drop], exact=False)


def _arranged(table: Table) -> tuple[Table, Layout]:
    """Return the table with the 30 nuclear features in their known order, or as it is."""
    if not table.features:
        raise InvalidInput(
            f"Table '{table.name}' has no feature column", "One at least", "Check columns and drop in the study"
        )
    if set(table.feature_names) == set(_FNA_NAMES):
        return table.select(_FNA_NAMES), "10x3"
    return table, "columns"
