"""From folds to pooled test rows: answers of each learner, scored at the study's rule and at all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision
from cancernet.data import Medians
from cancernet.estimate import Estimate
from cancernet.explain import Importance, importance_from_permuted
from cancernet.metrics import RULES, Scored, measure, measure_answers
from cancernet.predict import Cases, decide_parts, join_cases
from cancernet.studies.calibrate import with_rule
from cancernet.studies.plan import Plan
from cancernet.studies.results import NETWORK, FoldResult

__all__ = [
    "Pool",
    "fold_metrics",
    "importance",
    "operating_points",
    "pool",
    "rules_of",
    "scored_cases",
    "validation_scores",
]


@dataclass(frozen=True, eq=False)
class Pool:
    """The test rows of all folds, one after the other.

    Parameters
    ----------
    rows
        Row numbers in the table, (m,); with repeats a row occurs once per repeat.
    fold
        Name of the fold of each, (m,): "1" to "5", with repeats "1.1" to "5.5" (repeat.fold).
    cases
        Answers of one learner.
    scored
        The same beside the truth.
    """

    rows: NDArray[np.int64]
    fold: NDArray[np.str_]
    cases: Cases
    scored: Scored


def pool(plan: Plan, results: Sequence[FoldResult], learner: str = NETWORK) -> Pool:
    """Return the answers of one learner for the test rows of all folds."""
    tests = [fold.test for fold in plan.split.folds]
    parts = [_cases(plan, result, learner, rows, rule=None) for result, rows in zip(results, tests, strict=True)]
    cases, rows = join_cases(parts), np.concatenate(tests)
    names = [_fold_name(plan, result) for result in results]
    fold = np.repeat(names, [len(test) for test in tests])
    scored = replace(
        scored_cases(plan, rows, cases), cuts=_cuts([result.answers[learner].decision for result in results], tests)
    )
    return Pool(rows, fold, cases, scored)


def _cuts(decisions: Sequence[Decision], tests: Sequence[NDArray[np.int64]]) -> NDArray[np.float64] | None:
    """Return the cut points of grades of each test row, (rows, grades - 1); None where the nearest one is answered."""
    parts = [
        np.tile(decision.grades.values, (len(test), 1))
        for decision, test in zip(decisions, tests, strict=True)
        if decision.grades is not None
    ]
    return np.concatenate(parts) if len(parts) == len(tests) else None


def scored_cases(plan: Plan, rows: NDArray[np.int64], cases: Cases) -> Scored:
    """Return answers beside the truth of their rows."""
    return Scored(
        truth=plan.cohort.codes[rows],
        probabilities=cases.probabilities,
        predicted=cases.predicted,
        groups=plan.cohort.groups[rows],
        classes=plan.task.classes,
        positive=plan.task.positive,
        sets=cases.sets,
        abstained=cases.abstained,
        ordered=plan.task.kind == "ordinal",
    )


def fold_metrics(plan: Plan, pooled: Pool) -> tuple[dict[str, Estimate], ...]:
    """Return the metrics of each fold, in order."""
    draws = plan.study.report.draws
    order = list(dict.fromkeys(pooled.fold.tolist()))
    return tuple(measure(pooled.scored.take(pooled.fold == name), draws=draws) for name in order)


def operating_points(
    plan: Plan, results: Sequence[FoldResult], pooled: Pool, thresholds: dict[str, float]
) -> dict[str, dict[str, Estimate]]:
    """Return the threshold metrics of the network at every rule.

    Each fold uses the threshold that the rule chose on its own calibration rows; "threshold" states the one that the
    bundle would use.
    """
    points = {}
    for rule, threshold in thresholds.items():
        tests = [fold.test for fold in plan.split.folds]
        pairs = zip(results, tests, strict=True)
        predicted = np.concatenate([_cases(plan, result, NETWORK, rows, rule=rule).predicted for result, rows in pairs])
        answered = replace(pooled.scored, predicted=predicted, sets=None, abstained=None)
        found = measure_answers(answered, draws=plan.study.report.draws)
        points[rule] = {"threshold": _bare(threshold, pooled.scored), **found}
    return points


def rules_of(plan: Plan) -> tuple[str, ...]:
    """Return the rules to report: the study's first, then the usual ones; none without a positive class."""
    if plan.task.positive is None:
        return ()
    return tuple(dict.fromkeys((plan.study.report.threshold, *RULES)))


def validation_scores(plan: Plan, results: Sequence[FoldResult]) -> dict[str, Estimate] | None:
    """Return the metrics of the network on the validation rows it was calibrated on; None for k-fold splits."""
    if plan.split.kind != "held-out" or not len(plan.split.folds[0].validation):
        return None
    rows, answer = results[0].calibration_rows, results[0].answers[NETWORK]
    values = _filled(plan, 0, rows)
    cases = decide_parts(answer.decision, plan.task, logits=answer.calibration, values=values)
    return measure(scored_cases(plan, rows, cases), draws=plan.study.report.draws)


def importance(plan: Plan, results: Sequence[FoldResult], pooled: Pool) -> Importance:
    """Return the permutation importance of the columns on the pooled test rows, each by the network of its fold."""
    if not len(results[0].permuted):
        return ()
    permuted = np.concatenate([result.permuted for result in results], axis=2)
    names = plan.table.feature_names
    return importance_from_permuted(pooled.scored, permuted, features=names, draws=plan.study.report.draws)


def _cases(plan: Plan, result: FoldResult, learner: str, rows: NDArray[np.int64], *, rule: str | None) -> Cases:
    """Return the answers of one learner in one fold, at the study's rule or at another."""
    answer = result.answers[learner]
    decision = answer.decision
    if rule is not None:
        calibrated = decision.calibrated(answer.calibration, kind=plan.task.kind)
        truth = plan.cohort.codes[result.calibration_rows]
        decision = with_rule(decision, rule, calibrated, truth, task=plan.task)
    index = [(fold.repeat, fold.number) for fold in plan.split.folds].index((result.repeat, result.number))
    values, names = _filled(plan, index, rows), plan.view(plan.split.folds[index].train).table.feature_names
    return decide_parts(decision, plan.task, logits=answer.logits, values=values, names=names)


def _filled(plan: Plan, index: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return rows with gaps filled by the medians of a fold's training rows."""
    train = plan.split.folds[index].train
    cohort = plan.view(train).cohort
    return cohort.filled(rows, Medians.fit(cohort.values[train]))


def _fold_name(plan: Plan, result: FoldResult) -> str:
    """Return '3', or '2.3' when there are repeats."""
    prefix = f"{result.repeat + 1}." if plan.split.repeats > 1 else ""
    return f"{prefix}{result.number + 1}"


def _bare(threshold: float, scored: Scored) -> Estimate:
    """Return a threshold, which is chosen and not measured, as an estimate without interval."""
    return Estimate(threshold, None, None, len(scored), scored.group_count, "chosen", "a threshold has no interval")
