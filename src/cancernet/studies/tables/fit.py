"""All fits of a study of a table: the folds, and the network of the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    learnt = _Learners(plan, counter)
    results, last = _all_folds(plan, learnt, counter, work)
    if plan.split.kind == "held-out":
        network: Any = learnt.of(plan.split.folds[0].train)[1][NETWORK]  # the only learner that is a network
        return Fitted(results, *final_of_tested(plan, results[0], model=network.model(last)), extra=plan.extra())
    final, calibrated = _on_all_rows(plan, learnt)
    counter.reach(plan.fits)
    return Fitted(results, final, calibrated, extra=plan.extra())


class _Learners:
    """The learners of each view of a plan; those of the last one are kept, for a network is slow to compile."""

    def __init__(self, plan: TablePlan, counter: Counter) -> None:
        self._plan, self._counter = plan, counter
        self._last: tuple[TablePlan, Mapping[str, Learner]] | None = None

    def of(self, rows: NDArray[np.int64]) -> tuple[TablePlan, Mapping[str, Learner]]:
        """Return the plan as who has learnt from these rows sees it, and its learners."""
        view = self._plan.view(rows)
        if self._last is None or self._last[0] is not view:
            self._last = view, view.learners(self._counter.advance)
        return self._last


def _all_folds(
    plan: TablePlan, learnt: _Learners, counter: Counter, work: Path | None
) -> tuple[Sequence[FoldResult], Any]:
    """Return the results of all folds, and what the network learnt in the last one that was fitted here."""
    results, fitted = [], None
    per_fold = plan.fits // (len(plan.split.folds) + (plan.split.kind == "k-fold"))
    for number, fold in enumerate(plan.split.folds, start=1):
        result = load_fold(work, fold) if work is not None and plan.split.kind == "k-fold" else None
        if result is None:
            view, learners = learnt.of(fold.train)
            result, fitted = run_fold(view, fold, learners)
            if work is not None:
                save_fold(work, result)
        results.append(result)
        counter.reach(per_fold * number)
    return tuple(results), fitted


def _on_all_rows(whole: TablePlan, learnt: _Learners) -> tuple[Final, NDArray[np.float64]]:
    """Follow the recipe on all rows."""
    everything, nothing = np.arange(len(whole.table)), np.arange(0)
    plan, learners = learnt.of(everything)
    learner: Any = learners[NETWORK]
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
