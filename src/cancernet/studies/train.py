"""A study becomes a run: folds, pooled results, the bundle, the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, cast

import numpy as np

from cancernet.bags import BagSet
from cancernet.bundle import Card
from cancernet.checks import listed
from cancernet.data import Split, Table, write_split
from cancernet.errors import InvalidInput
from cancernet.files import refuse_existing, write_text
from cancernet.metrics import choose_threshold
from cancernet.patches import PatchSet
from cancernet.predict import write_predictions
from cancernet.report import RunRecord
from cancernet.studies.bags import BagPlan, fit_bags, make_bag_plan
from cancernet.studies.card import make_card, write_bundle
from cancernet.studies.expression import make_expression_plan
from cancernet.studies.final import Final, Fitted
from cancernet.studies.fusion import make_fusion_plan, make_timed_fusion, read_sources
from cancernet.studies.nuclei import NucleiRun, train_nuclei
from cancernet.studies.options import (
    STUDIES,
    BagStudy,
    ExpressionStudy,
    FusionStudy,
    NucleiStudy,
    PatchStudy,
    Study,
    SurvivalStudy,
    TableStudy,
)
from cancernet.studies.outputs import write_history, write_results
from cancernet.studies.patches import PatchPlan, fit_patches, make_patch_plan
from cancernet.studies.plan import Plan
from cancernet.studies.pooled import Pool, pool, rules_of
from cancernet.studies.progress import Counter, Progress
from cancernet.studies.read import to_toml
from cancernet.studies.record import make_record
from cancernet.studies.survival import SurvivalPlan, SurvivalRun, make_survival_plan, run_survival, write_survival
from cancernet.studies.tables import TablePlan, fit_table, make_table_plan
from cancernet.studies.workspace import Workspace, open_workspace

__all__ = ["Run", "make_plan", "run", "train"]

_COMPARED = 70  # cases on which engines and Keras are compared


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Parameters
    ----------
    plan
        What was done.
    record
        What was measured.
    pooled
        The test rows.
    final
        The network of the bundle.
    card
        Of the bundle, without what the parity check measures.
    """

    plan: Plan
    record: RunRecord
    pooled: Pool
    final: Final
    card: Card

    def save_bundle(self, folder: str | Path) -> Card:
        """Write the bundle; see `write_bundle`."""
        sample, sources = self.plan.sample(_COMPARED), self.plan.sources()
        return write_bundle(Path(folder), self.card, self.final.model, sample, sources=sources)


def run(
    study: Study,
    data: Table | PatchSet | BagSet | None = None,
    split: Split | None = None,
    *,
    progress: Progress | None = None,
) -> Run:
    """Train, calibrate and test a study in memory.

    Parameters
    ----------
    study
        What to do.
    data, split
        A table, a set of patches or of bags, and a split, instead of those the study names.
    progress
        Told how far it is.

    Examples
    --------
    >>> from cancernet import studies
    >>> run = studies.run(studies.find_study("wdbc"))  # doctest: +SKIP
    >>> run.record.metrics["auroc"].format()  # doctest: +SKIP
    '0.994 (0.988 to 0.997)'
    """
    told = progress or Progress()
    return _run(make_plan(study, data, split, progress=told), told, work=None)


def train(
    study: Study,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    allow_leak: bool = False,
    progress: Progress | None = None,
) -> Run | NucleiRun | SurvivalRun:
    """Do a study and leave its run folder, whole or not at all.

    Parameters
    ----------
    study
        What to do.
    out
        The run folder; runs/NAME when None.
    resume
        Go on with an interrupted run: finished folds are not fitted again.
    force
        Replace an existing run.
    allow_leak
        Of patches: where copies stand on two sides of the split, train with them and without, and say what they seem to
        gain. The run folder holds the honest way.
    progress
        Told how far it is.

    Raises
    ------
    InvalidInput
        When study or data cannot be used, or the run exists.
    LeakingSplit
        When a patient or a row stands on two sides of the split.
    """
    place = Path("runs", study.name) if out is None else Path(out)
    told = progress or Progress()
    refuse_existing(place, force=force)
    timed = make_timed_plan(study)
    if timed is not None:
        return _train_survival(timed, place, resume=resume, force=force, progress=told)
    if isinstance(study, NucleiStudy):
        return train_nuclei(study, place, resume=resume, force=force, progress=told)
    plan = make_plan(study, allow_leak=allow_leak, progress=told)
    with open_workspace(place, digest=plan.digest, resume=resume, force=force) as workspace:
        finished = _run(plan, told, work=workspace.work)
        _write(workspace, finished, told)
    return finished


def _train_survival(plan: SurvivalPlan, place: Path, *, resume: bool, force: bool, progress: Progress) -> SurvivalRun:
    """Do a study of survival."""
    with open_workspace(place, digest=plan.digest, resume=resume, force=force) as workspace:
        finished = run_survival(plan, progress, work=workspace.work)
        write_survival(workspace.folder, finished, progress)
    return finished


