"""One compiled Keras network that is fitted many times, each time from the weights that a seed gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.models import keras_library, quickly_normalised
from cancernet.tasks import TaskKind, log_probabilities
from cancernet.training.checkpoint import Checkpoint, Progressed
from cancernet.training.feed import ArrayFeed, Feed
from cancernet.training.losses import likelihood, loss_of
from cancernet.training.options import FitOptions, class_weights

if TYPE_CHECKING:
    import keras

__all__ = ["Fit", "Network", "Truth", "Watched", "nll", "row_losses"]

_PREDICTED = 256  # patches at once


@dataclass(frozen=True, eq=False)
class Watched:
    """Rows that are not fitted on and whose loss is followed: inputs (m, ...) and class codes (m,)."""

    inputs: NDArray[Any]
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
        Logits of the watched rows after each epoch, (epochs run, m, width); None when none were watched.
    """

    weights: list[NDArray[np.float32]]
    epochs: int
    history: tuple[dict[str, float], ...]
    watched_logits: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Truth:
    """What a network should tell of each row.

    Parameters
    ----------
    codes
        Class codes, (n,).
    auxiliary
        Numbers to learn besides, (n, k) float32, standardised; None without.
    """

    codes: NDArray[np.int64]
    auxiliary: NDArray[np.float32] | None = None

    def of(self, rows: NDArray[np.int64]) -> Any:
        """Return the targets of some rows as Keras takes them."""
        return self.codes[rows] if self.auxiliary is None else [self.codes[rows], self.auxiliary[rows]]

    def weights(self, chosen: NDArray[np.float32] | None) -> Any:
        """Return the weights of rows for each target."""
        return chosen if self.auxiliary is None or chosen is None else [chosen, chosen]


