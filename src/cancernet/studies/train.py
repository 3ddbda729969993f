"""A study becomes a run: folds, pooled results, the bundle, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from cancernet.bundle import Card
from cancernet.data import Fold, Medians, Split, Table, write_split
from cancernet.files import write_text
from cancernet.metrics import choose_threshold
from cancernet.predict import write_predictions
from cancernet.report import RunRecord
from cancernet.studies.card import Final, make_card, write_bundle
from cancernet.studies.folds import FoldResult, load_fold, run_fold, save_fold
from cancernet.studies.learners import Learner
from cancernet.studies.options import Study
from cancernet.studies.outputs import write_history, write_results
from cancernet.studies.plan import NETWORK, Plan, make_plan
from cancernet.studies.pooled import Pool, pool, rules_of
from cancernet.studies.progress import Progress
from cancernet.studies.read import to_toml
from cancernet.studies.recipe import fit_limits, follow_recipe
from cancernet.studies.record import make_record
from cancernet.studies.workspace import Workspace, open_workspace
from cancernet.tasks import probabilities
from cancernet.training import seed_of

__all__ = ["Run", "run", "train"]


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
        values = self.plan.cohort.values
        return write_bundle(Path(folder), self.card, self.final.model, Medians.fit(values).apply(values))


def run(
    study: Study, table: Table | None = None, split: Split | None = None, *, progress: Progress | None = None
) -> Run:
    """Train, calibrate and test a study in memory.

    Parameters
    ----------
    study
        What to do.
    table, split
        Instead of those the study names.
    progress
        Told how far it is.

    Examples
    --------
    >>> from cancernet import studies
    >>> run = studies.run(studies.find_study("wdbc"))  # doctest: +SKIP
    >>> run.record.metrics["auroc"].format()  # doctest: +SKIP
    '0.994 (0.988 to 0.997)'
    """
    return _run(make_plan(study, table, split), progress or Progress(), work=None)


def train(
    study: Study,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Run:
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
    plan = make_plan(study)
    with open_workspace(place, digest=plan.digest, resume=resume, force=force) as workspace:
        finished = _run(plan, progress or Progress(), work=workspace.work)
        _write(workspace, finished, progress or Progress())
    return finished


def _run(plan: Plan, progress: Progress, work: Path | None) -> Run:
    """Fit all folds and the bundle's network, and measure."""
    started = monotonic()
    counter = _Counter(plan, progress)
    learners = plan.learners(counter.advance)
    results, fitted = _all_folds(plan, learners, counter, work)
    final = _final(plan, learners, results, fitted, counter)
    progress.begin("Measuring", 1)
    pooled = pool(plan, results)
    thresholds = _thresholds(plan, final)
    record = make_record(
        plan, results, pooled, final=final.network, thresholds=thresholds, seconds=monotonic() - started
    )
    progress.reach(1)
    return Run(plan, record, pooled, final.network, make_card(plan, final.network, record.metrics))


class _Counter:
    """Counts epochs over all fits of a study."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        held_out = bool(len(plan.split.folds[0].validation))
        fits = 1 if held_out else plan.study.training.inner_folds + 1
        self.per_fold = fits * plan.study.training.epochs
        folds = len(plan.split.folds) + (0 if held_out else 1)
        self._done, self._progress = 0, progress
        progress.begin("Training", self.per_fold * folds)

    def advance(self) -> None:
        """Count one epoch."""
        self._done += 1
        self._progress.reach(self._done)

    def finish_fold(self, number: int) -> None:
        """Count all epochs of the first `number` folds, those that early stopping saved too."""
        self._done = self.per_fold * number
        self._progress.reach(self._done)


def _all_folds(
    plan: Plan, learners: Mapping[str, Learner], counter: _Counter, work: Path | None
) -> tuple[list[FoldResult], Any]:
    """Return the results of all folds, and what the network learnt in the last one that was fitted here."""
    results, fitted = [], None
    for number, fold in enumerate(plan.split.folds, start=1):
        result = load_fold(work, fold) if work is not None and plan.split.kind == "k-fold" else None
        if result is None:
            result, fitted = run_fold(plan, fold, learners)
            if work is not None:
                save_fold(work, result)
        results.append(result)
        counter.finish_fold(number)
    return results, fitted


@dataclass(frozen=True, eq=False)
class _FinalFit:
    """The bundle's network with the calibrated logits its thresholds are chosen on."""

    network: Final
    calibration: np.ndarray[Any, np.dtype[np.float64]]


def _final(
    plan: Plan, learners: Mapping[str, Learner], results: Sequence[FoldResult], fitted: Any, counter: _Counter
) -> _FinalFit:
    """Return the network of the bundle: the one that was tested (held-out), or the recipe on all rows (k-fold)."""
    learner: Any = learners[NETWORK]
    if plan.split.kind == "held-out":
        answer, fold = results[0].answers[NETWORK], plan.split.folds[0]
        rows = fold.train
        final = Final(
            learner.model(fitted),
            answer.decision,
            rows=rows,
            calibration_rows=results[0].calibration_rows,
            epochs=results[0].epochs,
        )
        return _FinalFit(final, probabilities(answer.calibration, answer.decision.temperature))
    made_final = _on_all_rows(plan, learner)
    counter.finish_fold(len(results) + 1)
    return made_final


def _on_all_rows(plan: Plan, learner: Any) -> _FinalFit:
    """Follow the recipe on all rows."""
    everything, nothing = np.arange(len(plan.table)), np.arange(0)
    fold = Fold(0, 0, train=everything, validation=nothing, test=nothing)
    inner, seed = plan.study.training.inner_folds, seed_of(plan.study.training.seed)
    _, novelty = fit_limits(plan.cohort, fold, inner_folds=inner, seed=seed)
    made = follow_recipe(
        learner, plan.cohort, fold, task=plan.task, report=plan.study.report, inner_folds=inner, seed=seed
    )
    decision = made.decision.model_copy(update={"novelty": novelty})
    model = learner.model(made.fitted)
    final = Final(model, decision, rows=everything, calibration_rows=made.rows, epochs=made.fitted.epochs)
    return _FinalFit(final, probabilities(made.logits, decision.temperature))


def _thresholds(plan: Plan, final: _FinalFit) -> dict[str, float]:
    """Return the thresholds of the bundle by rule."""
    if plan.task.positive is None:
        return {}
    code = plan.task.classes.index(plan.task.positive)
    truth = plan.cohort.codes[final.network.calibration_rows] == code
    return {rule: choose_threshold(rule, truth, final.calibration[:, code]) for rule in rules_of(plan)}


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
