"""A network on bags: fitted on some tiles of some slides, then asked about all tiles by the engine that users have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import one_ahead
from cancernet.bags import OpenBags, pad_bags, sample_bag
from cancernet.bundle import Execution
from cancernet.engine import load_network
from cancernet.models import Attention, build_attention
from cancernet.tasks import TaskKind
from cancernet.training.checkpoint import Checkpoint
from cancernet.training.network import Network, Watched
from cancernet.training.options import BagTraining
from cancernet.training.seeds import seed_of

if TYPE_CHECKING:
    import keras

__all__ = ["BAG_EXECUTION", "BagFeed", "BagLearner", "BagStandard", "FittedBags"]

BAG_EXECUTION = Execution()
"""How the engine runs the network: exactly, since its time goes into the encoder before it."""

_WATCHED = 2**24  # numbers in the bags whose loss is followed, at most: 64 MB

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BagStandard:
    """Mean and variance of each feature over the tiles of the fitted slides, each slide counting alike: (width,)."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def fit(cls, bags: OpenBags, rows: Rows) -> BagStandard:
        """Learn from some slides; a feature without spread gets variance 1."""
        mean = bags.means[rows].mean(axis=0)
        variance = bags.squares[rows].mean(axis=0) - mean**2
        spread = variance > 1e-12 * np.maximum(1.0, mean**2)
        return cls(mean, np.where(spread, variance, 1.0))

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return standardised features, (tiles, width) float32."""
        mean, scale = (part.astype(np.float32) for part in (self.mean, np.sqrt(self.variance)))
        return (features - mean) / scale


@dataclass(frozen=True, eq=False)
class FittedBags:
    """Weights after the last epoch, with what features were standardised by; `history` as in `Fit`."""

    weights: list[NDArray[np.float32]]
    standard: BagStandard
    epochs: int
    history: tuple[dict[str, float], ...]


class BagFeed:
    """Tiles of slides, drawn anew in every epoch.

    Each batch has a random state of its own, made of seed, epoch and place, so that results depend neither on threads
    nor on where an interrupted fit went on.

    Parameters
    ----------
    bags, rows
        All slides, and which of them are fitted on, (m,).
    standard
        Learnt from these.
    tiles
        Of each bag.
    seed
        Of the draw.
    """

    def __init__(self, bags: OpenBags, rows: Rows, *, standard: BagStandard, tiles: int, seed: int) -> None:
        self._bags, self._rows, self._standard, self._tiles, self._seed = bags, rows, standard, tiles, seed

    def __len__(self) -> int:
        """Return the number of slides."""
        return len(self._rows)

    def batches(self, batches: Sequence[Rows], *, epoch: int) -> Iterator[NDArray[Any]]:
        """Yield padded bags, (slides, tiles, width + 1), the next batch being made in a thread meanwhile."""

        def make(place: int) -> NDArray[np.float32]:
            generator = np.random.default_rng(seed_of(self._seed, epoch, place))
            return self.drawn(self._rows[batches[place]], generator)

        return one_ahead(make(place) for place in range(len(batches)))

    def drawn(self, rows: Rows, generator: np.random.Generator) -> NDArray[np.float32]:
        """Return slides by their numbers, padded."""
        bags = [sample_bag(self._bags.features(row), self._tiles, generator=generator) for row in rows.tolist()]
        return pad_bags([self._standard.apply(bag) for bag in bags], self._tiles)


class BagLearner:
    """Fits gated attention on some slides of a set.

    Parameters
    ----------
    bags
        All slides.
    codes
        Class codes, (n,).
    kind, classes
        Of the task.
    model, options
        Of the network and of its training.
    advance
        Called after every epoch.
    """

    def __init__(
        self,
        bags: OpenBags,
        codes: NDArray[np.int64],
        *,
        kind: TaskKind,
        classes: int,
        model: Attention,
        options: BagTraining,
        advance: Callable[[], None] | None = None,
    ) -> None:
        self.bags, self.codes = bags, codes
        self._tiles = max(2, min(options.tiles, int(bags.counts.max())))  # Keras warns of a softmax over one
        self._known: dict[str, Any] = {"kind": kind, "options": model}
        self._classes = classes
        self._network = Network(
            lambda: build_attention(bags.width, classes, tiles=self._tiles, **self._known),
            options,
            kind=kind,
            classes=classes,
            advance=advance,
        )

    def fit(
        self, rows: Rows, *, seed: int, watched: Rows | None = None, checkpoint: Checkpoint | None = None
    ) -> FittedBags:
        """Fit on `rows` for all epochs; the loss of `watched` rows is written into the history and decides nothing."""
        standard = BagStandard.fit(self.bags, rows)
        feed = BagFeed(self.bags, rows, standard=standard, tiles=self._tiles, seed=seed)
        follow = None if watched is None else self._watched(feed, watched, seed)
        fit = self._network.fit(feed, self.codes[rows], seed=seed, watched=follow, checkpoint=checkpoint)
        return FittedBags(fit.weights, standard, fit.epochs, fit.history)

    def model(self, fitted: FittedBags) -> keras.Model:
        """Return the network that takes raw features of any number of tiles, for the bundle."""
        standard = (fitted.standard.mean, fitted.standard.variance)
        model = build_attention(self.bags.width, self._classes, standard=standard, **self._known)
        model.set_weights(fitted.weights)
        return model

    def logits(self, fitted: FittedBags, rows: Rows) -> NDArray[np.float64]:
        """Return the logits (m, width) of all tiles of some slides, one after the other, as the engine gives them."""
        with load_network(self.model(fitted), BAG_EXECUTION) as engine:
            bags = (pad_bags([self.bags.features(row)]) for row in rows.tolist())
            return np.concatenate([outputs.logits for outputs in engine.stream(bags)]).astype(np.float64)

    def _watched(self, feed: BagFeed, rows: Rows, seed: int) -> Watched:
        """Return the slides to follow, a sample where there are many."""
        generator = np.random.default_rng(seed)
        most = max(1, _WATCHED // (self._tiles * (self.bags.width + 1)))
        if len(rows) > most:
            rows = np.sort(generator.choice(rows, most, replace=False))
        return Watched(feed.drawn(rows, generator), self.codes[rows])
