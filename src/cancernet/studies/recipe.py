"""The recipe: from training rows to a fitted learner and its decision. Folds and bundle are made by the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Conformal, Decision, Novelty, Task, Threshold
from cancernet.data import Fold, Medians, part_by_group, rows_by_fold
from cancernet.metrics import choose_threshold, fit_conformal, fit_temperature
from cancernet.predict import fit_novelty, novelty_distance
from cancernet.studies.learners import Learner
from cancernet.studies.options import ReportOptions
from cancernet.tasks import probabilities

__all__ = ["Cohort", "Made", "calibrate", "fit_limits", "follow_recipe", "with_rule"]

_STOP_SHARE = 0.15  # of the training rows, by group: early stopping uses them, nothing else does


@dataclass(frozen=True, eq=False)
class Cohort:
    """All rows of a study as arrays.

    Parameters
    ----------
    values
        (n, columns) float64, raw units, NaN where missing.
    codes
        Class codes, (n,).
    groups
        (n,) text.
    """

    values: NDArray[np.float64]
    codes: NDArray[np.int64]
    groups: NDArray[np.str_]

    def filled(self, rows: NDArray[np.int64], medians: Medians) -> NDArray[np.float64]:
        """Return the values of rows without gaps."""
        return medians.apply(self.values[rows])


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


def calibrate(
    logits: NDArray[np.float64],
    codes: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    task: Task,
    report: ReportOptions,
    where: str,
) -> Decision:
    """Return temperature, threshold and conformal quantile, fitted on rows that no fit has used.

    Parameters
    ----------
    logits, codes, groups
        Of the calibration rows: (n, classes), (n,), (n,).
    task, report
        Which class is positive; rule and coverage.
    where
        Which rows these are, in words, for the card.
    """
    temperature = fit_temperature(logits, codes)
    calibrated = probabilities(logits, temperature)
    quantile = fit_conformal(calibrated, codes, coverage=report.coverage, groups=groups)
    decision = Decision(
        temperature=temperature,
        temperature_rows=where,
        conformal=Conformal(quantile=quantile, coverage=report.coverage, rows=where),
    )
    return with_rule(decision, report.threshold, calibrated, codes, task=task)


def with_rule(
    decision: Decision, rule: str, calibrated: NDArray[np.float64], codes: NDArray[np.int64], *, task: Task
) -> Decision:
    """Return the decision with the threshold that a rule chooses on calibrated probabilities (n, classes)."""
    if task.positive is None:
        return decision
    positive = task.classes.index(task.positive)
    value = choose_threshold(rule, codes == positive, calibrated[:, positive])
    threshold = Threshold(value=value, rule=rule, rows=decision.temperature_rows)
    return decision.model_copy(update={"threshold": threshold})


def fit_limits(cohort: Cohort, fold: Fold, *, inner_folds: int, seed: int) -> tuple[Medians, Novelty]:
    """Describe the training rows of a fold: medians, and the distance beyond which a row is unlike them.

    The limit is the 99 % quantile over rows that were not described when their distance was taken.
    """
    medians = Medians.fit(cohort.values[fold.train])
    train = cohort.filled(fold.train, medians)
    if len(fold.validation):
        held = [(train, cohort.filled(fold.validation, medians))]
    else:
        codes, groups = cohort.codes[fold.train], cohort.groups[fold.train]
        parts = rows_by_fold(codes, groups, folds=inner_folds, seed=seed)
        held = [(np.delete(train, part, axis=0), train[part]) for part in parts]
    return medians, fit_novelty(train, rows=f"{len(train)} training rows", held_out_distances=_distances(held))


def _distances(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Return the distances of each second set of rows from its first."""
    return np.concatenate([novelty_distance(fit_novelty(known, rows="inner"), new) for known, new in pairs])
