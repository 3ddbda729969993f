"""The folds of a study of patches: one fit each, and the logits of all learners for rows that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold
from cancernet.metrics import baseline_logits
from cancernet.patches import COLOURS, DARKNESS, STATISTICS
from cancernet.studies.kept import KeptFold, keep_fold, kept_fold
from cancernet.studies.patches.members import Fits, fit_alone, fit_ensemble
from cancernet.studies.patches.plan import PatchPlan
from cancernet.studies.patches.ways import Way, views_asked, ways_asked
from cancernet.studies.results import fold_stem
from cancernet.training import PatchLearner, seed_of

__all__ = ["fit_folds"]


def fit_folds(
    plan: PatchPlan, learner: PatchLearner, *, work: Path | None, finished: Callable[[int], None]
) -> tuple[Sequence[KeptFold], Fits | None]:
    """Return all folds, and the fits of the last one that was fitted here; those kept in `work` are not fitted again.

    Parameters
    ----------
    plan, learner
        What to fit.
    work
        Where folds and unfinished fits are kept; None keeps nothing.
    finished
        Called with the number of fits that are done.
    """
    folds, fits = [], None
    for count, fold in enumerate(plan.split.folds, start=1):
        kept = kept_fold(work, fold) if plan.split.kind == "k-fold" else None
        if kept is None:
            kept, fits = _fit_fold(plan, learner, fold, work)
            keep_fold(work, kept)
        folds.append(kept)
        finished(count * plan.fits_of_fold)
    return folds, fits


def _fit_fold(plan: PatchPlan, learner: PatchLearner, fold: Fold, work: Path | None) -> tuple[KeptFold, Fits]:
    """Fit one fold and ask all learners about the rows it has not seen."""
    seed = seed_of(plan.study.training.seed, fold.repeat, fold.number)
    stem = None if work is None else fold_stem(work, fold.repeat, fold.number)
    alone = fit_alone(learner, fold.train, seed=seed, stem=stem, watched=_followed(fold))
    fits = Fits(alone, fit_ensemble(plan, learner, fold.train, seed=seed, stem=stem, alone=alone))
    tested, validated = (_answers(plan, learner, fits, fold, rows) for rows in (fold.test, fold.validation))
    history = tuple({"inner": inner, **row} for inner, fit in enumerate(fits.different) for row in fit.history)
    fits.forget(stem)
    return KeptFold(fold.repeat, fold.number, tested, validated, alone.epochs, history), fits


def _followed(fold: Fold) -> NDArray[np.int64]:
    """Return the rows whose loss is written into the history: it decides nothing."""
    return fold.validation if len(fold.validation) else fold.test


def _answers(
    plan: PatchPlan, learner: PatchLearner, fits: Fits, fold: Fold, rows: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Return the logits of all learners for some rows; nothing when there are none."""
    if not len(rows):
        return {}
    answers: dict[str, NDArray[np.float64]] = {}
    for ensemble in sorted({way.ensemble for way in ways_asked(plan)}):
        found = learner.logits(fits.of(Way(ensemble)), rows, test_times=views_asked(plan))
        answers |= {Way(ensemble, view).name: logits for view, logits in found.items()}
    return answers | {name: _baseline(plan, name, fold, rows) for name in plan.baselines}


def _baseline(plan: PatchPlan, name: str, fold: Fold, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logits of a baseline on image statistics, fitted on the training rows."""
    cohort, classes = plan.cohort, plan.task.classes
    values = _columns(plan, name)
    return baseline_logits(
        name, values[fold.train], cohort.codes[fold.train], values[rows], classes=classes, kind=plan.task.kind
    )


def _columns(plan: PatchPlan, name: str) -> NDArray[np.float64]:
    """Return the numbers that a baseline looks at, of all rows."""
    measures = plan.pack.patches.measures
    if name == "measured" and measures is not None:
        return measures
    names = {"darkness": (DARKNESS,), "colour": COLOURS}.get(name, STATISTICS)
    return plan.cohort.values[:, [STATISTICS.index(column) for column in names]]
