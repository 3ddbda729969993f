"""One compiled Keras network that is fitted many times, each time from the weights that a seed gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import require
from cancernet.tasks import softmax
from cancernet.training.options import TrainingOptions, class_weights

if TYPE_CHECKING:
    import keras

__all__ = ["Fit", "Network", "Watched", "nll"]


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
        self._keras: Any = require("keras", "train")
        self._build, self.options, self._advance = build, options, advance or (lambda: None)
        self.model: Any = build()
        self._compile()

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
        watch = _watching(self._keras, watched)
        stopping = self._stopping() if stop_early else None
        callbacks = [self._rate(), watch, *([stopping] if stopping else []), self._ticking()]
        record = self.model.fit(
            inputs,
            codes,
            epochs=self.options.epochs if epochs is None else epochs,
            batch_size=min(self.options.batch_size, len(inputs)),
            class_weight=self._weights(codes),
            callbacks=callbacks,
            verbose=0,
        )
        seen = len(record.epoch) if stopping is None else stopping.best_epoch + 1
        logits = np.stack(watch.logits) if watch.logits else None
        return Fit(self.model.get_weights(), seen, _history(record.history), logits)

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

    def _restart(self, seed: int) -> None:
        """Put seeds, weights and optimiser to their start."""
        self._keras.utils.set_random_seed(seed)
        for variable, start in zip(self.model.variables, self._build().variables, strict=True):
            variable.assign(start)
        for variable, value in zip(self.model.optimizer.variables, self._optimiser_start, strict=True):
            variable.assign(value)

    def _weights(self, codes: NDArray[np.int64]) -> dict[int, float] | None:
        """Return class weights for Keras, or None."""
        if self.options.class_weights == "none":
            return None
        return class_weights(codes, self.model.output_shape[-1])

    def _rate(self) -> Any:
        """Return the callback that sets the learning rate of each epoch."""
        return self._keras.callbacks.LearningRateScheduler(lambda epoch, _: self.options.rate(epoch))

    def _stopping(self) -> Any:
        """Return the callback that stops early and restores the best weights."""
        return self._keras.callbacks.EarlyStopping(
            monitor="val_loss", mode="min", patience=self.options.patience, restore_best_weights=True
        )

    def _ticking(self) -> Any:
        """Return the callback that advances the progress bar."""
        return self._keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self._advance())


def _watching(keras: Any, watched: Watched | None) -> Any:
    """Return a callback that keeps the logits of the watched rows and adds their loss to the log."""

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        """Follow rows that are not fitted on."""

        def __init__(self) -> None:
            super().__init__()
            self.logits: list[NDArray[np.float32]] = []

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            """Record the watched rows after an epoch."""
            if watched is None or logs is None:
                return
            self.logits.append(np.asarray(self.model.predict_on_batch(watched.inputs)))
            logs["val_loss"] = nll(self.logits[-1], watched.codes)

    return Watch()


def nll(logits: NDArray[np.float32], codes: NDArray[np.int64]) -> float:
    """Return the mean negative log-likelihood of the true classes."""
    chosen = softmax(logits)[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean())


def _history(log: dict[str, list[float]]) -> tuple[dict[str, float], ...]:
    """Return one row per epoch from Keras's record."""
    columns = {"learning_rate": log["learning_rate"], "loss": log["nll"]}
    if "val_loss" in log:
        columns["val_loss"] = log["val_loss"]
    rows = zip(*columns.values(), strict=True)
    return tuple({"epoch": epoch, **dict(zip(columns, row, strict=True))} for epoch, row in enumerate(rows, start=1))
