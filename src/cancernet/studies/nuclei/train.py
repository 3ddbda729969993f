"""A study of nuclei becomes a run: folds, pooled scores, the bundle, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card
from cancernet.data import write_split
from cancernet.estimate import Estimate
from cancernet.files import write_text
from cancernet.metrics import measure_instances, paired_instances
from cancernet.report import FieldRecord, Outlined, write_field_metrics, write_field_page
from cancernet.studies.card import GENERAL_LIMITS, write_bundle
from cancernet.studies.nuclei.baseline import classical_scores
from cancernet.studies.nuclei.card import nuclei_card
from cancernet.studies.nuclei.fit import FittedNuclei, fit_nuclei, seen_image
from cancernet.studies.nuclei.measure import Answer, image_rows, measure_answers
from cancernet.studies.nuclei.plan import NucleiPlan, make_nuclei_plan
from cancernet.studies.options import NucleiStudy
from cancernet.studies.outputs import write_history
from cancernet.studies.progress import Progress
from cancernet.studies.read import to_toml
from cancernet.studies.workspace import open_workspace
from cancernet.training import SegmenterLearner

__all__ = ["NucleiRun", "train_nuclei"]

_PARITY_TILES = 7  # engines and Keras are compared at batches of 1 and 7


@dataclass(frozen=True, eq=False)
class NucleiRun:
    """A finished run of a study of nuclei.

    Parameters
    ----------
    plan
        What was done.
    record
        What was measured.
    fitted
        What the folds found, and the network of the bundle.
    card
        Of the bundle, without what the parity check measures.
    """

    plan: NucleiPlan
    record: FieldRecord
    fitted: FittedNuclei
    card: Card

    def save_bundle(self, folder: str | Path) -> Card:
        """Write the bundle; see `write_bundle`."""
        study = self.plan.study
        learner = SegmenterLearner(study.model, study.training, maps=len(study.classes))
        return write_bundle(Path(folder), self.card, learner.network(self.fitted.final), _tiles(self.plan))


def train_nuclei(
    study: NucleiStudy, place: Path, *, resume: bool, force: bool, progress: Progress | None = None
) -> NucleiRun:
    """Do a study and leave its run folder, whole or not at all; see `cancernet.studies.train`."""
    told = progress or Progress()
    plan = make_nuclei_plan(study, progress=told)
    with open_workspace(place, digest=plan.digest, resume=resume, force=force) as workspace:
        finished = _run(plan, told, workspace.work)
        told.begin("Writing", 1)
        _write(workspace.folder, finished)
        told.reach(1)
    return finished


def _run(plan: NucleiPlan, progress: Progress, work: Path) -> NucleiRun:
    """Fit all folds and the bundle's network, and measure."""
    fitted = fit_nuclei(plan, progress, work=work)
    progress.begin("Measuring", 1)
    record = _record(plan, fitted)
    progress.reach(1)
    return NucleiRun(plan, record, fitted, nuclei_card(plan, fitted, record.metrics))


def _record(plan: NucleiPlan, fitted: FittedNuclei) -> FieldRecord:
    """Return what was measured."""
    study, answers = plan.study, fitted.answers
    tested = [plan.fields[answer.field] for answer in answers]
    groups, draws = [field.group for field in tested], study.report.draws
    classical = classical_scores(tested) if study.data.holds == "instances" else []
    own = [answer.scores for answer in answers]
    differences = paired_instances(own, classical, groups=groups, draws=draws) if classical else {}
    return FieldRecord(
        name=study.name,
        title=study.title or study.name,
        metrics=measure_answers(answers, groups, draws=draws),
        baselines={"classical": measure_instances(classical, groups, draws=draws)} if classical else {},
        differences={"classical": differences} if classical else {},
        facts=_facts(plan, fitted),
        statements=(*_verdict(differences), *_size_words(plan)),
        limits=(*study.limits, *GENERAL_LIMITS),
        history=fitted.history,
        images=tuple(image_rows(answers, plan.fields)),
        shown=_shown(plan, answers),
    )


def _facts(plan: NucleiPlan, fitted: FittedNuclei) -> tuple[tuple[str, str], ...]:
    """Return what the run rests on, in words."""
    study, split = plan.study, plan.split
    count, groups = len(plan.fields), len(np.unique(plan.table.groups))
    things = sum(len(np.unique(field.things)) - 1 for field in plan.fields)
    way = f"{len(split.folds)}-fold cross-validation" if split.kind == "k-fold" else "held-out test"
    by = "image" if plan.table.group_column == "row" else plan.table.group_column
    chosen = fitted.outlining
    how = f"threshold {chosen.threshold:g}, seed {chosen.seed:g}, smoothed by {chosen.smooth_um:g} microns"
    return (
        ("Data", f"{plan.table.name}: {count} images of {groups} groups, {things:,} times {study.classes[-1]}"),
        ("Split", f"{way} by {by}; each test image is answered by a network that has not seen its group"),
        ("Resolution", f"{study.model.mpp:g} microns per pixel, {plan.taken.pixel_size.status}"),
        ("Outlines of the bundle", f"{how}, chosen on {chosen.rows}"),
    )


def _verdict(differences: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Return whether the network is better than the classical path."""
    aji = differences.get("aji")
    if aji is None or aji.low is None or aji.high is None or aji.value is None:
        return ()
    claim = "is better than" if aji.low > 0 else "is worse than" if aji.high < 0 else "is not better than"
    numbers = f"{aji.value:+.3f} ({aji.low:+.3f} to {aji.high:+.3f})"
    return (f"In AJI the network {claim} the classical path on the same images: {numbers}, 95 % interval.",)


def _size_words(plan: NucleiPlan) -> tuple[str, ...]:
    """Return how the resolution is known, where it was estimated."""
    how = plan.taken.pixel_size.how
    return (f"The resolution is estimated: {how}.",) if how else ()


def _shown(plan: NucleiPlan, answers: Sequence[Answer]) -> tuple[Outlined, ...]:
    """Return the best, the middle and the worst test image by AJI, by Dice where there are no single nuclei."""
    single = plan.study.data.holds == "instances"

    def quality(answer: Answer) -> float:
        return (answer.scores.aji if single else answer.scores.dice) or 0.0

    order = sorted(answers, key=quality, reverse=True)
    chosen = {"best": order[0], "middle": order[len(order) // 2], "worst": order[-1]}
    return tuple(
        Outlined(
            name,
            f"{plan.fields[one.field].id}: {'AJI' if single else 'Dice'} {quality(one):.3f}",
            plan.fields[one.field].image,
            plan.fields[one.field].things,
            one.labels,
        )
        for name, one in chosen.items()
    )


def _tiles(plan: NucleiPlan) -> NDArray[np.uint8]:
    """Return tiles as the network takes them, for the comparison of engines."""
    size = plan.study.training.tile
    tiles = []
    for row in range(min(_PARITY_TILES, len(plan.fields))):
        image = seen_image(plan, row)[:size, :size]
        missing = [(0, size - length) for length in image.shape[:2]]
        tiles.append(np.pad(image, (*missing, (0, 0)), mode="symmetric"))
    return np.stack(tiles)


def _write(folder: Path, finished: NucleiRun) -> None:
    """Fill the run folder."""
    record: Any = finished.record
    write_text(folder / "study.toml", to_toml(finished.plan.study))
    write_split(folder / "split.json", finished.plan.split)
    write_history(folder / "history.csv", record.history)
    write_history(folder / "images.csv", record.images)
    write_field_metrics(folder / "metrics.json", record)
    write_field_page(folder / "report.html", record)
    finished.save_bundle(folder / "bundle")
