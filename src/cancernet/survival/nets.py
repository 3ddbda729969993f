"""Networks for survival: several, each stopped by another fold of the training rows; their mean is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import Survival
from cancernet.models import average_of
from cancernet.survival.answers import answer
from cancernet.survival.chances import level_members, level_shift
from cancernet.survival.cox import fit_cox
from cancernet.survival.inner import inner_folds
from cancernet.survival.losses import Goal, goal_of, interval_ends
from cancernet.survival.options import CoxOptions, NetworkOptions
from cancernet.survival.outcome import Outcome
from cancernet.survival.predicted import Baseline
from cancernet.survival.trainer import Trainer, Weights, choose_epochs, trainer_for
from cancernet.training import seed_of

if TYPE_CHECKING:
    import keras

__all__ = ["NetworkModel", "fit_network"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """Fitted networks.

    Parameters
    ----------
    mean, variance
        Shape (p,), of the training rows, in the units of the columns.
    members
        The weights of each network.
    trainer
        Builds the networks, and runs them.
    part
        How logits become curves.
    epochs
        Of each network.
    """

    mean: Floats
    variance: Floats
    members: tuple[Weights, ...]
    trainer: Trainer
    part: Survival
    epochs: tuple[int, ...]

    def logits(self, values: ArrayLike) -> Floats:
        """Return the mean logits of rows, (n, width)."""
        return np.asarray(np.mean(self.each(values), axis=0), dtype=np.float64)

    def each(self, values: ArrayLike) -> Floats:
        """Return the logits of each network, (networks, n, width)."""
        scaled = _scaled(np.asarray(values, dtype=np.float64), self.mean, self.variance)
        return np.array([self.trainer.logits(weights, scaled) for weights in self.members])

    def risk(self, values: ArrayLike) -> Floats:
        """Return the risk, (n,): higher means sooner."""
        return answer(self.part, self.logits(values), times=()).risk

    def survival(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to be free of the event, (n, times)."""
        return answer(self.part, self.logits(values), times=np.asarray(times, dtype=np.float64).tolist()).survival

    def incidence(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to have had each cause first, (n, times, causes)."""
        return answer(self.part, self.logits(values), times=np.asarray(times, dtype=np.float64).tolist()).incidence

    def median(self, values: ArrayLike) -> Floats:
        """Return the median time to the event, (n,); NaN where the follow-up is too short to see it."""
        return answer(self.part, self.logits(values), times=()).median

    def network(self) -> keras.Model:
        """Return the mean of the networks as one that takes raw columns, for the bundle."""
        return average_of([self._raw(weights) for weights in self.members])

    def _raw(self, weights: Weights) -> keras.Model:
        """Return one network that takes raw columns."""
        model = self.trainer.build((self.mean, self.variance))
        model.set_weights(weights)
        return model


def fit_network(
    values: ArrayLike, outcome: Outcome, *, options: NetworkOptions, groups: NDArray[np.generic], seed: int = 0
) -> NetworkModel:
    """Fit networks on training rows.

    Each inner fold stops one network, which is fitted on the others; the answer is the mean of their logits. The held
    rows, which their network has not been fitted on, set the level. Of a "cox-network" their log hazards are scaled by
    one number, and give the baseline hazard, both by the partial likelihood: a network's own rows would make it too
    sure. Of chances in intervals all logits of a cause are moved by one number, so that as many events are expected as
    were seen: with dropout a network learns chances of noisy logits, which are higher than those of the quiet ones that
    it answers with. Then the mean of the logits is moved to say what the networks say in the mean.

    Parameters
    ----------
    values
        Shape (n, p), raw units, no gaps.
    outcome
        Of the n rows; all causes are one event, unless the options ask for competing hazards.
    options
        Which network, and how; with body "conv1d" the first 30 columns are the nuclear features, "auto" is dense.
    groups
        Shape (n,): rows of one group stay together in the inner folds.
    seed
        Of folds, weights, order of rows and dropout.

    References
    ----------
    Katzman et al. 2018, doi:10.1186/s12874-018-0482-1 ("cox-network"); Gensheimer and Narasimhan 2019,
    doi:10.7717/peerj.6257 ("logistic-hazard"); Tutz and Schmid 2016, doi:10.1007/978-3-319-28158-2, chapter 8
    ("competing-hazards").
    """
    rows = np.asarray(values, dtype=np.float64)
    mean, spread = rows.mean(axis=0), rows.var(axis=0)
    variance = np.where(spread > 1e-24 * (1 + mean**2), spread, 1.0)
    known = outcome if options.name == "competing-hazards" else outcome.of_any_cause()
    ends = None if options.name == "cox-network" else interval_ends(known, options.intervals)
    goal = goal_of(known, ends)
    trainer = trainer_for(rows.shape[1], goal.outputs, loss=goal.loss, options=options)
    scaled, held_logits = _scaled(rows, mean, variance), np.empty((len(rows), goal.outputs))
    folds = inner_folds(known, groups, folds=options.inner_folds, seed=seed)
    members, epochs = _members(trainer, scaled, goal, folds=folds, seed=seed)
    for held, weights in zip(folds, members, strict=True):
        held_logits[held] = trainer.logits(weights, scaled[held])
    if ends is None:
        members, part = _scaled_hazard(members, held_logits[:, 0], known)
        return NetworkModel(mean, variance, members, trainer, part, epochs)
    each = [trainer.logits(weights, scaled) for weights in members]
    members = _levelled(members, each, held_logits, targets=goal.targets, causes=len(known.causes))
    return NetworkModel(mean, variance, members, trainer, _part(known, ends), epochs)


def _members(
    trainer: Trainer, scaled: NDArray[np.float32], goal: Goal, *, folds: list[NDArray[np.int64]], seed: int
) -> tuple[tuple[Weights, ...], tuple[int, ...]]:
    """Return one network for each inner fold, fitted without it, and after which epoch it was stopped."""
    fits = []
    for number, held in enumerate(folds):
        fitted = np.delete(np.arange(len(scaled)), held)
        fits.append(trainer.fit(scaled, goal, fitted=fitted, held=held, seed=seed_of(seed, number)))
    together = trainer.options.stopping == "together"
    epochs = choose_epochs(fits, [len(held) for held in folds], together=together)
    return tuple(fit.kept[epoch] for fit, epoch in zip(fits, epochs, strict=True)), tuple(epochs)


def _part(outcome: Outcome, ends: Floats) -> Survival:
    """Return how chances in intervals become curves."""
    causes = outcome.causes if len(outcome.causes) > 1 else ()
    times = tuple(ends.tolist())
    return Survival(form="hazards", unit=outcome.unit, times=times, end=outcome.follow_up, causes=causes)


def _levelled(
    members: tuple[Weights, ...], each: list[Floats], held: Floats, *, targets: NDArray[np.float32], causes: int
) -> tuple[Weights, ...]:
    """Return networks whose logits are moved so that their mean is at the right level."""
    shift = level_shift(held, targets, causes)
    shift += level_members([logits + shift for logits in each], targets, causes)
    return tuple([*weights[:-1], weights[-1] + shift.astype(np.float32)] for weights in members)


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


def _scaled(rows: Floats, mean: Floats, variance: Floats) -> NDArray[np.float32]:
    """Return standardised rows."""
    scaled: NDArray[np.float32] = ((rows - mean) / np.sqrt(variance)).astype(np.float32)
    return scaled
