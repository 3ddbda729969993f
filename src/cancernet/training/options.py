"""The options of training: frozen, each with its unit and the reason for its default."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TrainingOptions", "class_weights"]


class TrainingOptions(BaseModel):
    """How a network is fitted.

    Parameters
    ----------
    epochs
        Passes over the training rows, at most; cross-validation or early stopping decides how many are used. On the
        Wisconsin table the held-out loss is lowest between epoch 12 and 20.
    batch_size
        Rows per step; when there are fewer rows, all of them.
    learning_rate
        Of Adam, at the first epoch.
    schedule
        "cosine": the rate falls to zero along half a cosine over `epochs`, which made the last weights, and so the
        out-of-fold AUROC, steadier than a constant rate; "constant": it stays.
    patience
        Early stopping (splits with validation rows): stop after so many epochs without a lower loss on the rows set
        aside for it, and take the weights of the best epoch.
    inner_folds
        Cross-fitting (k-fold splits): folds inside the training rows that give the number of epochs and the
        out-of-fold outputs for calibration.
    class_weights
        "none", or "balanced": rows count by n / (classes * rows of the class). The default is none because weights
        shift the probabilities, which one temperature cannot mend; the threshold takes care of the balance.
    seed
        Of initial weights, order of rows, and dropout.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=20, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0, allow_inf_nan=False)
    schedule: Literal["cosine", "constant"] = "cosine"
    patience: int = Field(default=8, ge=1)
    inner_folds: int = Field(default=4, ge=2)
    class_weights: Literal["none", "balanced"] = "none"
    seed: int = Field(default=0, ge=0, lt=2**32)

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * epoch / self.epochs))


def class_weights(codes: NDArray[np.int64], classes: int) -> dict[int, float]:
    """Return n / (classes * rows of the class) by class code; the weights of all rows sum to n."""
    counts = np.bincount(codes, minlength=classes)
    return {code: len(codes) / (classes * count) for code, count in enumerate(counts.tolist()) if count}
