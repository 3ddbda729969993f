"""The plan of a study of bags: the slides with their features, their summaries as the table, the audit on these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bags import BagOptions, BagSet, OpenBags, open_bags, pad_bags, read_bags, summarise, summary_names
from cancernet.bundle import BagInput, Execution, hash_rows
from cancernet.data import Feature, LeakAudit, Split, Table, audit_split
from cancernet.metrics import BAG_BASELINES, Scored
from cancernet.report import group_rows
from cancernet.studies.cohort import Cohort
from cancernet.studies.options import BagData, BagStudy
from cancernet.studies.plan import Plan, make_split, refuse_absent_classes, task_of
from cancernet.studies.progress import Progress
from cancernet.training import BAG_EXECUTION, BagLearner

__all__ = ["BagPlan", "bag_options", "bag_table", "make_bag_plan"]

_SHOWN_TILES = 64  # of each slide on which engines and Keras are compared


@dataclass(frozen=True, eq=False, kw_only=True)
class BagPlan(Plan):
    """What is going to be fitted on slides; `table` and `cohort` hold what tells a slide unlike the others."""

    study: BagStudy
    audit: LeakAudit
    bags: OpenBags
    baselines: tuple[str, ...] = BAG_BASELINES

    @property
    def fits(self) -> int:
        """One for each fold, and in cross-validation one on all slides."""
        return len(self.split.folds) + (self.split.kind == "k-fold")

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the data."""
        counts = self.bags.counts
        return (
            f"A slide has {counts.min()} to {counts.max()} tiles, {np.median(counts):.0f} in the middle; "
            f"{min(self.study.training.tiles, int(counts.max()))} of each are drawn in an epoch, all are looked at "
            "for an answer.",
            _encoder_words(self.bags),
            f"Slides unlike the training ones are told by {len(self.table.features)} numbers made of their mean "
            "features.",
        )

    def data_words(self) -> str:
        """Return what the data are, in a few words."""
        tiles = int(self.bags.counts.sum())
        return f"{self.table.name}: {len(self.table)} slides, {tiles:,} tiles of {self.bags.width} features"

    def network_words(self, parameters: int) -> str:
        """Return what the network is, in a few words."""
        return f"gated attention over tiles, {parameters:,} parameters"

    def card_input(self, rows: NDArray[np.int64]) -> BagInput:
        """Return what the bundle takes."""
        return BagInput(
            width=self.bags.width,
            encoder=self.bags.encoder,
            pixel_size=self.bags.pixel_size,
            statistics=self.table.feature_names,
        )

    def execution(self, test_time: str) -> Execution:
        """Return how the engine runs the network."""
        return BAG_EXECUTION

    def hashes(self, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
        """Return salted hashes of what describes the slides; the order of their tiles does not count."""
        return hash_rows(self.cohort.values[rows], salt)

    def shown(self, scored: Scored, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return the table by patient."""
        return {"by_group": group_rows(scored), "group_name": self.table.group_column or "group"}

    def sample(self, most: int) -> NDArray[Any]:
        """Return the first tiles of slides from all over the table, padded."""
        rows = np.linspace(0, len(self.table) - 1, min(most, len(self.table))).astype(np.int64)
        return pad_bags([self.bags.features(row)[:_SHOWN_TILES] for row in rows.tolist()], _SHOWN_TILES)

    def learner(self, advance: Callable[[], None] | None = None) -> BagLearner:
        """Return the network; building it imports Keras."""
        return BagLearner(
            self.bags,
            self.cohort.codes,
            kind=self.task.kind,
            classes=len(self.task.classes),
            model=self.study.model,
            options=self.study.training,
            advance=advance,
        )


def make_bag_plan(
    study: BagStudy, bags: BagSet | None = None, split: Split | None = None, *, progress: Progress | None = None
) -> BagPlan:
    """Read and check everything that a study of slides needs.

    Parameters
    ----------
    study
        What to do.
    bags, split
        Instead of those the study names.
    progress
        Told how far reading is.

    Raises
    ------
    InvalidInput
        When the slides cannot be used for the study.
    LeakingSplit
        When a patient or a slide stands on two sides of the split.
    """
    found = read_bags(study.data.source, options=bag_options(study.data)) if bags is None else bags
    told = progress or Progress()
    told.begin("Reading", len(found))
    opened = open_bags(found, progress=told.reach)
    table = bag_table(opened, licence=study.data_licence)
    task = task_of(study, table.classes, target=table.target_column)
    refuse_absent_classes(table, task.classes, folds=study.split.folds or (3 if study.split.test else 5))
    split = make_split(study, table) if split is None else split
    split.refuse_other(table)
    audit = audit_split(table, split)
    audit.refuse()
    cohort = Cohort(table.values, table.codes(task.classes), table.groups)
    return BagPlan(study=study, table=table, task=task, split=split, audit=audit, cohort=cohort, bags=opened)


def bag_options(data: BagData) -> BagOptions:
    """Return how slides and their files are found, from the data section of a study."""
    names = ("features", "slide", "target", "group", "encoder", "mpp")
    return BagOptions(**{name: getattr(data, name) for name in names})


def bag_table(opened: OpenBags, *, licence: str = "") -> Table:
    """Return ids, patients and labels of all slides as a table; its columns tell what their features are like."""
    bags = opened.bags
    return Table(
        name=bags.name,
        features=tuple(Feature(name) for name in summary_names(opened.width)),
        values=summarise(opened.means),
        ids=bags.ids,
        groups=bags.groups,
        target=bags.target,
        target_column=bags.target_column,
        group_column=bags.group_column,
        source=bags.source,
        licence=licence,
    )


def _encoder_words(bags: OpenBags) -> str:
    """Return what is known of the features."""
    size, name = bags.pixel_size, bags.encoder or "an encoder that no file names"
    seen = "at an unknown resolution" if size.mpp is None else f"at {size.mpp:.3g} microns per pixel ({size.status})"
    return f"The features are those of {name}, {seen}."
