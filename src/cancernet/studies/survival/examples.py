"""The curves of three test patients, with bands that tell how sure they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold, Medians
from cancernet.studies.survival.models import Model, fit_rows
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.survival import CoxModel, CoxOptions, Example, answer

__all__ = ["make_examples"]

Floats = NDArray[np.float64]

_SHOWN = (0.1, 0.5, 0.9)  # of the risks: whose curves are shown
_REFITS, _FEW, _WIDE = 100, 25, 60  # models for the band; of more columns than the last number fewer


def make_examples(
    plan: SurvivalPlan, model: Model, fold: Fold, *, medians: Medians, risk: Floats
) -> tuple[Example, ...]:
    """Return the curves of test patients of low, middle and high risk, with their bands.

    The band holds the middle 95 % of the curves of models that were fitted, with the same penalty, on training patients
    drawn with replacement: how far the curve would have been another one had other patients been in the study. Of
    networks it holds all that the answer is the mean of, each fitted without another part of the patients.

    Parameters
    ----------
    plan, model, fold, medians
        The study, what a fold fitted, and the medians of its training rows.
    risk
        Of its test rows.
    """
    places = np.argsort(risk, kind="stable")[[int(share * (len(risk) - 1)) for share in _SHOWN]]
    shown = medians.apply(plan.table.values[fold.test[places]])
    times = np.append(0.0, plan.grid)
    if isinstance(model, CoxModel):
        drawn = np.array([one.survival(shown, times) for one in _refitted(plan, fold, medians, model.penalty)])
        low, high = np.nanquantile(drawn, (0.025, 0.975), axis=0)
    else:
        each = [answer(model.part, logits, times=times.tolist()).survival for logits in model.each(shown)]
        low, high = np.min(each, axis=0), np.max(each, axis=0)
    curves, ids = model.survival(shown, times), plan.table.ids[fold.test[places]]
    return tuple(Example(str(ids[row]), times, curves[row], low[row], high[row]) for row in range(len(places)))


def _refitted(plan: SurvivalPlan, fold: Fold, medians: Medians, penalty: float) -> Iterator[CoxModel]:
    """Yield models of resampled training patients."""
    l1_ratio = plan.study.model.l1_ratio if isinstance(plan.study.model, CoxOptions) else 0.0
    options = CoxOptions(l1_ratio=l1_ratio, penalty=penalty)
    train = np.concatenate([fold.train, fold.validation])
    members = _members(plan.table.groups[train])
    generator = np.random.default_rng(plan.study.training.seed)
    for _ in range(_REFITS if plan.table.values.shape[1] <= _WIDE else _FEW):
        drawn = generator.integers(0, len(members), size=len(members))
        rows = train[np.concatenate([members[place] for place in drawn.tolist()])]
        yield fit_rows(plan, medians.apply(plan.table.values[rows]), rows, options=options, seed=0)


def _members(groups: NDArray[np.str_]) -> list[NDArray[np.int64]]:
    """Return the rows of each group."""
    _, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])
