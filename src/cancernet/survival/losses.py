"""What networks for survival minimise, as losses on rows; targets carry the outcome. Keras only where it is called."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.models import keras_library
from cancernet.survival.outcome import Outcome

__all__ = ["hazard_loss", "hazard_targets", "interval_ends", "partial_loss", "partial_targets"]


def partial_targets(outcome: Outcome) -> NDArray[np.float32]:
    """Return for each row the rank of its time and whether the event was seen, (n, 2)."""
    rank = np.unique(outcome.time, return_inverse=True)[1]
    return np.column_stack([rank, outcome.event]).astype(np.float32)


def partial_loss(targets: Any, logits: Any) -> Any:
    """Return the negative log partial likelihood of each row of a batch by Breslow's rule for ties, (n,).

    Rows without an event have none; the sum is divided so that the mean over rows is the mean over events.

    References
    ----------
    Katzman et al. 2018, doi:10.1186/s12874-018-0482-1, eq. 4.
    """
    ops = keras_library().ops
    risk, rank, event = logits[:, 0], targets[:, 0], targets[:, 1]
    later = ops.expand_dims(rank, 0) >= ops.expand_dims(rank, 1)  # [i, j]: j is at risk when i leaves
    among = ops.where(later, ops.expand_dims(risk, 0), -1e9)
    lost = event * (ops.logsumexp(among, axis=1) - risk)
    return lost / (ops.mean(event) + 1e-7)


def interval_ends(outcome: Outcome, intervals: int) -> NDArray[np.float64]:
    """Return the ends of intervals with about equal numbers of events; the last one is the end of the follow-up."""
    shares = np.arange(1, intervals) / intervals
    inner = np.unique(np.quantile(outcome.time[outcome.event], shares))
    inside = inner[(inner > 0) & (inner < outcome.follow_up)]
    ends: NDArray[np.float64] = np.append(inside, outcome.follow_up)
    return ends


def hazard_targets(outcome: Outcome, ends: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return for each row and interval 1 where the event was in it, 0 where it was survived, -1 where nobody looked.

    A row that was censored inside an interval counts for it when it was followed for half of it at least.

    References
    ----------
    Kvamme and Borgan 2021, doi:10.1007/s10985-021-09532-6, section 3.
    """
    starts = np.append(0.0, ends[:-1])
    time, event = outcome.time[:, None], outcome.event[:, None]
    survived = time >= np.where(event, ends, (starts + ends) / 2)
    targets = np.where(survived, 0.0, -1.0)
    inside = event & (time <= ends) & ((time > starts) | (starts == 0))
    return np.where(inside, 1.0, np.where(event & (time <= starts), -1.0, targets)).astype(np.float32)


def hazard_loss(targets: Any, logits: Any) -> Any:
    """Return the negative log likelihood of each row, (n,): cross-entropy over the intervals it was looked at in."""
    ops = keras_library().ops
    seen = ops.cast(targets >= 0, "float32")
    happened = ops.maximum(targets, 0.0)
    return ops.sum(seen * (ops.softplus(logits) - happened * logits), axis=1)
