"""From pooled results to the record that the report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cancernet.bundle import Decision, Task
from cancernet.estimate import Estimate
from cancernet.metrics import Scored, measure, paired_difference, predictive_values
from cancernet.report import Importance, RunRecord, rival
from cancernet.studies.card import GENERAL_LIMITS, licence_of, versions
from cancernet.studies.final import Final, Fitted
from cancernet.studies.plan import Plan
from cancernet.studies.pooled import Pool, fold_metrics, importance, operating_points, pool, validation_scores
from cancernet.studies.results import FoldResult
from cancernet.studies.sections import ReportOptions
from cancernet.studies.words import abstention_sentence, calibration_sentence, comparison_sentence, coverage_sentence

__all__ = ["at_prevalences", "judged_metrics", "make_record", "result_sentences", "strongest_baseline"]


def make_record(plan: Plan, fitted: Fitted, pooled: Pool, *, thresholds: dict[str, float], seconds: float) -> RunRecord:
    """Return everything that page, figures and `metrics.json` show.

    Parameters
    ----------
    plan, fitted, pooled
        The study, its fits, and the network's pooled test rows.
    thresholds
        Of the bundle, by rule.
    seconds
        That fitting took.
    """
    report, results, final = plan.study.report, fitted.results, fitted.final
    metrics = measure(pooled.scored, draws=report.draws)
    baselines = {name: pool(plan, results, name).scored for name in plan.baselines}
    differences = {
        name: paired_difference(pooled.scored, scored, draws=report.draws) for name, scored in baselines.items()
    }
    threshold = final.decision.threshold
    return RunRecord(
        name=plan.study.name,
        kind="train",
        title=plan.study.title or plan.study.name,
        scored=pooled.scored,
        metrics=metrics,
        facts=_facts(plan, results, final, seconds),
        statements=(*result_sentences(metrics, differences, report, plan.task), *fitted.statements),
        data_notes=plan.notes(),
        validation=validation_scores(plan, results),
        folds=fold_metrics(plan, pooled),
        operating_points=operating_points(plan, results, pooled, thresholds),
        threshold=None if threshold is None else threshold.value,
        threshold_rule=report.threshold if threshold is not None else "",
        baselines={name: measure(scored, draws=report.draws) for name, scored in baselines.items()},
        baseline_scored=baselines,
        differences=differences,
        leak_audit=plan.audit.to_dict(),
        leak_sentences=plan.audit.sentences(),
        history=_history(results),
        importance=tuple(Importance(name, estimate) for name, estimate in importance(plan, results, pooled)),
        importance_metric="auroc" if plan.task.positive is not None else "accuracy",
        prevalence=at_prevalences(metrics, report.prevalence, pooled.scored),
        limits=(*plan.study.limits, *GENERAL_LIMITS),
        licences=_licences(plan),
        extra_metrics=fitted.extra or {},
        **plan.shown(pooled.scored, pooled.rows),
    )


def result_sentences(
    metrics: Mapping[str, Estimate],
    differences: Mapping[str, Mapping[str, Estimate]],
    report: ReportOptions,
    task: Task,
) -> tuple[str, ...]:
    """Return the sentences that stand at the top of the report."""
    judged = judged_metrics(task)
    strongest = strongest_baseline(differences, judged[0])
    compared = (comparison_sentence(differences[strongest], rival(strongest), judged),) if strongest else ()
    return (*compared, calibration_sentence(metrics), coverage_sentence(metrics, report), abstention_sentence(metrics))


def strongest_baseline(differences: Mapping[str, Mapping[str, Estimate]], metric: str) -> str | None:
    """Return the baseline that the network leads by least in a metric; the later of equal ones, none but majority."""
    leads = {
        name: np.inf if metric not in found or found[metric].value is None else float(found[metric].value or 0.0)
        for name, found in differences.items()
        if name != "majority"
    }
    return min(reversed(leads), key=lambda name: leads[name]) if leads else None


def judged_metrics(task: Task) -> tuple[str, ...]:
    """Return the metrics by which 'better' is said."""
    first = {"binary": "auroc", "multiclass": "macro_auroc", "ordinal": "quadratic_kappa"}[task.kind]
    return (first, "accuracy")


def at_prevalences(
    metrics: Mapping[str, Estimate], shares: Sequence[float], scored: Scored
) -> dict[str, dict[str, Estimate]]:
    """Return PPV and NPV at given shares of the positive class, and at the share of these rows."""
    if not scored.binary:
        return {}
    table = {}
    for share in sorted((*shares, float(np.mean(scored.positive_truth)))):
        if 0 < share < 1:
            ppv, npv = predictive_values(metrics["sensitivity"], metrics["specificity"], share)
            table[f"{share:.4g}"] = {"ppv": ppv, "npv": npv}
    return table


def _facts(plan: Plan, results: Sequence[FoldResult], final: Final, seconds: float) -> tuple[tuple[str, str], ...]:
    """Return pairs of label and value for the page."""
    training = plan.study.training
    counts = np.bincount(plan.cohort.codes, minlength=len(plan.task.classes))
    classes = ", ".join(f"{name} {count}" for name, count in zip(plan.task.classes, counts.tolist(), strict=True))
    epochs = sorted(result.epochs for result in results)
    return (
        ("Data", plan.data_words()),
        ("Classes", classes + (f" (positive: {plan.task.positive})" if plan.task.positive else "")),
        ("Groups", f"{len(np.unique(plan.cohort.groups))}, by {_group_words(plan.table.group_column)}"),
        ("Split", _split_words(plan)),
        ("Network", plan.network_words(final.model.count_params())),
        (
            "Training",
            f"{epochs[0]} to {epochs[-1]} of {training.epochs} epochs in the folds, {final.epochs} for the bundle",
        ),
        *_grade_words(final.decision),
        ("Seeds", f"weights {training.seed}, split {plan.split.seed}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions().items())),
        ("Fitting took", f"{seconds:.0f} s"),
    )


def _grade_words(decision: Decision) -> tuple[tuple[str, str], ...]:
    """Return between which expected grades the bundle answers each one, where it is not the nearest."""
    cuts = decision.grades
    if cuts is None:
        return ()
    told = ", ".join(f"{cut:.2f}" for cut in cuts.values)
    return (("Grades", f"each answered as often as it is true on calibration rows: expected grade cut at {told}"),)


def _group_words(column: str | None) -> str:
    """Return how the groups are known."""
    return "row (each row is one case)" if column == "row" else f"column '{column}'"


def _split_words(plan: Plan) -> str:
    """Return the split in words."""
    split = plan.split
    if split.kind == "held-out":
        fold = split.folds[0]
        return (
            f"held out by group: {len(fold.train)} train, {len(fold.validation)} validation, {len(fold.test)} test rows"
        )
    folds = len(split.folds) // split.repeats
    times = f", repeated {split.repeats} times" if split.repeats > 1 else ""
    return f"{folds}-fold cross-validation by group, stratified{times}; test rows pooled over folds"


def _history(results: Sequence[FoldResult]) -> tuple[dict[str, float | int | str], ...]:
    """Return one row per repeat, fold, inner fit and epoch, counted from 1."""
    return tuple(
        {"repeat": result.repeat + 1, "fold": result.number + 1, **row} for result in results for row in result.history
    )


def _licences(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return pairs of what and licence."""
    return (("Data", licence_of(plan)), ("Weights", plan.study.licence or "not stated"))
