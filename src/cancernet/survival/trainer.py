"""One network for survival, fitted several times: each time from the weights of a seed, stopped by rows set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.models import build_hazard, keras_library
from cancernet.survival.losses import Goal, Loss
from cancernet.survival.options import NetworkOptions

if TYPE_CHECKING:
    import keras

__all__ = ["Standard", "Trainer", "Weights", "choose_epochs", "trainer_for"]

Floats = NDArray[np.float64]
Standard = tuple[Floats, Floats]
Weights = list[NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit: the loss of the held rows after each epoch, and the weights after those that may be the last."""

    losses: Floats
    kept: dict[int, Weights]

    @property
    def best(self) -> int:
        """The epoch with the lowest loss."""
        return int(np.argmin(self.losses)) + 1


def choose_epochs(fits: Sequence[Fitted], sizes: Sequence[int], *, together: bool) -> list[int]:
    """Return after which epoch each fit ends: its own best one, or the one that is best for all held rows together.

    Parameters
    ----------
    fits
        Of the inner folds.
    sizes
        How many rows each of them held.
    together
        One epoch for all.
    """
    if not together:
        return [fit.best for fit in fits]
    mean = np.average([fit.losses for fit in fits], axis=0, weights=sizes)
    return [int(np.argmin(mean)) + 1] * len(fits)


class Trainer:
    """One compiled network that is fitted several times.

    Parameters
    ----------
    columns, outputs
        Of the standardised input, and of the logits.
    loss
        Of targets and logits, (n,).
    options
        Which network, and how.
    """

    def __init__(self, columns: int, outputs: int, *, loss: Loss, options: NetworkOptions) -> None:
        self._keras, self.options, self._loss, self._sizes = keras_library(), options, loss, (columns, outputs)
        self.model = self.build()
        self.model.compile(self._keras.optimizers.Adam(options.learning_rate), loss, jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self._start = [np.array(variable) for variable in self.model.optimizer.variables]

    def build(self, standard: Standard | None = None) -> keras.Model:
        """Return the network with fresh weights; with means and variances one that takes raw columns."""
        options = self.options
        return build_hazard(
            *self._sizes,
            hidden=options.hidden,
            filters=options.filters if options.body == "conv1d" else (),
            dropout=options.dropout,
            l2=options.l2,
            standard=standard,
        )

    def fit(
        self, inputs: NDArray[np.float32], goal: Goal, *, fitted: NDArray[np.int64], held: NDArray[np.int64], seed: int
    ) -> Fitted:
        """Fit on some rows, and watch the loss of the held ones after each epoch."""
        together = self.options.stopping == "together"
        self._restart(seed)
        if goal.start is not None:
            self.model.get_layer("logits").bias.assign(goal.start(goal.targets[fitted]))
        shuffle, losses, kept = np.random.default_rng(seed), [], {0: self.model.get_weights()}
        for epoch in range(1, self.options.epochs + 1):
            for batch in _batches(shuffle.permutation(fitted), self.options.batch_size):
                self.model.train_on_batch(inputs[batch], goal.targets[batch])
            losses.append(self._held_loss(inputs[held], goal.targets[held]))
            best = int(np.argmin(losses)) + 1
            if together:
                kept[epoch] = self.model.get_weights()
            elif best == epoch:
                kept = {epoch: self.model.get_weights()}
            if not together and epoch - best >= self.options.patience:
                break
        return Fitted(np.array(losses), kept)

    def logits(self, weights: Weights, inputs: NDArray[np.float32]) -> Floats:
        """Return the logits of the network with given weights."""
        self.model.set_weights(weights)
        return np.asarray(self.model.predict_on_batch(inputs), dtype=np.float64)

    def _held_loss(self, inputs: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
        """Return the mean loss of rows."""
        logits = self.model.predict_on_batch(inputs)
        return float(np.mean(self._keras.ops.convert_to_numpy(self._loss(targets, logits))))

    def _restart(self, seed: int) -> None:
        """Put weights, the random state of layers and the optimiser to their start."""
        self._keras.utils.set_random_seed(seed)
        for variable, start in zip(self.model.variables, self.build().variables, strict=True):
            variable.assign(start)
        for variable, value in zip(self.model.optimizer.variables, self._start, strict=True):
            variable.assign(value)


@lru_cache(maxsize=4)
def trainer_for(columns: int, outputs: int, *, loss: Loss, options: NetworkOptions) -> Trainer:
    """Return the trainer of such networks: the same one for all folds, as compiling takes longer than a fit."""
    return Trainer(columns, outputs, loss=loss, options=options)


def _batches(rows: NDArray[np.int64], size: int) -> Sequence[NDArray[np.int64]]:
    """Return the rows in batches of about the same size."""
    return np.array_split(rows, max(1, round(len(rows) / size)))
