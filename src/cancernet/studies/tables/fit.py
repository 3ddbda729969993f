"""All fits of a study of a table: the folds, and the network of the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.data import Fold
from cancernet.studies.calibrate import fit_limits
from cancernet.studies.final import Final, Fitted, final_of_tested
from cancernet.studies.progress import Counter
from cancernet.studies.results import NETWORK, FoldResult
from cancernet.studies.tables.folds import load_fold, run_fold, save_fold
from cancernet.studies.tables.learners import Learner
from cancernet.studies.tables.plan import TablePlan
from cancernet.studies.tables.recipe import follow_recipe
from cancernet.training import seed_of

__all__ = ["fit_table"]


def fit_table(plan: TablePlan, counter: Counter, *, work: Path | None) -> Fitted:
    """Fit all folds and the bundle's network; finished folds in `work` are not fitted again."""
    learners = plan.learners(counter.advance)
    results, last = _all_folds(plan, learners, counter, work)
    network: Any = learners[NETWORK]  # the only learner that is a network
    if plan.split.kind == "held-out":
        return Fitted(results, *final_of_tested(plan, results[0], model=network.model(last)))
    final, calibrated = _on_all_rows(plan, network)
    counter.reach(plan.fits)
    return Fitted(results, final, calibrated)


def _all_folds(
    plan: TablePlan, learners: Mapping[str, Learner], counter: Counter, work: Path | None
) -> tuple[Sequence[FoldResult], Any]:
    """Return the results of all folds, and what the network learnt in the last one that was fitted here."""
    results, fitted = [], None
    per_fold = plan.fits // (len(plan.split.folds) + (plan.split.kind == "k-fold"))
    for number, fold in enumerate(plan.split.folds, start=1):
        result = load_fold(work, fold) if work is not None and plan.split.kind == "k-fold" else None
        if result is None:
            result, fitted = run_fold(plan, fold, learners)
            if work is not None:
                save_fold(work, result)
        results.append(result)
        counter.reach(per_fold * number)
    return tuple(results), fitted


def _on_all_rows(plan: TablePlan, learner: Any) -> tuple[Final, np.ndarray[Any, np.dtype[np.float64]]]:
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
    return final, decision.calibrated(made.logits, kind=plan.task.kind)
