"""A segmenter fitted on crops of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import find
from cancernet.bundle.store import KERAS
from cancernet.engine import load_keras
from cancernet.errors import BundleMismatch
from cancernet.models import Segmenter, build_segmenter, keras_library, quickly_normalised
from cancernet.training.options import SegmenterTraining
from cancernet.training.scenes import Scene, draw_crops, prepare_scene
from cancernet.training.seeds import seed_of

if TYPE_CHECKING:
    import keras

__all__ = ["FittedSegmenter", "Scene", "SegmenterLearner", "prepare_scene", "segmentation_loss"]

_DICE, _DISTANCE = 0.5, 2.0  # weights beside the cross-entropy of 1


@dataclass(frozen=True, eq=False)
class FittedSegmenter:
    """Weights after the last epoch; `history` has a row per epoch: epoch, learning_rate, loss."""

    weights: list[NDArray[np.float32]]
    history: tuple[dict[str, float], ...]


class SegmenterLearner:
    """Fits a segmenter, each time from its start.

    Parameters
    ----------
    model, options
        Of the network and of its training.
    maps
        How many maps it gives: the classes but the background, and the distance.
    advance
        Called after every epoch.
    """

    def __init__(
        self,
        model: Segmenter,
        options: SegmenterTraining,
        *,
        maps: int,
        advance: Callable[[], None] | None = None,
    ) -> None:
        self.model_options, self.options, self._maps = model, options, maps
        self._advance = advance or (lambda: None)

    def fit(self, scenes: Sequence[Scene], *, seed: int) -> FittedSegmenter:
        """Fit on the scenes for all epochs."""
        keras, options = keras_library(), self.options
        keras.utils.set_random_seed(seed)
        network = self._compiled()
        count = -(-options.crops // options.batch_size)
        steps = [len(part) for part in np.array_split(np.arange(options.crops), count)]
        history, stained = [], self.model_options.colours == "rgb"
        for epoch in range(options.epochs):
            crops = draw_crops(scenes, options, batches=steps, seed=seed_of(seed, epoch), stained=stained)
            network.optimizer.learning_rate = options.rate(epoch)
            losses = [float(network.train_on_batch(images, targets)) for images, targets in crops]
            history.append({"epoch": epoch + 1, "learning_rate": options.rate(epoch), "loss": float(np.mean(losses))})
            self._advance()
        return FittedSegmenter(network.get_weights(), tuple(history))

    def network(self, fitted: FittedSegmenter) -> keras.Model:
        """Return the network for tiles, for the bundle."""
        model = build_segmenter(self.options.tile, self._maps, options=self.model_options)
        model.set_weights(fitted.weights)
        return model

    def _compiled(self) -> Any:
        """Return the network for crops, ready to be fitted."""
        keras, options = keras_library(), self.options
        fresh = build_segmenter(options.crop, self._maps, options=self.model_options)
        if options.start is not None:
            _start_from(fresh, options.start)
        network = quickly_normalised(fresh)
        optimiser = keras.optimizers.AdamW(options.learning_rate, weight_decay=options.weight_decay)
        network.compile(optimiser, segmentation_loss, jit_compile=False)
        return network


def segmentation_loss(targets: Any, logits: Any) -> Any:
    """Return the loss of a batch: cross-entropy of all maps, Dice of the classes, squared error of the distance.

    Parameters
    ----------
    targets
        Shape (n, h, w, maps), uint8, 255 for 1; the last map is the distance.
    logits
        Shape (n, h, w, maps).

    References
    ----------
    Dice loss: Milletari et al. 2016, arXiv:1606.04797.
    """
    ops = keras_library().ops
    wanted = ops.cast(targets, "float32") / 255.0
    logits = ops.cast(logits, "float32")
    shares = ops.sigmoid(logits)
    entropy = ops.mean(ops.relu(logits) - logits * wanted + ops.log1p(ops.exp(-ops.abs(logits))))
    error = ops.mean(ops.square(shares[..., -1] - wanted[..., -1]))
    found, true = shares[..., :-1], wanted[..., :-1]
    axes = (0, 1, 2)
    dice = (2 * ops.sum(found * true, axis=axes) + 1) / (ops.sum(found, axis=axes) + ops.sum(true, axis=axes) + 1)
    return 2 * entropy + _DICE * ops.mean(1 - dice) + _DISTANCE * error


def _start_from(network: keras.Model, name_or_path: str) -> None:
    """Give a network the weights of a bundle."""
    weights = load_keras(find(name_or_path) / KERAS).get_weights()
    if [part.shape for part in weights] != [part.shape for part in network.get_weights()]:
        raise BundleMismatch(
            f"The network of '{name_or_path}' has other layers than the one of the study",
            "The same widths and number of classes",
            "Change [model], or leave training.start out",
        )
    network.set_weights(weights)
