"""The ways to average a network's answers, and the choice between them: what costs more must show its gain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cancernet.estimate import Estimate
from cancernet.metrics import paired_difference
from cancernet.studies.patches.plan import PatchPlan
from cancernet.studies.pooled import pool
from cancernet.studies.results import FoldResult

__all__ = ["MAIN", "NAMES", "Tried", "Way", "choose_way", "views_asked", "ways_asked"]

MAIN = {"binary": "auroc", "multiclass": "macro_auroc", "ordinal": "quadratic_kappa"}
"""The metric that a study is known by, by task."""
NAMES = {
    **{"auroc": "AUROC", "macro_auroc": "macro AUROC", "quadratic_kappa": "quadratic kappa"},
    "nll": "the logarithmic loss",
}
_DECIDES = MAIN | {"ordinal": "nll"}  # kappa only knows the answers, and is too coarse to tell two ways apart
_LOWER_IS_BETTER = ("nll",)
_VIEWS = {"auto": ("none", "dihedral"), "none": ("none",), "dihedral": ("dihedral",)}

Results = Sequence[FoldResult]


@dataclass(frozen=True)
class Way:
    """How answers are averaged.

    Parameters
    ----------
    ensemble
        Over several networks, as `ensemble_rows` says.
    test_time
        Over views of a patch, as in `Execution`: "none" or "dihedral".
    """

    ensemble: bool = False
    test_time: str = "none"

    @property
    def name(self) -> str:
        """Its name among the learners of a fold."""
        return f"ensemble+{self.test_time}" if self.ensemble else self.test_time


@dataclass(frozen=True)
class Tried:
    """A way to average that was tried on the out-of-fold rows: what it changed, and whether it is used."""

    what: str  # "test_time" or "ensemble"
    metric: str
    gain: Estimate
    used: bool

    def words(self, members: int) -> str:
        """Return what averaging gains, and whether it is used."""
        over = "the 8 rotations and flips" if self.what == "test_time" else f"{members} networks"
        numbers = "an unknown amount" if self.gain.value is None else f"{self.gain.value:+.4f}"
        if self.gain.low is not None and self.gain.high is not None:
            numbers += f" ({self.gain.low:+.4f} to {self.gain.high:+.4f})"
        unused = "which does not exclude zero on the better side, so it is not used"
        so = "so it is used" if self.used else unused
        return f"Averaging over {over} changes {NAMES[self.metric]} by {numbers}, {so}."


def views_asked(plan: PatchPlan) -> tuple[str, ...]:
    """Return the ways to look at a patch that are tried."""
    return _VIEWS[plan.study.training.test_time]


def ways_asked(plan: PatchPlan) -> tuple[Way, ...]:
    """Return all ways to average that are tried."""
    ensembles = (False, True) if plan.study.training.ensemble > 1 else (False,)
    return tuple(Way(ensemble, view) for ensemble in ensembles for view in views_asked(plan))


def choose_way(plan: PatchPlan, conclude: Callable[[Way], Results]) -> tuple[Way, Results, tuple[Tried, ...]]:
    """Return how answers are averaged, the results, and what was tried.

    Averaging multiplies the time of every prediction, so that each of its kinds must show its gain: the paired interval
    over the same groups excludes zero. Views are tried first, then the ensemble with the views that were chosen.
    """
    views = views_asked(plan)
    best = Way(test_time=views[0])
    results, tried = conclude(best), []
    changes: list[dict[str, Any]] = [{"test_time": view} for view in views[1:]]
    changes += [{"ensemble": True}] if plan.study.training.ensemble > 1 else []
    for change in changes:
        other = replace(best, **change)
        found = conclude(other)
        tried.append(_tried(plan, next(iter(change)), found, results))
        if tried[-1].used:
            best, results = other, found
    return best, results, tuple(tried)


def _tried(plan: PatchPlan, what: str, new: Results, old: Results) -> Tried:
    """Return what a change gains."""
    metric = _DECIDES[plan.task.kind]
    scored = [pool(plan, results).scored for results in (new, old)]
    gain = paired_difference(*scored, metrics=(metric,), draws=plan.study.report.draws)[metric]
    return Tried(what, metric, gain, used=_is_better(gain, lower=metric in _LOWER_IS_BETTER))


def _is_better(change: Estimate, *, lower: bool) -> bool:
    """Return whether the interval of a change lies on the better side of zero."""
    if change.low is None or change.high is None:
        return False
    return change.high < 0 if lower else change.low > 0