def make_timed_plan(study: Study) -> SurvivalPlan | None:
    """Return the plan of a study of survival, or of a fusion of such; None for all others."""
    if isinstance(study, SurvivalStudy):
        return make_survival_plan(study)
    joined = read_sources(study) if isinstance(study, FusionStudy) else None
    if joined is None or joined.time is None or not isinstance(study, FusionStudy):
        return None
    return make_timed_fusion(study, joined)


def make_plan(
    study: Study,
    data: Table | PatchSet | BagSet | None = None,
    split: Split | None = None,
    *,
    allow_leak: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Read and check everything that a study needs, by its kind of data.

    Parameters
    ----------
    study
        What to do.
    data, split
        Instead of those the study names.
    allow_leak
        As of `train`.
    progress
        Told how far packing of images, or reading of features, is.

    Raises
    ------
    InvalidInput
        When the data cannot be used for the study.
    LeakingSplit
        When a patient, a row or an image stands on two sides of the split.
    """
    if not isinstance(study, PatchStudy) and allow_leak:
        raise InvalidInput("A leak is allowed for images only", "A study of patches", "Make a split that does not leak")
    if isinstance(study, TableStudy) and isinstance(data, Table | None):
        return make_table_plan(study, data, split)
    if isinstance(study, ExpressionStudy) and data is None:
        return make_expression_plan(study, split)
    if isinstance(study, PatchStudy) and isinstance(data, PatchSet | None):
        return make_patch_plan(study, data, split, progress=progress, allow_leak=allow_leak)
    if isinstance(study, BagStudy) and isinstance(data, BagSet | None):
        return make_bag_plan(study, data, split, progress=progress)
    if isinstance(study, FusionStudy) and data is None and split is None:
        return make_fusion_plan(study, read_sources(study))
    raise _no_plan(study, data)


def _no_plan(study: Study, data: Table | PatchSet | BagSet | None) -> InvalidInput:
    """Return the error for a study that has no plan of this form."""
    if isinstance(study, NucleiStudy):
        return InvalidInput("A study of nuclei", "A run folder to keep its fits in", "Call cancernet.studies.train")
    given = type(data).__name__ if data is not None else "nothing"
    if isinstance(study, SurvivalStudy):
        return InvalidInput("A study of survival has a plan of its own", "", "Use studies.train, or run_survival")
    return InvalidInput(f"A study of kind '{study.data.kind}' with {given}", f"One of {listed(tuple(STUDIES))}")


def _run(plan: Plan, progress: Progress, work: Path | None) -> Run:
    """Fit all folds and the bundle's network, and measure."""
    started = monotonic()
    counter = Counter(plan.fits, plan.study.training.epochs, progress=progress)
    fitted = _fitted(plan, counter, work)
    progress.begin("Measuring", 1)
    pooled = pool(plan, fitted.results)
    made = make_record(plan, fitted, pooled, thresholds=_thresholds(plan, fitted), seconds=monotonic() - started)
    record = plan.finished(made)
    progress.reach(1)
    return Run(plan, record, pooled, fitted.final, make_card(plan, fitted.final, record.metrics))


def _fitted(plan: Plan, counter: Counter, work: Path | None) -> Fitted:
    """Fit what the plan asks for."""
    if isinstance(plan, TablePlan):
        return fit_table(plan, counter, work=work)
    if isinstance(plan, BagPlan):
        return fit_bags(plan, counter, work=work)
    return fit_patches(cast("PatchPlan", plan), counter, work=work)


def _thresholds(plan: Plan, fitted: Fitted) -> dict[str, float]:
    """Return the thresholds of the bundle by rule."""
    if plan.task.positive is None:
        return {}
    code = plan.task.classes.index(plan.task.positive)
    truth = plan.cohort.codes[fitted.final.calibration_rows] == code
    return {rule: choose_threshold(rule, truth, fitted.calibrated[:, code]) for rule in rules_of(plan)}


def _write(workspace: Workspace, finished: Run, progress: Progress) -> None:
    """Fill the run folder."""
    folder, plan = workspace.folder, finished.plan
    steps: tuple[Callable[[], Any], ...] = (
        lambda: write_text(folder / "study.toml", to_toml(plan.study)),
        lambda: write_split(folder / "split.json", plan.split),
        lambda: write_history(folder / "history.csv", finished.record.history),
        lambda: _write_pooled(folder / "predictions.csv", finished),
        lambda: finished.save_bundle(folder / "bundle"),
        lambda: write_results(folder, finished.record),
    )
    progress.begin("Writing", len(steps))
    for done, step in enumerate(steps, start=1):
        step()
        progress.reach(done)


def _write_pooled(path: Path, finished: Run) -> None:
    """Write the pooled test rows."""
    table, pooled = finished.plan.table, finished.pooled
    write_predictions(
        path,
        pooled.cases,
        ids=table.ids[pooled.rows],
        groups=table.groups[pooled.rows],
        split=np.full(len(pooled.rows), "test"),
        fold=pooled.fold,
        truth=np.array(finished.plan.task.classes)[finished.plan.cohort.codes[pooled.rows]],
        force=True,
    )
