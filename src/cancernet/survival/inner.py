"""Folds inside the training rows, by patient: what is chosen in them has not seen a test row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.outcome import Outcome

__all__ = ["inner_folds"]


def inner_folds(outcome: Outcome, groups: NDArray[np.generic], *, folds: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the rows of each fold: shuffled groups are dealt out, those with an event first, so that all have some."""
    _, codes = np.unique(groups, return_inverse=True)
    with_event = np.bincount(codes, weights=outcome.event) > 0
    if with_event.sum() < folds:
        raise InvalidInput(
            f"{int(with_event.sum())} patients with an event for {folds} inner folds",
            "One in each fold at least",
            "Give a penalty, or take fewer inner folds",
        )
    order = np.random.default_rng(seed).permutation(len(with_event))
    order = order[np.argsort(~with_event[order], kind="stable")]
    dealt = np.empty(len(order), dtype=np.int64)
    dealt[order] = np.arange(len(order)) % folds
    return [np.flatnonzero(dealt[codes] == fold) for fold in range(folds)]
