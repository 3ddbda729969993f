"""The plan of a study of expression: a table, seen through a preparation that each fold learns from its own rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import TableInput, hash_rows
from cancernet.data import Split, Table, audit_split
from cancernet.metrics import EXPRESSION_BASELINES, Scored
from cancernet.omics import Preparation, PreparationOptions, SampleOptions, fit_preparation, read_expression
from cancernet.studies.cohort import Cohort
from cancernet.studies.expression.genes import GeneTable, gene_table
from cancernet.studies.options import ExpressionData, ExpressionStudy
from cancernet.studies.plan import make_split, refuse_absent_classes, task_of
from cancernet.studies.tables.learners import BaselineLearner
from cancernet.studies.tables.plan import TablePlan

__all__ = ["ExpressionPlan", "make_expression_plan"]

MEASURED = "measured"
_BY = {"variance": "without labels", "anova": "genes by their labels, again in every inner fold"}
_AUDITED = 500  # columns that are compared for copies of samples


@dataclass(frozen=True, eq=False, kw_only=True)
class ExpressionPlan(TablePlan):
    """What is going to be fitted on expression.

    Table and cohort hold raw values of all genes; a view holds what one set of training rows makes of them.

    Parameters
    ----------
    measured
        Shape (n, columns): what was measured otherwise, for a baseline.
    found
        Sentences about the files.
    chosen
        What a view was learnt by; None in the plan itself.
    whole
        Of a view: the plan itself.
    views
        By the training rows.
    """

    study: ExpressionStudy
    measured: NDArray[np.float64]
    found: tuple[str, ...] = ()
    chosen: Preparation | None = None
    whole: ExpressionPlan | None = None
    views: dict[bytes, ExpressionPlan] = field(default_factory=dict)
    permutes = False

    def view(self, rows: NDArray[np.int64]) -> ExpressionPlan:
        """Return the plan with the genes that these rows choose, complete and after the fixed steps."""
        if self.chosen is not None:
            return self
        key = np.ascontiguousarray(rows).tobytes()
        if key not in self.views:
            self.views[key] = self._seen(rows)
        return self.views[key]

    def _seen(self, rows: NDArray[np.int64]) -> ExpressionPlan:
        """Learn the preparation from rows, and apply it to all."""
        chosen = self._learnt(rows)
        values = chosen.apply(self.table.values)
        features = tuple(self.table.features[place] for place in chosen.kept.tolist())
        table = replace(self.table, features=features, values=values)
        cohort = Cohort(table.values, self.cohort.codes, self.cohort.groups)
        return replace(self, table=table, cohort=cohort, chosen=chosen, whole=self, views={})

    def _learnt(self, rows: NDArray[np.int64], exactly: int | None = None) -> Preparation:
        """Learn the preparation from rows."""
        raw, names, codes = self.table.values[rows], self.table.feature_names, self.cohort.codes[rows]
        return fit_preparation(raw, names, options=_preparation(self.study.data), codes=codes, exactly=exactly)

    def inner(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return all values as a fit inside the training rows sees them, by genes that its own rows choose.

        Genes that were chosen by the labels of the rows that calibrate would make it too sure of itself.
        """
        if self.whole is None or self.study.data.ranked_by == "variance":
            return super().inner(rows)
        return self.whole._learnt(rows, exactly=self.cohort.values.shape[1]).apply(self.whole.table.values)

    @property
    def bundle_rows(self) -> NDArray[np.int64]:
        """The rows that the weights of the bundle see."""
        return np.arange(len(self.table)) if self.split.kind == "k-fold" else self.split.folds[0].train

    def baseline(self, name: str) -> BaselineLearner:
        """Return a baseline by its name; one looks at what was measured otherwise."""
        if name != MEASURED:
            return super().baseline(name)
        classes, kind = len(self.task.classes), self.task.kind
        return BaselineLearner(name, self.measured, self.cohort.codes, classes=classes, kind=kind, own=True)

    @cached_property
    def genes(self) -> GeneTable:
        """Which genes the elastic net chooses in each fold, and with which weights."""
        parts = []
        for fold in self.split.folds:
            view = self.view(fold.train)
            parts.append((view.cohort.values[fold.train], view.cohort.codes[fold.train], view.table.feature_names))
        return gene_table(parts, classes=self.task.classes)

    def extra(self) -> dict[str, Any] | None:
        """Return the genes with their stability over folds."""
        return {"genes": self.genes.to_dict()}

    def shown(self, scored: Scored, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the section about genes; thousands of columns are not drawn."""
        return {"sections": (("Genes", self.genes.sentences()),)}

    def notes(self) -> tuple[str, ...]:
        """Return what was found in the files, and what each fold does to the values."""
        seen, data = self.view(self.bundle_rows).chosen, self.study.data
        filters = [f"{count:,} {words}" for words, count in (seen.counts if seen else ()) if count]
        left = f" Of all samples together it leaves out: {'; '.join(filters)}." if filters else ""
        measured = f"The baseline '{MEASURED}' knows only {', '.join(data.measured)}."
        return (
            *self.found,
            *_steps_in_words(data),
            "Fill values, filters and scales are learnt from the training samples of each fold, "
            f"{_BY[data.ranked_by]}.{left}",
            *((measured,) if data.measured else ()),
        )

    def data_words(self) -> str:
        """Return what the data are, in a few words."""
        kept = min(self.study.data.genes, len(self.table.features))
        return (
            f"{self.table.name}: {len(self.table)} samples, {len(self.table.features):,} genes, at most {kept:,} kept"
        )

    def card_input(self, rows: NDArray[np.int64]) -> TableInput:
        """Return what the bundle takes: raw values of the genes that it needs."""
        chosen = self.view(rows).chosen
        if chosen is None:
            raise ValueError("a view holds its preparation")
        return chosen.input

    def hashes(self, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
        """Return salted hashes of the raw values that the bundle takes."""
        columns = self.card_input(self.bundle_rows).names
        return hash_rows(self.table.select(columns, exact=False).values[rows], salt)

    def sample(self, most: int) -> NDArray[Any]:
        """Return samples as the network takes them."""
        return self.view(self.bundle_rows).cohort.values[:most]


def make_expression_plan(study: ExpressionStudy, split: Split | None = None) -> ExpressionPlan:
    """Read and check everything that a study of expression needs.

    Parameters
    ----------
    study
        What to do.
    split
        Instead of the one that the study names.

    Raises
    ------
    InvalidInput
        When the data cannot be used for the study.
    LeakingSplit
        When a patient, or a copy of a sample, stands on two sides of the split.
    """
    read = read_expression(study.data.source, _samples(study))
    table = read.table
    task = task_of(study, table.classes, target=table.target_column)
    refuse_absent_classes(table, task.classes, folds=_parts(study))
    split = make_split(study, table) if split is None else split
    split.refuse_other(table)
    audit = audit_split(_narrow(table), split)
    audit.refuse()
    baselines = (*EXPRESSION_BASELINES, *((MEASURED,) if study.data.measured else ()))
    return ExpressionPlan(
        study=study,
        table=table,
        task=task,
        split=split,
        audit=audit,
        cohort=Cohort(table.values, table.codes(task.classes), table.groups),
        layout="columns",
        baselines=baselines,
        measured=read.measured,
        found=read.notes,
    )


def _samples(study: ExpressionStudy) -> SampleOptions:
    """Return where the labels are."""
    data = study.data
    return SampleOptions(
        samples=data.samples,
        target=data.target,
        group=data.group,
        id=data.id,
        classes=study.task.classes,
        measured=data.measured,
        orientation=data.orientation,
        drop=data.drop,
    )


def _preparation(data: ExpressionData) -> PreparationOptions:
    """Return how raw values are prepared."""
    return PreparationOptions(
        library=data.library,
        log2_plus=data.log2_plus,
        genes=data.genes,
        ranked_by=data.ranked_by,
        detected=data.detected,
        above=data.above,
        missing=data.missing,
        most_missing=data.most_missing,
    )


def _parts(study: ExpressionStudy) -> int:
    """Return how many groups of each class splits and cross-fitting need."""
    if study.split.validation is not None:
        return 3
    return study.split.folds or (2 if study.split.test else 5)


def _narrow(table: Table) -> Table:
    """Return the first columns without gaps: enough to tell copies of samples."""
    whole = np.flatnonzero(~np.isnan(table.values).any(axis=0))[:_AUDITED]
    places = whole if len(whole) > 2 else np.arange(min(_AUDITED, len(table.features)))
    features = tuple(table.features[place] for place in places.tolist())
    return replace(table, features=features, values=table.values[:, places])


def _steps_in_words(data: ExpressionData) -> tuple[str, ...]:
    """Return the fixed steps, in sentences."""
    library = f"Counts of each sample are brought to a sum of {data.library:g}." if data.library else ""
    log = f"The binary logarithm of value + {data.log2_plus:g} is taken." if data.log2_plus is not None else ""
    none = "" if library or log else "Values are taken as they are: no library size, no logarithm."
    missing = {
        "error": "Missing values are refused.",
        "drop": "Genes that are missing in a training sample are left out.",
        "median": "Missing values become the median of the training samples.",
        "min": "Missing values become the minimum of the training samples.",
    }[data.missing]
    return tuple(text for text in (library, log, none, missing) if text)
