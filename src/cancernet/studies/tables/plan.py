"""The plan of a study of a table."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Column, Execution, TableInput, hash_rows
from cancernet.checks import one_of
from cancernet.data import (
    FNA_FEATURES,
    LeakAudit,
    Medians,
    Split,
    Table,
    audit_split,
    catalogue,
    check_trainable,
    load,
    read_table,
)
from cancernet.errors import InvalidInput
from cancernet.metrics import BASELINES, Scored
from cancernet.models import Layout, Linear
from cancernet.studies.cohort import Cohort
from cancernet.studies.options import ExpressionStudy, TableData, TableStudy
from cancernet.studies.plan import Plan, make_split, task_of
from cancernet.studies.results import NETWORK
from cancernet.studies.tables.learners import BaselineLearner, Learner
from cancernet.training import TableLearner

__all__ = ["TablePlan", "make_table_plan", "read_data"]

_FNA_NAMES = tuple(feature.name for feature in FNA_FEATURES)


@dataclass(frozen=True, eq=False, kw_only=True)
class TablePlan(Plan):
    """What is going to be fitted on a table, the columns in the order that the network takes, in this layout."""

    study: TableStudy | ExpressionStudy
    audit: LeakAudit
    layout: Layout
    baselines: tuple[str, ...] = BASELINES
    permutes = True
    """Whether the importance of columns is measured by shuffling each."""

    def view(self, rows: NDArray[np.int64]) -> TablePlan:
        """Return the plan as it looks to who has learnt from these rows alone."""
        return self

    def extra(self) -> dict[str, Any] | None:
        """Return further entries of `metrics.json`."""
        return None

    @property
    def fits(self) -> int:
        """How many fits of all epochs the study takes, for a progress bar."""
        held_out = bool(len(self.split.folds[0].validation))
        per_fold = 1 if held_out else self.study.training.inner_folds + 1
        return per_fold * (len(self.split.folds) + (0 if held_out else 1))

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

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the data."""
        missing = int(np.isnan(self.cohort.values).sum())
        filled = f"{missing} missing values were filled with the medians of the training rows of each fold."
        order = () if isinstance(self.study.model, Linear) else (self.layout_reason,)
        return (*order, filled if missing else "No value is missing.")

    def data_words(self) -> str:
        """Return what the data are, in a few words."""
        return f"{self.table.name}: {len(self.table)} rows, {len(self.table.features)} features"

    def network_words(self, parameters: int) -> str:
        """Return what the network is, in a few words."""
        model = self.study.model
        what = "a linear network" if isinstance(model, Linear) else f"{model.name}, layout {self.layout}"
        return f"{what}, {parameters:,} parameters"

    def card_input(self, rows: NDArray[np.int64]) -> TableInput:
        """Return what the bundle takes, learnt from the rows its weights have seen."""
        fills = self.study.data.missing == "median"
        medians = tuple(Medians.fit(self.table.values[rows]).values.tolist()) if fills else None
        columns = tuple(Column(name=feature.name, unit=feature.unit) for feature in self.table.features)
        return TableInput(columns=columns, medians=medians)

    def execution(self, test_time: str) -> Execution:
        """Return how the engine runs the network."""
        return Execution()

    def hashes(self, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
        """Return salted hashes of rows; none of features that take few values."""
        return hash_rows(self.cohort.values[rows], salt) if self.audit.resolution.continuous else ()

    def shown(self, scored: Scored, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the table, whose columns the report draws."""
        return {"table": self.table}

    def sample(self, most: int) -> NDArray[Any]:
        """Return complete rows."""
        values = self.cohort.values
        return Medians.fit(values).apply(values)[:most]

    def learners(self, advance: Callable[[], None] | None = None) -> dict[str, Learner]:
        """Return the network and the baselines; building the network imports Keras."""
        values, codes, classes = self.cohort.values, self.cohort.codes, len(self.task.classes)
        network = TableLearner(
            values,
            codes,
            task=(self.task.kind, classes),
            model=(self.study.model, self.layout),
            options=self.study.training,
            inner=self.inner,
            advance=advance,
        )
        baselines = {name: self.baseline(name) for name in self.baselines}
        return {NETWORK: network, **baselines}

    def inner(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return all values as a fit on some of the training rows sees them, (n, columns)."""
        return self.cohort.values

    def baseline(self, name: str) -> BaselineLearner:
        """Return a baseline by its name."""
        values, codes, classes = self.cohort.values, self.cohort.codes, len(self.task.classes)
        return BaselineLearner(name, values, codes, classes=classes, kind=self.task.kind, inner=self.inner)


def make_table_plan(study: TableStudy, table: Table | None = None, split: Split | None = None) -> TablePlan:
    """Read and check everything that a study of a table needs.

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
    if table.target is None:
        raise InvalidInput(
            f"Table '{table.name}' has no target column", "The column to predict", 'Name it: target = "COLUMN"'
        )
    task = task_of(study, table.classes, target=table.target_column)
    check_trainable(table, task.classes, folds=_folds_needed(study), missing=study.data.missing)
    split = make_split(study, table) if split is None else split
    split.refuse_other(table)
    audit = audit_split(table, split)
    audit.refuse()
    cohort = Cohort(table.values, table.codes(task.classes), table.groups)
    return TablePlan(study=study, table=table, task=task, split=split, audit=audit, cohort=cohort, layout=layout)


def read_data(options: TableData) -> Table:
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


def _folds_needed(study: TableStudy) -> int:
    """Return how many groups of each class splits and cross-fitting need."""
    if study.split.validation is not None:
        return 3
    return max(study.split.folds or (2 if study.split.test else 5), study.training.inner_folds + 1)


def _chosen(table: Table, options: TableData) -> Table:
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
