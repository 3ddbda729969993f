"""What networks for survival minimise, as losses on rows; targets carry the outcome. Keras only where it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.models import keras_library
from cancernet.survival.outcome import Outcome

__all__ = [
    "Goal",
    "Loss",
    "causes_loss",
    "goal_of",
    "hazard_loss",
    "hazard_targets",
    "interval_ends",
    "partial_loss",
    "partial_targets",
    "usual_logits",
]


Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Goal:
    """What a network learns.

    Parameters
    ----------
    targets
        Shape (n, k), float32: the outcome of each row.
    outputs
        How many logits.
    loss
        Of targets and logits, (n,).
    start
        Returns from targets the bias of the logits that a fit begins with; None: zero.
    """

    targets: NDArray[np.float32]
    outputs: int
    loss: Loss
    start: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None


def goal_of(outcome: Outcome, ends: NDArray[np.float64] | None) -> Goal:
    """Return the goal of one log hazard, or with the ends of intervals that of the chances of each cause in them."""
    if ends is None:
        return Goal(partial_targets(outcome), 1, partial_loss)
    targets, causes = hazard_targets(outcome, ends), len(outcome.causes)
    return Goal(targets, targets.shape[1] * causes, _loss_of(causes), partial(usual_logits, causes=causes))


@cache
def _loss_of(causes: int) -> Loss:
    """Return the loss of the chances of one cause, or of several; the same object each time."""
    return hazard_loss if causes == 1 else partial(causes_loss, causes=causes)


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
    """Return for each row and interval the cause that was in it, 0 where it was survived, -1 where nobody looked.

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
    cause = outcome.cause[:, None].astype(np.float64)
    return np.where(inside, cause, np.where(event & (time <= starts), -1.0, targets)).astype(np.float32)


def hazard_loss(targets: Any, logits: Any) -> Any:
    """Return the negative log likelihood of each row, (n,): cross-entropy over the intervals it was looked at in."""
    ops = keras_library().ops
    seen = ops.cast(targets >= 0, "float32")
    happened = ops.maximum(targets, 0.0)
    return ops.sum(seen * (ops.softplus(logits) - happened * logits), axis=1)


def causes_loss(targets: Any, logits: Any, *, causes: int) -> Any:
    """Return the negative log likelihood of each row, (n,), where one of several causes may come first.

    In each interval no event and the causes share a softmax, whose logit of no event is zero.

    Parameters
    ----------
    targets
        Shape (n, intervals); see `hazard_targets`.
    logits
        Shape (n, intervals * causes), the causes of an interval side by side.
    causes
        How many.

    References
    ----------
    Tutz and Schmid 2016, doi:10.1007/978-3-319-28158-2, chapter 8.
    """
    ops = keras_library().ops
    apart = ops.reshape(logits, (-1, targets.shape[1], causes))
    codes = ops.reshape(ops.arange(1, causes + 1, dtype="float32"), (1, 1, causes))
    chosen = ops.cast(ops.equal(ops.expand_dims(targets, 2), codes), "float32")
    seen = ops.cast(targets >= 0, "float32")
    return ops.sum(seen * (ops.softplus(ops.logsumexp(apart, axis=2)) - ops.sum(chosen * apart, axis=2)), axis=1)


def usual_logits(targets: NDArray[np.float32], *, causes: int = 1) -> NDArray[np.float32]:
    """Return the logits of the chances in each interval, over all rows: where a network should begin."""
    happened = np.array([(targets == code).sum(axis=0) for code in range(1, causes + 1)])  # (causes, intervals)
    survived = (targets == 0).sum(axis=0)
    logits: NDArray[np.float32] = np.log((happened + 0.5) / (survived + 0.5)).T.ravel().astype(np.float32)
    return logits
