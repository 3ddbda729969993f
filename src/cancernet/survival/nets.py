"""Networks for survival: several, each stopped by another fold of the training rows; their mean is the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import Survival
from cancernet.models import average_of, build_hazard, keras_library, with_normalisation
from cancernet.survival.answers import answer
from cancernet.survival.cox import fit_cox
from cancernet.survival.inner import inner_folds
from cancernet.survival.losses import hazard_loss, hazard_targets, interval_ends, partial_loss, partial_targets
from cancernet.survival.options import CoxOptions, NetworkOptions
from cancernet.survival.outcome import Outcome
from cancernet.survival.predicted import Baseline
from cancernet.training import seed_of

if TYPE_CHECKING:
    import keras

__all__ = ["NetworkModel", "fit_network"]

Floats = NDArray[np.float64]
Weights = list[NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """Fitted networks.

    Parameters
    ----------
    mean, variance
        Shape (p,), of the training rows, in the units of the columns.
    members
        The weights of each network.
    build
        Returns a network with fresh weights.
    part
        How logits become curves.
    epochs
        Of each network.
    """

    mean: Floats
    variance: Floats
    members: tuple[Weights, ...]
    build: Callable[[], keras.Model]
    part: Survival
    epochs: tuple[int, ...]

    def logits(self, values: ArrayLike) -> Floats:
        """Return the mean logits of rows, (n, width)."""
        return np.asarray(np.mean(self.each(values), axis=0), dtype=np.float64)

    def each(self, values: ArrayLike) -> Floats:
        """Return the logits of each network, (networks, n, width)."""
        network, scaled = self.build(), _scaled(np.asarray(values, dtype=np.float64), self.mean, self.variance)
        return np.array([_answered(network, weights, scaled) for weights in self.members])

    def risk(self, values: ArrayLike) -> Floats:
        """Return the risk, (n,): higher means sooner."""
        return answer(self.part, self.logits(values), times=()).risk

    def survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to be free of the event, (n, times)."""
        return answer(self.part, self.logits(values), times=np.asarray(times, dtype=np.float64).tolist()).survival

    def median(self, values: ArrayLike) -> Floats:
        """Return the median time to the event, (n,); NaN where the follow-up is too short to see it."""
        return answer(self.part, self.logits(values), times=()).median

    def network(self) -> keras.Model:
        """Return the mean of the networks as one that takes raw columns, for the bundle."""
        return average_of([self._raw(weights) for weights in self.members])

    def _raw(self, weights: Weights) -> keras.Model:
        """Return one network that takes raw columns; a copy, whose layers belong to no other network."""
        core = self.build()
        core.set_weights(weights)
        model = with_normalisation(core, mean=self.mean, variance=self.variance)
        copy = keras_library().models.clone_model(model)
        copy.set_weights(model.get_weights())
        return copy


def fit_network(
    values: ArrayLike, outcome: Outcome, *, options: NetworkOptions, groups: NDArray[np.generic], seed: int = 0
) -> NetworkModel:
    """Fit networks on training rows.

    Each inner fold stops one network, which is fitted on the others; the answer is the mean of their logits. Of a
    "cox-network" the log hazards of the held rows are scaled by one number, and give the baseline hazard, both by the
    partial likelihood: a network's own rows would make it too sure.

    Parameters
    ----------
    values
        Shape (n, p), raw units, no gaps.
    outcome
        Of the n rows; all causes are one event.
    options
        Which network, and how.
    groups
        Shape (n,): rows of one group stay together in the inner folds.
    seed
        Of folds, weights, order of rows and dropout.

    References
    ----------
    Katzman et al. 2018, doi:10.1186/s12874-018-0482-1 ("cox-network"); Gensheimer and Narasimhan 2019,
    doi:10.7717/peerj.6257 ("logistic-hazard").
    """
    rows = np.asarray(values, dtype=np.float64)
    mean, spread = rows.mean(axis=0), rows.var(axis=0)
    variance = np.where(spread > 1e-24 * (1 + mean**2), spread, 1.0)
    ends = interval_ends(outcome, options.intervals)
    hazards = options.name == "logistic-hazard"
    targets = hazard_targets(outcome, ends) if hazards else partial_targets(outcome)
    trainer = _Trainer(rows.shape[1], targets.shape[1] if hazards else 1, options)
    scaled, held_logits, fits = _scaled(rows, mean, variance), np.empty((len(rows), trainer.outputs)), []
    for number, held in enumerate(inner_folds(outcome, groups, folds=options.inner_folds, seed=seed)):
        fitted = np.delete(np.arange(len(rows)), held)
        fits.append(trainer.fit(scaled, targets, fitted=fitted, held=held, seed=seed_of(seed, number)))
        held_logits[held] = _answered(trainer.model, fits[-1][0], scaled[held])
    members, epochs = tuple(weights for weights, _ in fits), tuple(count for _, count in fits)
    if hazards:
        part = Survival(form="hazards", unit=outcome.unit, times=tuple(ends.tolist()), end=outcome.follow_up)
        return NetworkModel(mean, variance, members, trainer.build, part, epochs)
    members, part = _scaled_hazard(members, held_logits[:, 0], outcome)
    return NetworkModel(mean, variance, members, trainer.build, part, epochs)


