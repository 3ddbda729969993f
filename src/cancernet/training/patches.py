"""A network on patches: fitted on some rows of a pack, then asked through the engine that users will have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution
from cancernet.engine import load_network, run_in_batches
from cancernet.files import give_back_pages
from cancernet.models import CancerNet, average_of, keras_library
from cancernet.tasks import TaskKind
from cancernet.training.backbone import OpenBackbone, build_network
from cancernet.training.checkpoint import Checkpoint
from cancernet.training.feed import PatchFeed
from cancernet.training.network import Network, Truth, Watched
from cancernet.training.options import PatchTraining

if TYPE_CHECKING:
    import keras

__all__ = ["PATCH_TOLERANCE", "FittedPatches", "Known", "PatchLearner", "execution_of"]

PATCH_TOLERANCE = {"bf16": 5e-2, "f32": 1e-5}  # largest difference of a probability from Keras, by precision
_ASKED = 4096  # patches that are taken from the pack at once
_WATCHED = 2000  # patches whose loss is followed, at most: more would only cost time


@dataclass(frozen=True, eq=False)
class FittedPatches:
    """Weights after the last epoch; `history` as in `Fit`."""

    weights: list[NDArray[np.float32]]
    epochs: int
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of each image.

    Parameters
    ----------
    codes
        Class codes, (n,).
    auxiliary
        Numbers that the network learns to tell as well, (n, k), raw, NaN where unknown; None without.
    """

    codes: NDArray[np.int64]
    auxiliary: NDArray[np.float64] | None = None


class PatchLearner:
    """Fits CancerNet, or a network on a backbone, on rows of one pack.

    Parameters
    ----------
    images
        The pack, (n, size, size, 3) uint8; it may lie on disk.
    known
        What is known of each image.
    kind, classes
        Of the task.
    model, options
        Of the network and of its training.
    advance
        Called after every epoch.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        known: Known,
        *,
        kind: TaskKind,
        classes: int,
        model: CancerNet | OpenBackbone,
        options: PatchTraining,
        advance: Callable[[], None] | None = None,
    ) -> None:
        self.images, self.known, self.options = images, known, options
        size = images.shape[1]

        def build() -> keras.Model:
            with _policy(options):
                return build_network(size, classes, kind=kind, model=model)

        self._network = Network(
            build,
            options,
            kind=kind,
            classes=classes,
            auxiliary=0 if known.auxiliary is None else known.auxiliary.shape[1],
            advance=advance,
        )

    @property
    def parameters(self) -> int:
        """How many weights the network has."""
        return int(self._network.model.count_params())

    def fit(
        self,
        rows: NDArray[np.int64],
        *,
        seed: int,
        watched: NDArray[np.int64] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> FittedPatches:
        """Fit on `rows` for all epochs; the loss of `watched` rows is written into the history and decides nothing."""
        feed = PatchFeed(self.images, rows, augmentation=self.options.augmentation, seed=seed)
        follow = None if watched is None else self._watched(watched, seed)
        truth = Truth(self.known.codes[rows], self._numbers(rows))
        fit = self._network.fit(feed, truth, seed=seed, watched=follow, checkpoint=checkpoint)
        return FittedPatches(fit.weights, fit.epochs, fit.history)

    def model(self, fits: Sequence[FittedPatches]) -> keras.Model:
        """Return the network that takes patches, for the bundle; of several fits the mean of their logits."""
        networks = [self._network.with_weights(fit.weights) for fit in fits]
        return networks[0] if len(networks) == 1 else average_of(networks)

    def logits(
        self, fits: Sequence[FittedPatches], rows: NDArray[np.int64], *, test_times: Sequence[str] = ("none",)
    ) -> dict[str, NDArray[np.float64]]:
        """Return the logits (m, width) of rows of the pack, for each way to turn them, as the engine gives them."""
        found: dict[str, list[NDArray[np.float32]]] = {way: [] for way in test_times}
        with load_network(self.model(fits), execution_of(self.options)) as engine:
            for start in range(0, len(rows), _ASKED):
                part = self.images[rows[start : start + _ASKED]]
                give_back_pages(self.images)
                for way, logits in found.items():
                    logits.append(run_in_batches(engine, part, test_time=way).logits)
        return {way: np.concatenate(logits).astype(np.float64) for way, logits in found.items()}

    def _numbers(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the auxiliary numbers of the rows, standardised by them; what is missing is their mean."""
        if self.known.auxiliary is None:
            return None
        known = self.known.auxiliary[rows]
        spread = np.nanstd(known, axis=0)
        standard = (known - np.nanmean(known, axis=0)) / np.where(spread > 0, spread, 1.0)
        filled: NDArray[np.float32] = np.nan_to_num(standard, nan=0.0).astype(np.float32)
        return filled

    def _watched(self, rows: NDArray[np.int64], seed: int) -> Watched:
        """Return the rows to follow, a sample where there are many."""
        if len(rows) > _WATCHED:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _WATCHED, replace=False))
        return Watched(self.images[rows], self.known.codes[rows])


def execution_of(options: PatchTraining, test_time: str = "none") -> Execution:
    """Return how the engine runs the network, for the card."""
    precision = options.precision
    return Execution.model_validate(
        {"precision": precision, "tolerance": PATCH_TOLERANCE[precision], "test_time": test_time}
    )


@contextmanager
def _policy(options: PatchTraining) -> Iterator[None]:
    """Let layers that are made in the block compute in bfloat16 when the options ask for it."""
    config = keras_library().config
    before = config.dtype_policy()
    if options.mixed_bfloat16:
        config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        config.set_dtype_policy(before)
