"""All fits of a study of bags: the folds, and the network of the bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold
from cancernet.metrics import baseline_logits
from cancernet.studies.bags.plan import BagPlan
from cancernet.studies.decide import conclude, decide_all, limits_of, out_of_fold
from cancernet.studies.final import Final, Fitted, final_of_tested
from cancernet.studies.kept import KeptFold, keep_fold, kept_fold
from cancernet.studies.progress import Counter
from cancernet.studies.results import NETWORK, fold_stem
from cancernet.training import BagLearner, Checkpoint, FittedBags, seed_of

__all__ = ["fit_bags"]


def fit_bags(plan: BagPlan, counter: Counter, *, work: Path | None) -> Fitted:
    """Fit all folds and the bundle's network; what lies in `work` is not fitted again.

    Every fold is fitted once, for all epochs, and its decision is made on the out-of-fold slides of the other folds.
    """
    learner = plan.learner(counter.advance)
    folds, last = _all_folds(plan, learner, work, counter.reach)
    results = conclude(plan, folds, limits=limits_of(plan))
    if plan.split.kind == "held-out" and last is not None:
        return Fitted(results, *final_of_tested(plan, results[0], model=learner.model(last)))
    final, calibrated = _on_all_rows(plan, learner, folds, work)
    counter.reach(plan.fits)
    return Fitted(results, final, calibrated)


def _all_folds(
    plan: BagPlan, learner: BagLearner, work: Path | None, finished: Callable[[int], None]
) -> tuple[Sequence[KeptFold], FittedBags | None]:
    """Return all folds, and the fit of the last one that was fitted here."""
    folds, fitted = [], None
    for count, fold in enumerate(plan.split.folds, start=1):
        kept = kept_fold(work, fold) if plan.split.kind == "k-fold" else None
        if kept is None:
            kept, fitted = _fit_fold(plan, learner, fold, work)
            keep_fold(work, kept)
        folds.append(kept)
        finished(count)
    return folds, fitted


def _fit_fold(plan: BagPlan, learner: BagLearner, fold: Fold, work: Path | None) -> tuple[KeptFold, FittedBags]:
    """Fit one fold and ask all learners about the slides it has not seen."""
    seed = seed_of(plan.study.training.seed, fold.repeat, fold.number)
    checkpoint = None if work is None else _checkpoint(fold_stem(work, fold.repeat, fold.number))
    watched = fold.validation if len(fold.validation) else fold.test
    fitted = learner.fit(fold.train, seed=seed, watched=watched, checkpoint=checkpoint)
    tested, validated = (_answers(plan, learner, fitted, fold, rows) for rows in (fold.test, fold.validation))
    if checkpoint is not None:
        checkpoint.remove()
    history = tuple({"inner": 0, **row} for row in fitted.history)
    return KeptFold(fold.repeat, fold.number, tested, validated, fitted.epochs, history), fitted


def _checkpoint(stem: Path) -> Checkpoint:
    """Return where an unfinished fit is kept."""
    return Checkpoint(stem.with_name(f"{stem.name}.fit.npz"))


def _answers(
    plan: BagPlan, learner: BagLearner, fitted: FittedBags, fold: Fold, rows: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Return the logits of all learners for some slides; nothing when there are none."""
    if not len(rows):
        return {}
    pooled = {"mean": plan.bags.means, "max": plan.bags.maxima}
    answers = {NETWORK: learner.logits(fitted, rows)}
    for name in plan.baselines:
        values = pooled.get(name, plan.bags.means)
        answers[name] = baseline_logits(
            name,
            values[fold.train],
            plan.cohort.codes[fold.train],
            values[rows],
            classes=plan.task.classes,
            kind=plan.task.kind,
        )
    return answers


def _on_all_rows(
    plan: BagPlan, learner: BagLearner, folds: Sequence[KeptFold], work: Path | None
) -> tuple[Final, NDArray[np.float64]]:
    """Fit on all slides, for as many epochs as in the folds, and calibrate on the out-of-fold slides of all folds."""
    everything = np.arange(len(plan.table))
    checkpoint = None if work is None else _checkpoint(work / "fold-all")
    fitted = learner.fit(everything, seed=seed_of(plan.study.training.seed), checkpoint=checkpoint)
    rows, logits = out_of_fold(plan, folds, learner=NETWORK)
    decision = decide_all(plan, rows, logits)
    final = Final(learner.model(fitted), decision, rows=everything, calibration_rows=rows, epochs=fitted.epochs)
    return final, decision.calibrated(logits, kind=plan.task.kind)
