"""One compiled Keras network that is fitted many times, each time from the weights that a seed gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.models.backend import keras_library
from cancernet.tasks import softmax
from cancernet.training.options import TrainingOptions, class_weights

if TYPE_CHECKING:
    import keras

__all__ = ["Fit", "Network", "Watched", "nll", "row_losses"]


@dataclass(frozen=True, eq=False)
class Watched:
    """Rows that are not fitted on and whose loss is followed: inputs (m, ...) float32 and class codes (m,)."""

    inputs: NDArray[np.float32]
    codes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fit:
    """What one fit left.

    Parameters
    ----------
    weights
        Of the best epoch when it stopped early, else of the last.
    epochs
        How many epochs these weights have seen.
    history
        One row per epoch: epoch (from 1), learning_rate, loss and, for watched rows, val_loss; both losses are the
        mean negative log-likelihood without penalties, the first one under dropout.
    watched_logits
        Logits of the watched rows after each epoch, (epochs run, m, classes); None when none were watched.
    """

    weights: list[NDArray[np.float32]]
    epochs: int
    history: tuple[dict[str, float], ...]
    watched_logits: NDArray[np.float32] | None


class Network:
    """A compiled network with a fixed architecture.

    Compiling costs more than one fit of a small table, so that the folds of a study share one network; `fit` puts
    weights and optimiser back to where its seed starts them, and the same seed and rows give the same numbers.

    Parameters
    ----------
    build
        Returns the network with fresh weights: inputs (n, ...) float32 to logits (n, classes).
    options
        How to fit.
    advance
        Called after every epoch, for a progress bar.
    """

    def __init__(
        self, build: Callable[[], keras.Model], options: TrainingOptions, *, advance: Callable[[], None] | None = None
    ) -> None:
        self._keras: Any = keras_library()
        self._build, self.options, self._advance = build, options, advance or (lambda: None)
        self.model: Any = build()
        self._compile()
        if not self.model.jit_compile:  # XLA compiles each number of rows for itself
            self._trace()

    def fit(
        self,
        inputs: NDArray[np.float32],
        codes: NDArray[np.int64],
        *,
        seed: int,
        epochs: int | None = None,
        watched: Watched | None = None,
        stop_early: bool = False,
    ) -> Fit:
        """Fit from the start.

        Parameters
        ----------
        inputs
            Shape (n, ...), float32.
        codes
            Class codes, (n,).
        seed
            Of initial weights, order of rows and dropout.
        epochs
            How many; those of the options when None. The schedule of the rate is that of the options either way.
        watched
            Rows to follow, needed for `stop_early`.
        stop_early
            Stop by the loss of the watched rows and take the weights of the best epoch.
        """
        self._restart(seed)
        shuffle = np.random.default_rng(seed)
        follow, stopper = _Follow(self, watched), _Stopper(self.options.patience if stop_early else None)
        history: list[dict[str, float]] = []
        for epoch in range(self.options.epochs if epochs is None else epochs):
            history.append({"epoch": epoch + 1, **self._epoch(epoch, inputs, codes, shuffle), **follow.losses()})
            self._advance()
            if stopper.seen_enough(history[-1], self.model):
                break
        return Fit(stopper.weights(self.model), stopper.best or len(history), tuple(history), follow.stacked())

    def logits(self, weights: list[NDArray[np.float32]], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n, classes) of inputs under given weights."""
        self.model.set_weights(weights)
        return np.asarray(self.model.predict(inputs, batch_size=4096, verbose=0))

    def with_weights(self, weights: list[NDArray[np.float32]]) -> keras.Model:
        """Return a network of its own with these weights, not compiled."""
        model = self._build()
        model.set_weights(weights)
        return model

    def _compile(self) -> None:
        """Compile once; XLA is off because for small networks it costs more than it gives."""
        keras, options = self._keras, self.options
        optimiser = keras.optimizers.Adam(options.learning_rate)
        self.model.compile(
            optimiser,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="nll")],
            jit_compile=keras.backend.backend() == "jax",
        )
        optimiser.build(self.model.trainable_variables)
        self._optimiser_start = [np.array(variable) for variable in optimiser.variables]

    def _trace(self) -> None:
        """Trace steps for any number of rows, so that results do not depend on which numbers were fitted before.

        TensorFlow traces the first number of rows as it is, and at the second one a graph for all others; the two
        round differently. The first is always one row here.
        """
        for rows in (1, 2):
            inputs = np.zeros((rows, *self.model.input_shape[1:]), dtype=np.float32)
            self._epoch(0, inputs, np.zeros(rows, dtype=np.int64), np.random.default_rng(0))
            self.model.predict_on_batch(inputs)

    def _restart(self, seed: int) -> None:
        """Put weights, the random state of layers and the optimiser to their start; the caller's stays as it is."""
        python, numpy = random.getstate(), np.random.get_state()  # which Keras sets
        self._keras.utils.set_random_seed(seed)
        fresh = self._build()
        random.setstate(python)
        np.random.set_state(numpy)
        for variable, start in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(start)
        for variable, value in zip(self.model.optimizer.variables, self._optimiser_start, strict=True):
            variable.assign(value)

    def _epoch(
        self, epoch: int, inputs: NDArray[np.float32], codes: NDArray[np.int64], shuffle: np.random.Generator
    ) -> dict[str, float]:
        """Pass once over all rows in a new order, in batches of about equal size, and return rate and loss."""
        rate = self.options.rate(epoch)
        self.model.optimizer.learning_rate = rate
        self.model.reset_metrics()
        steps = max(1, round(len(inputs) / self.options.batch_size))
        weights = self._row_weights(codes)
        log: dict[str, float] = {}
        for rows in np.array_split(shuffle.permutation(len(inputs)), steps):
            chosen = None if weights is None else weights[rows]
            log = self.model.train_on_batch(inputs[rows], codes[rows], sample_weight=chosen, return_dict=True)
        return {"learning_rate": rate, "loss": float(log["nll"])}

    def _row_weights(self, codes: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the weight of each row, or None when all count alike."""
        if self.options.class_weights == "none":
            return None
        by_class = class_weights(codes, self.model.output_shape[-1])
        return np.array([by_class[code] for code in codes.tolist()], dtype=np.float32)


class _Follow:
    """Keeps the logits of the watched rows after each epoch."""

    def __init__(self, network: Network, watched: Watched | None) -> None:
        self._network, self._watched = network, watched
        self._logits: list[NDArray[np.float32]] = []

    def losses(self) -> dict[str, float]:
        """Record the watched rows and return their loss; nothing when none are watched."""
        if self._watched is None:
            return {}
        self._logits.append(np.asarray(self._network.model.predict_on_batch(self._watched.inputs)))
        return {"val_loss": nll(self._logits[-1], self._watched.codes)}

    def stacked(self) -> NDArray[np.float32] | None:
        """Return all that was recorded, (epochs, rows, classes)."""
        return np.stack(self._logits) if self._logits else None


class _Stopper:
    """Keeps the weights of the epoch with the lowest watched loss, and ends a fit that does not get better."""

    def __init__(self, patience: int | None) -> None:
        self._patience, self._lowest = patience, np.inf
        self._weights: list[NDArray[np.float32]] = []
        self.best = 0

    def seen_enough(self, row: dict[str, float], model: Any) -> bool:
        """Look at one epoch; true when the patience is over."""
        if self._patience is None:
            return False
        if row["val_loss"] < self._lowest:
            self._lowest, self.best, self._weights = row["val_loss"], int(row["epoch"]), model.get_weights()
        return row["epoch"] - self.best >= self._patience

    def weights(self, model: Any) -> list[NDArray[np.float32]]:
        """Return the weights of the best epoch, or the last ones when nothing was to be stopped."""
        return self._weights or model.get_weights()


def nll(logits: NDArray[np.floating], codes: NDArray[np.int64]) -> float:
    """Return the mean negative log-likelihood of the true classes."""
    return float(row_losses(logits, codes).mean())


def row_losses(logits: NDArray[np.floating], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the negative log-likelihood of the true class of each row.

    Parameters
    ----------
    logits
        Shape (..., n, classes).
    codes
        Class codes, (n,).

    Returns
    -------
    Shape (..., n).
    """
    chosen = softmax(logits)[..., np.arange(len(codes)), codes]
    losses: NDArray[np.float64] = -np.log(np.maximum(chosen, np.finfo(np.float64).tiny))
    return losses
