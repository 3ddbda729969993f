"""All fits of a study of patches: the folds, the choice of how answers are averaged, the network of the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold
from cancernet.estimate import Estimate
from cancernet.metrics import paired_difference
from cancernet.studies.calibrate import calibrate, fit_limits
from cancernet.studies.final import Final, Fitted
from cancernet.studies.patches.decide import conclude, limits_of, out_of_fold
from cancernet.studies.patches.folds import PatchFold, fit_folds, views_asked
from cancernet.studies.patches.leak import price_in_words, price_of_leak
from cancernet.studies.patches.plan import PatchPlan
from cancernet.studies.pooled import pool
from cancernet.studies.progress import Counter
from cancernet.studies.results import NETWORK, FoldResult
from cancernet.tasks import probabilities
from cancernet.training import Checkpoint, FittedPatches, PatchLearner, seed_of

__all__ = ["fit_patches"]

_MAIN = {"binary": "auroc", "multiclass": "macro_auroc", "ordinal": "quadratic_kappa"}
_CALLED = {"auroc": "AUROC", "macro_auroc": "macro AUROC", "quadratic_kappa": "quadratic kappa"}


def fit_patches(plan: PatchPlan, counter: Counter, *, work: Path | None) -> Fitted:
    """Fit all folds and the bundle's network; what lies in `work` is not fitted again.

    Every fold is fitted once, for all epochs. Its decision is made on the out-of-fold rows of the other folds, which a
    nested cross-validation would do with five times as many fits.
    """
    learner = plan.learner(counter.advance)
    folds, last = fit_folds(plan, learner, work=work, finished=counter.reach)
    view, results, gain = _best_view(plan, folds)
    final, calibrated = _final(plan, learner, results, folds=folds, view=view, last=last, work=work)
    counter.reach(plan.fits)
    statements = () if gain is None else (_gain_words(gain, _MAIN[plan.task.kind], view),)
    extra: dict[str, Any] = {} if gain is None else {"test_time": {"used": view, "gain": gain.to_dict()}}
    if plan.leaky is not None:
        price = _price(plan, plan.leaky, learner, results=results, view=view, work=work)
        statements = (price_in_words(price, names=_CALLED), *statements)
        extra["price_of_leak"] = {name: estimate.to_dict() for name, estimate in price.items()}
    return Fitted(results, final, calibrated, statements, extra)


def _price(
    plan: PatchPlan,
    leaky: PatchPlan,
    learner: PatchLearner,
    *,
    results: Sequence[FoldResult],
    view: str,
    work: Path | None,
) -> dict[str, Estimate]:
    """Fit the folds of the leaky split too, and return what they seem to gain on the same images."""
    place = None if work is None else work / "leaky"
    if place is not None:
        place.mkdir(exist_ok=True)
    folds, _ = fit_folds(leaky, learner, work=place, finished=lambda done: None)
    found = conclude(leaky, folds, view=view, limits=limits_of(leaky))
    return price_of_leak(
        pool(leaky, found),
        pool(plan, results),
        metrics=(_MAIN[plan.task.kind], "accuracy"),
        draws=plan.study.report.draws,
    )


def _best_view(plan: PatchPlan, folds: Sequence[PatchFold]) -> tuple[str, Sequence[FoldResult], Estimate | None]:
    """Return how answers are averaged, the results, and what averaging gains where both ways were tried.

    Averaging over rotations and flips takes eight times as long, so it must show its gain: the paired interval over the
    same groups excludes zero.
    """
    limits, views = limits_of(plan), views_asked(plan)
    results = {view: conclude(plan, folds, view=view, limits=limits) for view in views}
    if len(views) == 1:
        return views[0], results[views[0]], None
    main, (plain, turned) = _MAIN[plan.task.kind], views
    scored = [pool(plan, results[view]).scored for view in (turned, plain)]
    gain = paired_difference(*scored, metrics=(main,), draws=plan.study.report.draws)[main]
    best = turned if gain.low is not None and gain.low > 0 else plain
    return best, results[best], gain


def _final(
    plan: PatchPlan,
    learner: PatchLearner,
    results: Sequence[FoldResult],
    *,
    folds: Sequence[PatchFold],
    view: str,
    last: FittedPatches | None,
    work: Path | None,
) -> tuple[Final, NDArray[np.float64]]:
    """Return the network of the bundle and the calibrated probabilities of its calibration rows."""
    if plan.split.kind == "held-out" and last is not None:
        answer, train = results[0].answers[NETWORK], plan.split.folds[0].train
        rows, logits, decision = results[0].calibration_rows, answer.calibration, answer.decision
    else:
        train = np.arange(len(plan.table))
        last = _on_all_rows(plan, learner, work)
        rows, logits = out_of_fold(plan, folds, learner=view)
        decision = _decision(plan, rows, logits)
    model = learner.model(last)
    final = Final(model, decision, rows=train, calibration_rows=rows, epochs=last.epochs, test_time=view)
    return final, probabilities(logits, decision.temperature, kind=plan.task.kind)


def _on_all_rows(plan: PatchPlan, learner: PatchLearner, work: Path | None) -> FittedPatches:
    """Fit on all rows for as many epochs as in the folds."""
    checkpoint = None if work is None else Checkpoint(work / "fold-all.fit.npz")
    return learner.fit(np.arange(len(plan.table)), seed=seed_of(plan.study.training.seed), checkpoint=checkpoint)


def _decision(plan: PatchPlan, rows: NDArray[np.int64], logits: NDArray[np.float64]) -> Any:
    """Return the decision of the bundle: fitted on out-of-fold rows, with the limits of all rows."""
    cohort, training = plan.cohort, plan.study.training
    where = f"out-of-fold rows of all folds ({len(rows)})"
    decision = calibrate(
        logits, cohort.codes[rows], cohort.groups[rows], task=plan.task, report=plan.study.report, where=where
    )
    nothing = np.arange(0)
    fold = Fold(0, 0, train=np.arange(len(plan.table)), validation=nothing, test=nothing)
    _, novelty = fit_limits(cohort, fold, inner_folds=training.inner_folds, seed=seed_of(training.seed))
    return decision.model_copy(update={"novelty": novelty})


def _gain_words(gain: Estimate, metric: str, view: str) -> str:
    """Return what averaging over rotations and flips gains, and whether it is used."""
    numbers = "an unknown amount" if gain.value is None else f"{gain.value:+.4f}"
    if gain.low is not None and gain.high is not None:
        numbers += f" ({gain.low:+.4f} to {gain.high:+.4f})"
    used = (
        "so it is used" if view == "dihedral" else "which does not exclude zero on the better side, so it is not used"
    )
    return f"Averaging over the 8 rotations and flips changes {_CALLED[metric]} by {numbers}, {used}."