class Network:
    """A compiled network with a fixed architecture.

    Compiling costs more than one fit of a small table, so that the folds of a study share one network; `fit` puts
    weights and optimiser back to where its seed starts them, and the same seed and rows give the same numbers.

    Parameters
    ----------
    build
        Returns the network with fresh weights: inputs (n, ...) to logits (n, width).
    options
        How to fit.
    kind, classes
        Of the task.
    auxiliary
        How many numbers the network learns to tell besides, from its layer `features`; they leave with the training.
    advance
        Called after every epoch, for a progress bar.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        options: FitOptions,
        *,
        kind: TaskKind = "multiclass",
        classes: int = 2,
        auxiliary: int = 0,
        advance: Callable[[], None] | None = None,
    ) -> None:
        self._keras: Any = keras_library()
        self._build, self.options, self._advance = build, options, advance or (lambda: None)
        self.kind, self.classes, self._auxiliary = kind, classes, auxiliary
        self._fused = self._keras.backend.backend() == "jax"  # XLA compiles steps there, for each number of rows
        self.model, self._trained = self._fresh()
        self._compile()
        if not self._fused:
            self._trace()

    def fit(
        self,
        inputs: NDArray[np.float32] | Feed,
        codes: NDArray[np.int64] | Truth,
        *,
        seed: int,
        epochs: int | None = None,
        watched: Watched | None = None,
        patience: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Fit:
        """Fit from the start, or from where an interrupted fit was.

        Parameters
        ----------
        inputs
            Shape (n, ...), float32, or what gives them in batches.
        codes
            Class codes, (n,), or with the auxiliary numbers that the network was made for.
        seed
            Of initial weights, order of rows and dropout.
        epochs
            How many; those of the options when None. The schedule of the rate is that of the options either way.
        watched
            Rows to follow, needed for `patience`.
        patience
            Stop after so many epochs without a lower loss of the watched rows, and take the weights of the best epoch.
        checkpoint
            Where to keep what an interrupted fit needs to go on; not together with `patience`.
        """
        self._restart(seed)
        feed = inputs if isinstance(inputs, Feed) else ArrayFeed(inputs)
        shuffle, follow, stopper = np.random.default_rng(seed), _Follow(self, watched), _Stopper(patience)
        history = self._resumed(checkpoint, shuffle, follow)
        truth = codes if isinstance(codes, Truth) else Truth(codes)
        for epoch in range(len(history), self.options.epochs if epochs is None else epochs):
            history.append({"epoch": epoch + 1, **self._epoch(epoch, feed, truth, shuffle), **follow.losses()})
            self._advance()
            if stopper.seen_enough(history[-1], self.model):
                break
            if checkpoint is not None:
                checkpoint.keep(lambda: self._progressed(history, shuffle, follow))
        return Fit(stopper.weights(self.model), stopper.best or len(history), tuple(history), follow.stacked())

    def logits(self, weights: list[NDArray[np.float32]], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n, width) of inputs under given weights."""
        self.model.set_weights(weights)
        return np.asarray(self.model.predict(inputs, batch_size=4096, verbose=0))

    def predict(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the logits (n, width) under the weights of now; rows of tables in one batch, patches in small ones."""
        step = len(inputs) if inputs.ndim == 2 else _PREDICTED
        parts = [self.model.predict_on_batch(inputs[start : start + step]) for start in range(0, len(inputs), step)]
        return np.concatenate([np.asarray(part) for part in parts])

    def with_weights(self, weights: list[NDArray[np.float32]]) -> keras.Model:
        """Return a network of its own with these weights, not compiled."""
        model = self._build()
        model.set_weights(weights)
        return model

    def _fresh(self) -> tuple[Any, Any]:
        """Return a network with fresh weights, and the one around it that is trained: with the auxiliary outputs."""
        model = self._build() if self._fused else quickly_normalised(self._build())
        if not self._auxiliary:
            return model, model
        layers = self._keras.layers
        told = layers.Dense(self._auxiliary, dtype="float32", name="auxiliary")(model.get_layer("features").output)
        return model, self._keras.Model(model.inputs, [model.outputs[0], told])

    def _compile(self) -> None:
        """Compile once; XLA is off because for small networks it costs more than it gives."""
        keras, options = self._keras, self.options
        decay = options.weight_decay
        optimiser = (
            keras.optimizers.AdamW(options.learning_rate, weight_decay=decay)
            if decay
            else keras.optimizers.Adam(options.learning_rate)
        )
        nll = keras.metrics.MeanMetricWrapper(likelihood(self.kind), name="nll")
        loss = loss_of(self.kind, options, classes=self.classes)
        several = bool(self._auxiliary)
        self._trained.compile(
            optimiser,
            [loss, "mse"] if several else loss,
            loss_weights=[1.0, getattr(options, "auxiliary_weight", 1.0)] if several else None,
            weighted_metrics=[[nll], []] if several else [nll],
            jit_compile=self._fused,
        )
        optimiser.build(self._trained.trainable_variables)
        self._optimiser_start = [np.array(variable) for variable in optimiser.variables]

    def _trace(self) -> None:
        """Trace steps for any number of rows, so that results do not depend on which numbers were fitted before.

        TensorFlow traces the first number of rows as it is, and at the second one a graph for all others; the two
        round differently. The first is always one row here.
        """
        for rows in (1, 2):
            inputs = np.zeros((rows, *self.model.input_shape[1:]), dtype=self.model.inputs[0].dtype)
            numbers = np.zeros((rows, self._auxiliary), dtype=np.float32) if self._auxiliary else None
            truth = Truth(np.zeros(rows, dtype=np.int64), numbers)
            self._epoch(0, ArrayFeed(inputs), truth, np.random.default_rng(0))
            self.model.predict_on_batch(inputs)

    def _restart(self, seed: int) -> None:
        """Put weights, the random state of layers and the optimiser to their start; the caller's stays as it is."""
        python, numpy = random.getstate(), np.random.get_state()  # which Keras sets
        self._keras.utils.set_random_seed(seed)
        fresh = self._fresh()[1]
        random.setstate(python)
        np.random.set_state(numpy)
        for variable, start in zip(self._trained.variables, fresh.variables, strict=True):
            variable.assign(start)
        for variable, value in zip(self._trained.optimizer.variables, self._optimiser_start, strict=True):
            variable.assign(value)

    def _resumed(
        self, checkpoint: Checkpoint | None, shuffle: np.random.Generator, follow: _Follow
    ) -> list[dict[str, float]]:
        """Put everything to where an interrupted fit was, and return its history; empty without one."""
        state = None if checkpoint is None else checkpoint.read()
        if state is None:
            return []
        variables = (*self._trained.variables, *self._trained.optimizer.variables)
        for variable, value in zip(variables, state.variables, strict=True):
            variable.assign(value)
        shuffle.bit_generator.state = state.shuffle
        follow.put_back(state.watched)
        for _ in state.history:
            self._advance()
        return list(state.history)

    def _progressed(self, history: list[dict[str, float]], shuffle: np.random.Generator, follow: _Follow) -> Progressed:
        """Return all that a fit needs to go on after this epoch."""
        variables = (*self._trained.variables, *self._trained.optimizer.variables)
        values = [np.array(self._keras.ops.convert_to_numpy(variable)) for variable in variables]
        return Progressed(values, dict(shuffle.bit_generator.state), tuple(history), follow.stacked())

    def _epoch(self, epoch: int, feed: Feed, truth: Truth, shuffle: np.random.Generator) -> dict[str, float]:
        """Pass once over all rows in a new order, in batches of about equal size, and return rate and loss."""
        rate = self.options.rate(epoch)
        self._trained.optimizer.learning_rate = rate
        steps = max(1, round(len(feed) / self.options.batch_size))
        weights, batches = self._row_weights(truth.codes), np.array_split(shuffle.permutation(len(feed)), steps)
        parts: list[tuple[float, float]] = []  # loss and weight of each batch: Keras forgets the batches before
        for rows, inputs in zip(batches, feed.batches(batches, epoch=epoch), strict=True):
            chosen = None if weights is None else weights[rows]
            log = self._trained.train_on_batch(
                inputs, truth.of(rows), sample_weight=truth.weights(chosen), return_dict=True
            )
            weight = len(rows) if chosen is None else float(chosen.sum())
            parts.append((float(log["logits_nll" if self._auxiliary else "nll"]), weight))
        losses, shares = np.array(parts).T
        return {"learning_rate": rate, "loss": float(np.average(losses, weights=shares))}

    def _row_weights(self, codes: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the weight of each row, or None when all count alike."""
        if self.options.class_weights == "none":
            return None
        by_class = class_weights(codes, self.classes)
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
        self._logits.append(self._network.predict(self._watched.inputs))
        return {"val_loss": nll(self._logits[-1], self._watched.codes, kind=self._network.kind)}

    def put_back(self, logits: NDArray[np.float32] | None) -> None:
        """Go on after epochs whose logits are known."""
        self._logits = [] if logits is None else list(logits)

    def stacked(self) -> NDArray[np.float32] | None:
        """Return all that was recorded, (epochs, rows, width)."""
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


def nll(logits: NDArray[np.floating], codes: NDArray[np.int64], *, kind: TaskKind = "multiclass") -> float:
    """Return the mean negative log-likelihood of the true classes."""
    return float(row_losses(logits, codes, kind=kind).mean())


def row_losses(
    logits: NDArray[np.floating], codes: NDArray[np.int64], *, kind: TaskKind = "multiclass"
) -> NDArray[np.float64]:
    """Return the negative log-likelihood of the true class of each row.

    Parameters
    ----------
    logits
        Shape (..., n, width).
    codes
        Class codes, (n,).
    kind
        Of the task.

    Returns
    -------
    Shape (..., n).
    """
    chosen = log_probabilities(logits, kind=kind)[..., np.arange(len(codes)), codes]
    losses: NDArray[np.float64] = -np.maximum(chosen, np.log(np.finfo(np.float64).tiny))
    return losses
