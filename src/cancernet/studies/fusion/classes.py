"""The plan of a fusion that tells classes: a table of the answers of the sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Column, Fusion, TableInput
from cancernet.data import audit_split, refuse_few_groups
from cancernet.errors import InvalidInput
from cancernet.fusion import Joined, mean_weights
from cancernet.metrics import Scored
from cancernet.report import RunRecord
from cancernet.studies.cohort import Cohort
from cancernet.studies.fusion.learners import FixedLearner, StackLearner
from cancernet.studies.fusion.sources import bundles_of, fused_table, fusion_part, is_simulated, source_notes, split_of
from cancernet.studies.fusion.words import gain_sentence
from cancernet.studies.options import FusionStudy
from cancernet.studies.record import result_sentences
from cancernet.studies.results import NETWORK
from cancernet.studies.tables import TablePlan
from cancernet.studies.tables.learners import Learner

__all__ = ["EQUAL", "FusionPlan", "make_fusion_plan"]

EQUAL = "equal weights"
"""The plain mean of the sources, which nothing is fitted for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FusionPlan(TablePlan):
    """What is going to be stacked; the columns are the answers of the sources."""

    study: FusionStudy  # type: ignore[assignment]  # neither rows of a file nor a network
    joined: Joined
    permutes = False

    @property
    def names(self) -> tuple[str, ...]:
        """The sources."""
        return tuple(self.joined.places)

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """The weights of the plain mean, (columns, classes)."""
        return mean_weights(self.joined.places, len(self.task.classes))

    def learners(self, advance: Callable[[], None] | None = None) -> dict[str, Learner]:
        """Return the stack, each source by itself, their plain mean, and the majority."""
        stack = StackLearner(self.cohort, self.centre, self.study.model)
        fixed = {name: FixedLearner(self.cohort, self._alone(name), self.study.model) for name in self.names}
        mean = FixedLearner(self.cohort, self.centre, self.study.model)
        return {NETWORK: stack, **fixed, EQUAL: mean, "majority": self.baseline("majority")}

    def _alone(self, name: str) -> NDArray[np.float64]:
        """Return the weights that let one source answer by itself."""
        weights, places = np.zeros_like(self.centre), self.joined.places[name]
        weights[places] = self.centre[places] * len(self.names)
        return weights

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the sources."""
        return (*source_notes(self.joined), "What is called network below is the stack.")

    def data_words(self) -> str:
        """Return what the data are, in a few words."""
        return f"{self.table.name}: {len(self.table)} patients, {len(self.names)} sources"

    def network_words(self, parameters: int) -> str:
        """Return what the stack is, in a few words."""
        penalty = self.study.model.penalty
        how = "chosen by cross-validation" if penalty is None else f"{penalty:g}"
        return (
            f"logistic regression on log probabilities, drawn to their mean (penalty {how}), {parameters:,} parameters"
        )

    def card_input(self, rows: NDArray[np.int64]) -> TableInput:
        """Return what the bundle takes: the answers of its sources."""
        return TableInput(columns=tuple(Column(name=name) for name in self.table.feature_names))

    def hashes(self, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
        """Return nothing: answers of folds are not met again. The cards of the sources know their rows."""
        return ()

    def shown(self, scored: Scored, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return nothing: there are no columns to draw."""
        return {}

    @property
    def synthetic(self) -> bool:
        """Whether a source is of made or simulated data."""
        return is_simulated(self.joined)

    @property
    def fusion(self) -> Fusion:
        """The part of the card."""
        return fusion_part(self.joined)

    def sources(self) -> Mapping[str, Path]:
        """Return the bundles that go into the bundle."""
        return bundles_of(self.joined)

    def finished(self, record: RunRecord) -> RunRecord:
        """Return the record with the gain over the best source in the first place."""
        metrics = ("auroc", "accuracy", "nll") if self.task.positive is not None else ("macro_f1", "macro_auroc", "nll")
        gain = gain_sentence(record.baselines, record.differences, self.names, metrics=metrics)
        facts = tuple(fact for fact in record.facts if fact[0] != "Training")
        others = result_sentences(record.metrics, {}, self.study.report, self.task)
        return replace(record, model="stack", statements=(gain, *others), facts=facts, synthetic=self.synthetic)


def make_fusion_plan(study: FusionStudy, joined: Joined) -> FusionPlan:
    """Check everything that a fusion of classes needs.

    Raises
    ------
    InvalidInput
        When a class has too few patients, or the sources tell survival.
    """
    if joined.time is not None:
        raise InvalidInput(
            "A fusion of survival has a plan of its own", "Sources that tell classes", "Use studies.train"
        )
    table = fused_table(study, joined)
    task = joined.sources[0].card.task
    codes = table.codes(task.classes)
    refuse_few_groups(np.asarray(table.target), table.groups, folds=study.training.inner_folds + 1)
    split = split_of(joined, table)
    return FusionPlan(
        study=study,
        table=table,
        task=task,
        split=split,
        audit=audit_split(table, split),
        cohort=Cohort(table.values, codes, table.groups),
        layout="columns",
        baselines=(*joined.places, EQUAL, "majority"),
        joined=joined,
    )
