"""What a model answers: the kinds of task, and how logits become probabilities. NumPy only."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["TASK_KINDS", "TaskKind", "probabilities", "softmax"]

TaskKind = Literal["binary", "multiclass"]
TASK_KINDS: tuple[str, ...] = get_args(TaskKind)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the softmax over the last axis, safe for large logits."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return calibrated probabilities.

    Parameters
    ----------
    logits
        Shape (n, classes); one column per class in the order of the card, for binary tasks too.
    temperature
        Divides the logits (Guo et al. 2017, arXiv 1706.04599, eq. 9); 1 leaves them as they are.

    Returns
    -------
    Shape (n, classes), float64, rows sum to 1.
    """
    return softmax(np.asarray(logits, dtype=np.float64) / temperature)
