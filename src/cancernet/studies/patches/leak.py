"""What a leak is worth: the same study with copies on two sides of its split, and without, on the same images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cancernet.estimate import Estimate
from cancernet.metrics import Scored, paired_difference
from cancernet.patches import Pack, join_groups
from cancernet.studies.pooled import Pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["joined", "price_in_words", "price_of_leak"]


def joined(pack: Pack) -> tuple[Pack, int]:
    """Return the pack with groups that share copies as one group, and how many groups that were."""
    groups = join_groups(pack)
    gone = set(pack.patches.groups.tolist()) - set(groups.tolist())
    touched = len(gone) + len(np.unique(groups[np.isin(pack.patches.groups, list(gone))]))
    return replace(pack, patches=replace(pack.patches, groups=groups)), touched


def price_of_leak(leaky: Pool, honest: Pool, *, metrics: tuple[str, ...], draws: int) -> dict[str, Estimate]:
    """Return leaky minus honest for each metric, with intervals over the groups of the honest split.

    Parameters
    ----------
    leaky, honest
        Test rows of the two splits; the same rows, each tested by a network that did or did not see copies of it.
    metrics
        Names.
    draws
        Of the bootstrap.
    """
    first, second = _in_order(leaky), _in_order(honest)
    return paired_difference(replace(first, groups=second.groups), second, metrics=metrics, draws=draws)


def price_in_words(price: dict[str, Estimate], *, names: dict[str, str]) -> str:
    """Return what the leak seems to gain, in a sentence."""
    parts = [f"{names.get(name, name)} {_signed(estimate)}" for name, estimate in price.items()]
    return (
        f"The price of the leak: with copies on two sides the same study shows {', '.join(parts)} (leaky minus honest, "
        "95 % intervals); the numbers here are the honest ones."
    )


def _in_order(pooled: Pool) -> Scored:
    """Return the test rows in the order of their numbers."""
    order: NDArray[np.int64] = np.argsort(pooled.rows, kind="stable")
    return pooled.scored.take(order)


def _signed(estimate: Estimate) -> str:
    """Return '+0.031 (+0.012 to +0.050)'."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate.format()
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"