def _scaled_hazard(
    members: tuple[Weights, ...], held: Floats, outcome: Outcome
) -> tuple[tuple[Weights, ...], Survival]:
    """Return networks whose log hazards are scaled and centred as those of held rows ask for, and their baseline."""
    fitted = fit_cox(held[:, None], outcome, options=CoxOptions(penalty=1e-6))
    slope = max(float(fitted.coefficients[0] / fitted.scale[0]), 1e-3)
    centre = float(held.mean())
    baseline = Baseline.fit(outcome, slope * (held - centre))
    moved = tuple(_moved(weights, slope, centre) for weights in members)
    times, hazard = tuple(baseline.times.tolist()), tuple(baseline.hazard.tolist())
    return moved, Survival(form="cox", unit=outcome.unit, times=times, hazard=hazard, end=baseline.end)


def _moved(weights: Weights, slope: float, centre: float) -> Weights:
    """Return a network whose logit is less the centre, and then times the slope."""
    *before, kernel, bias = weights
    return [*before, kernel * np.float32(slope), (bias - np.float32(centre)) * np.float32(slope)]


class _Trainer:
    """One compiled network that is fitted several times, each time from the weights that a seed gives."""

    def __init__(self, columns: int, outputs: int, options: NetworkOptions) -> None:
        self._keras, self.options, self.outputs, self._columns = keras_library(), options, outputs, columns
        self.model = self.build()
        loss = hazard_loss if options.name == "logistic-hazard" else partial_loss
        self.model.compile(self._keras.optimizers.Adam(options.learning_rate), loss, jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self._start = [np.array(variable) for variable in self.model.optimizer.variables]
        self._loss = loss

    def build(self) -> keras.Model:
        """Return the network with fresh weights."""
        options = self.options
        return build_hazard(self._columns, self.outputs, hidden=options.hidden, dropout=options.dropout, l2=options.l2)

    def fit(
        self, inputs: NDArray[np.float32], targets: NDArray[np.float32], *, fitted: NDArray[np.int64],
        held: NDArray[np.int64], seed: int,
    ) -> tuple[Weights, int]:  # fmt: skip
        """Return the weights of the epoch with the lowest loss on the held rows, and which epoch that was."""
        self._restart(seed)
        if self.options.name == "logistic-hazard":
            self.model.get_layer("logits").bias.assign(_usual_logits(targets[fitted]))
        shuffle = np.random.default_rng(seed)
        best, weights, at = np.inf, self.model.get_weights(), 0
        for epoch in range(1, self.options.epochs + 1):
            for batch in _batches(shuffle.permutation(fitted), self.options.batch_size):
                self.model.train_on_batch(inputs[batch], targets[batch])
            loss = self._held_loss(inputs[held], targets[held])
            if loss < best:
                best, weights, at = loss, self.model.get_weights(), epoch
            if epoch - at >= self.options.patience:
                break
        return weights, at

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


def _usual_logits(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logit of the chance of the event in each interval, over all rows: where a network should begin."""
    happened, looked = (targets == 1).sum(axis=0), (targets >= 0).sum(axis=0)
    chance = (happened + 0.5) / (looked + 1.0)
    logits: NDArray[np.float32] = np.log(chance / (1 - chance)).astype(np.float32)
    return logits


def _batches(rows: NDArray[np.int64], size: int) -> Sequence[NDArray[np.int64]]:
    """Return the rows in batches of about the same size."""
    return np.array_split(rows, max(1, round(len(rows) / size)))


def _answered(network: Any, weights: Weights, scaled: NDArray[np.float32]) -> Floats:
    """Return the logits of a network with given weights."""
    network.set_weights(weights)
    return np.asarray(network.predict_on_batch(scaled), dtype=np.float64)


def _scaled(rows: Floats, mean: Floats, variance: Floats) -> NDArray[np.float32]:
    """Return standardised rows."""
    scaled: NDArray[np.float32] = ((rows - mean) / np.sqrt(variance)).astype(np.float32)
    return scaled
