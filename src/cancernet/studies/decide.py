"""From the logits of all folds to decisions: each fold is calibrated on the out-of-fold rows of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision, Novelty
from cancernet.data import Fold
from cancernet.studies.calibrate import calibrate, fit_limits
from cancernet.studies.kept import KeptFold
from cancernet.studies.plan import Plan
from cancernet.studies.results import NETWORK, Answer, FoldResult, report_of
from cancernet.training import seed_of

__all__ = ["conclude", "decide_all", "limits_of", "out_of_fold"]

Logits = NDArray[np.float64]


def conclude(
    plan: Plan, folds: Sequence[KeptFold], *, limits: Sequence[Novelty], view: str = NETWORK
) -> tuple[FoldResult, ...]:
    """Return the results of all folds.

    Parameters
    ----------
    plan, folds
        The study and what its folds left.
    limits
        Of each fold, from `limits_of`.
    view
        Under which name the folds keep the network: of patches by the way its answers are averaged.
    """
    return tuple(_result(plan, folds, place, view=view, novelty=limits[place]) for place in range(len(folds)))


def limits_of(plan: Plan) -> tuple[Novelty, ...]:
    """Return for each fold what its training rows look like, by the values of the cohort."""
    training = plan.study.training
    return tuple(
        fit_limits(
            plan.cohort,
            fold,
            inner_folds=training.inner_folds,
            seed=seed_of(training.seed, fold.repeat, fold.number),
        )[1]
        for fold in plan.split.folds
    )


def out_of_fold(
    plan: Plan, folds: Sequence[KeptFold], *, learner: str, without: Fold | None = None
) -> tuple[NDArray[np.int64], Logits]:
    """Return rows and out-of-fold logits of one learner, those of one repeat, `without` the rows of one of its folds.

    Each row's logits are from a fit that has not seen it. Without a fold to leave out they are all rows of the first
    repeat.
    """
    repeat = 0 if without is None else without.repeat
    places = [
        place
        for place, fold in enumerate(plan.split.folds)
        if fold.repeat == repeat and (without is None or fold.number != without.number)
    ]
    rows = np.concatenate([plan.split.folds[place].test for place in places])
    return rows, np.concatenate([folds[place].tested[learner] for place in places])


def decide_all(plan: Plan, rows: NDArray[np.int64], logits: NDArray[np.float64]) -> Decision:
    """Return the decision of the bundle: fitted on out-of-fold rows, with the limits of all rows."""
    cohort, training = plan.cohort, plan.study.training
    where = f"out-of-fold rows of all folds ({len(rows)})"
    decision = calibrate(
        logits, cohort.codes[rows], cohort.groups[rows], task=plan.task, report=plan.study.report, where=where
    )
    nothing = np.arange(0)
    fold = Fold(0, 0, train=np.arange(len(plan.table)), validation=nothing, test=nothing)
    _, novelty = fit_limits(cohort, fold, inner_folds=training.inner_folds, seed=seed_of(training.seed))
    return decision.model_copy(update={"novelty": novelty})


def _result(plan: Plan, folds: Sequence[KeptFold], place: int, *, view: str, novelty: Novelty) -> FoldResult:
    """Return the result of one fold."""
    kept, fold = folds[place], plan.split.folds[place]
    answers, rows = {}, np.empty(0, dtype=np.int64)
    for name in (NETWORK, *plan.baselines):
        learner = view if name == NETWORK else name
        rows, logits, where = _calibration(plan, folds, place, learner)
        decision = _decision(plan, rows, logits, name=name, where=where)
        answers[name] = Answer(kept.tested[learner], logits, decision.model_copy(update={"novelty": novelty}))
    nothing = np.empty((0, 0, len(fold.test), len(plan.task.classes)), dtype=np.float32)
    return FoldResult(fold.repeat, fold.number, rows, answers, nothing, kept.epochs, kept.history)


def _calibration(
    plan: Plan, folds: Sequence[KeptFold], place: int, learner: str
) -> tuple[NDArray[np.int64], Logits, str]:
    """Return the rows that a fold is calibrated on, their logits, and which they are in words."""
    fold = plan.split.folds[place]
    if len(fold.validation):
        return fold.validation, folds[place].validated[learner], f"validation rows ({len(fold.validation)})"
    rows, logits = out_of_fold(plan, folds, learner=learner, without=fold)
    return rows, logits, f"out-of-fold rows of the other folds ({len(rows)})"


def _decision(plan: Plan, rows: NDArray[np.int64], logits: Logits, *, name: str, where: str) -> Decision:
    """Return temperature, threshold and quantile of one learner."""
    report, cohort = plan.study.report, plan.cohort
    ruled = report_of(report, name)
    return calibrate(logits, cohort.codes[rows], cohort.groups[rows], task=plan.task, report=ruled, where=where)
