"""All fits of a study of patches: the folds, the choice of how answers are averaged, the network of the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.studies.decide import conclude, decide_all, limits_of, out_of_fold
from cancernet.studies.final import Final, Fitted
from cancernet.studies.kept import KeptFold
from cancernet.studies.patches.folds import fit_folds
from cancernet.studies.patches.leak import price_in_words, price_of_leak
from cancernet.studies.patches.members import Fits, fit_alone, fit_ensemble
from cancernet.studies.patches.plan import PatchPlan
from cancernet.studies.patches.ways import MAIN, NAMES, Tried, Way, choose_way
from cancernet.studies.pooled import pool
from cancernet.studies.progress import Counter
from cancernet.studies.results import NETWORK, FoldResult
from cancernet.training import FittedPatches, PatchLearner, seed_of

__all__ = ["fit_patches"]


def fit_patches(plan: PatchPlan, counter: Counter, *, work: Path | None) -> Fitted:
    """Fit all folds and the bundle's network; what lies in `work` is not fitted again.

    Every fold is fitted once, for all epochs. Its decision is made on the out-of-fold rows of the other folds, which a
    nested cross-validation would do with five times as many fits.
    """
    learner = plan.learner(counter.advance)
    folds, last = fit_folds(plan, learner, work=work, finished=counter.reach)
    limits = limits_of(plan)
    way, results, tried = choose_way(plan, lambda way: conclude(plan, folds, view=way.name, limits=limits))
    final, calibrated = _final(plan, learner, results, folds=folds, way=way, last=last, work=work)
    counter.reach(plan.fits)
    members = plan.study.training.ensemble
    statements = tuple(one.words(members) for one in tried)
    extra = _told(tried, way, members)
    if plan.leaky is not None:
        price = _price(plan, plan.leaky, learner, results=results, way=way, work=work)
        statements = (price_in_words(price, names=NAMES), *statements)
        extra["price_of_leak"] = {name: estimate.to_dict() for name, estimate in price.items()}
    return Fitted(results, final, calibrated, statements, extra)


def _told(tried: Sequence[Tried], way: Way, members: int) -> dict[str, Any]:
    """Return what `metrics.json` holds of the ways that were tried."""
    used: dict[str, Any] = {"test_time": way.test_time, "ensemble": members if way.ensemble else 1}
    return {one.what: {"used": used[one.what], "metric": one.metric, "gain": one.gain.to_dict()} for one in tried}


def _price(
    plan: PatchPlan,
    leaky: PatchPlan,
    learner: PatchLearner,
    *,
    results: Sequence[FoldResult],
    way: Way,
    work: Path | None,
) -> dict[str, Estimate]:
    """Fit the folds of the leaky split too, and return what they seem to gain on the same images."""
    place = None if work is None else work / "leaky"
    if place is not None:
        place.mkdir(exist_ok=True)
    folds, _ = fit_folds(leaky, learner, work=place, finished=lambda done: None)
    found = conclude(leaky, folds, view=way.name, limits=limits_of(leaky))
    return price_of_leak(
        pool(leaky, found),
        pool(plan, results),
        metrics=(MAIN[plan.task.kind], "accuracy"),
        draws=plan.study.report.draws,
    )


def _final(
    plan: PatchPlan,
    learner: PatchLearner,
    results: Sequence[FoldResult],
    *,
    folds: Sequence[KeptFold],
    way: Way,
    last: Fits | None,
    work: Path | None,
) -> tuple[Final, NDArray[np.float64]]:
    """Return the network of the bundle and the calibrated probabilities of its calibration rows."""
    if plan.split.kind == "held-out" and last is not None:
        answer, train, fits = results[0].answers[NETWORK], plan.split.folds[0].train, last.of(way)
        rows, logits, decision = results[0].calibration_rows, answer.calibration, answer.decision
    else:
        train = np.arange(len(plan.table))
        fits = _on_all_rows(plan, learner, way, work)
        rows, logits = out_of_fold(plan, folds, learner=way.name)
        decision = decide_all(plan, rows, logits)
    final = Final(
        learner.model(fits),
        decision,
        rows=train,
        calibration_rows=rows,
        epochs=fits[0].epochs,
        test_time=way.test_time,
        networks=len(fits),
    )
    return final, decision.calibrated(logits, kind=plan.task.kind)


def _on_all_rows(plan: PatchPlan, learner: PatchLearner, way: Way, work: Path | None) -> tuple[FittedPatches, ...]:
    """Fit on all rows, for as many epochs as in the folds, what the chosen way averages."""
    rows, seed = np.arange(len(plan.table)), seed_of(plan.study.training.seed)
    stem = None if work is None else work / "fold-all"
    if way.ensemble:
        return fit_ensemble(plan, learner, rows, seed=seed, stem=stem)
    return (fit_alone(learner, rows, seed=seed, stem=stem),)
