"""From logits of rows that no fit has used to a decision: temperature, threshold, sets, limits of the known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Conformal, Decision, GradeCuts, Novelty, Task, Threshold
from cancernet.data import Fold, Medians, rows_by_fold
from cancernet.metrics import choose_threshold, fit_conformal, fit_temperature, fit_temperature_and_bias
from cancernet.predict import fit_novelty, novelty_distance
from cancernet.studies.cohort import Cohort
from cancernet.studies.sections import ReportOptions
from cancernet.tasks import matched_cuts

__all__ = ["calibrate", "fit_limits", "with_rule"]


def calibrate(
    logits: NDArray[np.float64],
    codes: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    task: Task,
    report: ReportOptions,
    where: str,
) -> Decision:
    """Return temperature, bias, threshold, cut points and conformal quantile, fitted on rows that no fit has used.

    Parameters
    ----------
    logits, codes, groups
        Of the calibration rows: (n, width), (n,), (n,).
    task, report
        Which class is positive; kind of calibration, rule and coverage.
    where
        Which rows these are, in words, for the card.
    """
    if report.calibration == "bias-corrected":
        temperature, bias = fit_temperature_and_bias(logits, codes, kind=task.kind)
    else:
        temperature, bias = fit_temperature(logits, codes, kind=task.kind), ()
    scaled = Decision(temperature=temperature, bias=bias, temperature_rows=where)
    calibrated = scaled.calibrated(logits, kind=task.kind)
    quantile = fit_conformal(calibrated, codes, coverage=report.coverage, groups=groups)
    conformal = Conformal(quantile=quantile, coverage=report.coverage, rows=where)
    grades = None
    if report.grades == "matched" and task.kind == "ordinal":
        grades = GradeCuts(values=matched_cuts(calibrated, codes), rule=report.grades, rows=where)
    decision = scaled.model_copy(update={"conformal": conformal, "grades": grades})
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
    medians, train = Medians.fit(cohort.values[fold.train]), fold.train
    if len(fold.validation):
        held = [(train, fold.validation)]
    else:
        parts = rows_by_fold(cohort.codes[train], cohort.groups[train], folds=inner_folds, seed=seed)
        held = [(np.delete(train, part), train[part]) for part in parts]
    pairs = [(cohort.guises(known, medians), cohort.guises(new, medians)) for known, new in held]
    where = f"{len(train)} training rows" + ("" if cohort.variants is None else ", as they are and as JPEG")
    return medians, fit_novelty(cohort.guises(train, medians), rows=where, held_out_distances=_distances(pairs))


def _distances(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Return the distances of each second set of rows from its first."""
    return np.concatenate([novelty_distance(fit_novelty(known, rows="inner"), new) for known, new in pairs])
