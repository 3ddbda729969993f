"""One fold of a study: the recipe on its training rows, for the network and its baselines, applied to its test rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision
from cancernet.data import Fold
from cancernet.explain import permuted_logits
from cancernet.studies.calibrate import fit_limits
from cancernet.studies.results import NETWORK, Answer, FoldResult, fold_stem, read_fold, report_of, write_fold
from cancernet.studies.tables.learners import Learner
from cancernet.studies.tables.plan import TablePlan
from cancernet.studies.tables.recipe import Made, follow_recipe
from cancernet.training import seed_of

__all__ = ["load_fold", "run_fold", "save_fold"]

_SHUFFLES = 5  # per column, for permutation importance


def run_fold(plan: TablePlan, fold: Fold, learners: Mapping[str, Learner]) -> tuple[FoldResult, Any]:
    """Return the result of a fold and what the network learnt (for the bundle of a held-out split)."""
    seed = seed_of(plan.study.training.seed, fold.repeat, fold.number)
    inner = plan.study.training.inner_folds
    medians, novelty = fit_limits(plan.cohort, fold, inner_folds=inner, seed=seed)
    tested = plan.cohort.filled(fold.test, medians)
    made, answers = dict[str, Made](), dict[str, Answer]()
    for name, learner in learners.items():
        report = report_of(plan.study.report, name)
        made[name] = follow_recipe(
            learner, plan.cohort, fold, task=plan.task, report=report, inner_folds=inner, seed=seed
        )
        decision = made[name].decision.model_copy(update={"novelty": novelty})
        given = learner.values[fold.test] if learner.own else tested
        answers[name] = Answer(learner.logits(made[name].fitted, given), made[name].logits, decision)
    network = made[NETWORK]
    permuted = _permuted(learners[NETWORK], network, tested, seed) if plan.permutes else np.empty((0, 0, 0, 0))
    shares = network.decision.calibrated(permuted, kind=plan.task.kind) if plan.permutes else permuted
    result = FoldResult(
        fold.repeat,
        fold.number,
        network.rows,
        answers,
        shares.astype(np.float32),
        network.fitted.epochs,
        network.history,
    )
    return result, network.fitted


def _permuted(learner: Learner, made: Made, tested: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    """Return the logits of test rows of which one column at a time is shuffled."""
    return permuted_logits(lambda rows: learner.logits(made.fitted, rows), tested, repeats=_SHUFFLES, seed=seed)


def save_fold(folder: Path, result: FoldResult) -> None:
    """Keep a fold in the partial folder of a run."""
    arrays: dict[str, NDArray[Any]] = {"calibration_rows": result.calibration_rows, "permuted": result.permuted}
    for name, answer in result.answers.items():
        arrays |= {f"{name}.logits": answer.logits, f"{name}.calibration": answer.calibration}
    decisions = {name: answer.decision.model_dump(mode="json") for name, answer in result.answers.items()}
    record = {"epochs": result.epochs, "history": result.history, "decisions": decisions}
    write_fold(fold_stem(folder, result.repeat, result.number), arrays, record)


def load_fold(folder: Path, fold: Fold) -> FoldResult | None:
    """Return a fold that `save_fold` kept, or None when it is not there."""
    return read_fold(folder, fold, lambda record, arrays: _result(fold, record, arrays))


def _result(fold: Fold, record: Any, arrays: Mapping[str, NDArray[Any]]) -> FoldResult:
    """Return the fold that JSON and arrays hold."""
    answers = {
        name: Answer(arrays[f"{name}.logits"], arrays[f"{name}.calibration"], Decision.model_validate(fields))
        for name, fields in record["decisions"].items()
    }
    history = tuple(record["history"])
    rows, permuted = arrays["calibration_rows"], arrays["permuted"]
    return FoldResult(fold.repeat, fold.number, rows, answers, permuted, record["epochs"], history)
