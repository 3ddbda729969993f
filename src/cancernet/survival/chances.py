"""Chances of events in intervals of time, from logits; logits moved until their level is right. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["chances", "free_hazard", "level_members", "level_shift"]

Floats = NDArray[np.float64]

_ROUNDS, _CLOSE = 200, 1e-10


def chances(logits: Floats, causes: int = 1) -> Floats:
    """Return the chance of each cause in each interval, for one who is free before, (n, intervals, causes).

    Parameters
    ----------
    logits
        Shape (n, intervals * causes): against no event, the causes of an interval side by side. Of one cause the chance
        is the logistic function.
    causes
        How many.
    """
    apart = _apart(logits, causes)
    chance: Floats = np.exp(apart - free_hazard(logits, causes)[:, :, None])
    return chance


def free_hazard(logits: Floats, causes: int = 1) -> Floats:
    """Return minus the logarithm of the chance to pass each interval without any event, (n, intervals)."""
    hazard: Floats = np.logaddexp(0.0, np.logaddexp.reduce(_apart(logits, causes), axis=2))
    return hazard


def level_shift(logits: Floats, targets: NDArray[np.float32], causes: int = 1) -> Floats:
    """Return by how much to move all logits of a cause so that as many events are expected as were seen, (width,).

    Parameters
    ----------
    logits
        Shape (n, width), of networks that have not seen the rows.
    targets
        Shape (n, intervals): see `hazard_targets`.
    causes
        How many; width is intervals * causes.
    """
    looked = targets >= 0
    seen = np.array([(targets == code).sum() for code in range(1, causes + 1)], dtype=np.float64)
    shift = np.zeros(causes)
    for _ in range(_ROUNDS):
        moved = chances(logits + np.tile(shift, targets.shape[1]), causes)
        step = np.log(seen / (moved * looked[:, :, None]).sum(axis=(0, 1)))
        shift += step
        if np.abs(step).max() < _CLOSE:
            break
    return np.tile(shift, targets.shape[1])


def level_members(each: Sequence[Floats], targets: NDArray[np.float32], causes: int = 1) -> Floats:
    """Return by how much to move the mean of the logits of networks, so that it says what they say in the mean.

    A chance that is small grows about as the exponential of its logit, so that the chance of a mean logit is below the
    mean of the chances: by 4 % on METABRIC, where five networks differ by 0.3 in a logit.

    Parameters
    ----------
    each
        Logits of each network, (n, width).
    targets
        Shape (n, intervals): which intervals each row was looked at in.
    causes
        How many.
    """
    looked = (targets >= 0)[:, :, None]
    wanted = sum((chances(logits, causes) * looked).sum(axis=0) for logits in each) / len(each)
    mean, shift = np.mean(each, axis=0), np.zeros(each[0].shape[1])
    for _ in range(_ROUNDS):
        found = (chances(mean + shift, causes) * looked).sum(axis=0)
        step = np.log(np.divide(wanted, found, out=np.ones_like(found), where=found > 0)).ravel()
        shift += step
        if np.abs(step).max() < _CLOSE:
            break
    return shift


def _apart(logits: Floats, causes: int) -> Floats:
    """Return logits of shape (n, intervals, causes)."""
    return logits.reshape(len(logits), -1, causes)
