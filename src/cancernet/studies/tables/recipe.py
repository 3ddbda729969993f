"""The recipe: from training rows to a fitted learner and its decision. Folds and bundle are made by the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision, Task
from cancernet.data import Fold, Medians, part_by_group, rows_by_fold
from cancernet.studies.calibrate import calibrate
from cancernet.studies.cohort import Cohort
from cancernet.studies.sections import ReportOptions
from cancernet.studies.tables.learners import Learner

__all__ = ["Made", "follow_recipe"]

_STOP_SHARE = 0.15  # of the training rows, by group: early stopping uses them, nothing else does


@dataclass(frozen=True, eq=False)
class Made:
    """What the recipe makes of training rows.

    Parameters
    ----------
    fitted
        By the learner.
    logits, rows
        What it was calibrated on: logits (m, classes) of rows (m,) that neither weights nor early stopping have seen
        when they were computed.
    decision
        Temperature, threshold, conformal quantile.
    history
        One row per epoch and fit.
    """

    fitted: Any
    logits: NDArray[np.float64]
    rows: NDArray[np.int64]
    decision: Decision
    history: tuple[dict[str, Any], ...]


def follow_recipe(
    learner: Learner, cohort: Cohort, fold: Fold, *, task: Task, report: ReportOptions, inner_folds: int, seed: int
) -> Made:
    """Fit and calibrate on the training rows of a fold; its test rows are not looked at.

    Without validation rows the training rows are cross-fitted: out-of-fold logits calibrate, and the final fit on all
    of them runs for the number of epochs that cross-fitting found. With validation rows, a part of the training rows
    stops the fit and the validation rows calibrate.
    """
    if len(fold.validation):
        return _held_out(learner, cohort, fold, task=task, report=report, seed=seed)
    rows = fold.train
    folds = rows_by_fold(cohort.codes[rows], cohort.groups[rows], folds=inner_folds, seed=seed)
    crossed = learner.cross_fit(rows, folds, seed=seed)
    fitted = learner.refit(rows, epochs=crossed.epochs, seed=seed)
    where = f"out-of-fold rows of the training rows ({len(rows)} rows, {inner_folds} folds)"
    decision = calibrate(crossed.logits, cohort.codes[rows], cohort.groups[rows], task=task, report=report, where=where)
    history = (*crossed.history, *({"inner": 0, **row} for row in fitted.history))
    return Made(fitted, crossed.logits, rows, decision, history)


def _held_out(learner: Learner, cohort: Cohort, fold: Fold, *, task: Task, report: ReportOptions, seed: int) -> Made:
    """Fit with early stopping and calibrate on the validation rows."""
    train, rows = fold.train, fold.validation
    stop = part_by_group(cohort.codes[train], cohort.groups[train], share=_STOP_SHARE, seed=seed)
    fitted = learner.fit_until(np.delete(train, stop), train[stop], seed=seed)
    logits = learner.logits(fitted, cohort.filled(rows, Medians.fit(cohort.values[train])))
    where = f"validation rows ({len(rows)}), not used by early stopping"
    decision = calibrate(logits, cohort.codes[rows], cohort.groups[rows], task=task, report=report, where=where)
    return Made(fitted, logits, rows, decision, tuple({"inner": 0, **row} for row in fitted.history))
