"""Losses on class codes and logits, by the kind of task; stock losses of Keras wherever there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cancernet.models import keras_library
from cancernet.tasks import TaskKind
from cancernet.training.options import FitOptions

__all__ = ["Loss", "likelihood", "loss_of"]

Loss = Callable[[Any, Any], Any]
"""Takes class codes (n,) and logits (n, width), returns the loss of each row (n,)."""

_BEYOND = 40.0  # a cut-point that no severity reaches: its sigmoid is 1 in float32
_TINY = 1e-7


def likelihood(kind: TaskKind) -> Loss:
    """Return the negative log-likelihood of the true class."""
    return _cumulative_link if kind == "ordinal" else _cross_entropy


def loss_of(kind: TaskKind, options: FitOptions, *, classes: int) -> Loss:
    """Return what training minimises: the likelihood, or the focal or smoothed one that the options ask for."""
    if kind == "ordinal" or not (options.focal or options.label_smoothing):
        return likelihood(kind)
    return _categorical(options, classes)


def _categorical(options: FitOptions, classes: int) -> Loss:
    """Return the stock loss on one-hot labels."""
    keras = keras_library()
    shared = {"from_logits": True, "label_smoothing": options.label_smoothing, "reduction": None}
    if options.focal:
        stock = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=options.focal, **shared)
    else:
        stock = keras.losses.CategoricalCrossentropy(**shared)

    def on_codes(codes: Any, logits: Any) -> Any:
        return stock(keras.ops.one_hot(keras.ops.reshape(codes, (-1,)), classes), logits)

    return on_codes


def _cross_entropy(codes: Any, logits: Any) -> Any:
    """Return -log P(class) of a softmax."""
    return keras_library().losses.sparse_categorical_crossentropy(codes, logits, from_logits=True)


def _cumulative_link(codes: Any, logits: Any) -> Any:
    """Return -log P(grade) where entry k of the logits (n, classes - 1) is logit P(grade <= k).

    log(sigmoid(a) - sigmoid(b)) = log sigmoid(a) + log sigmoid(-b) + log(1 - exp(b - a)), which keeps its gradient far
    from the cut-points. McCullagh 1980, doi 10.1111/j.2517-6161.1980.tb01109.x, eq. 1.1.
    """
    ops = keras_library().ops
    cuts = ops.cast(logits, "float32")
    chosen = ops.one_hot(ops.reshape(codes, (-1,)), cuts.shape[-1] + 1, dtype="float32")
    upper = ops.sum(chosen * ops.pad(cuts, ((0, 0), (0, 1)), constant_values=_BEYOND), axis=-1)
    lower = ops.sum(chosen * ops.pad(cuts, ((0, 0), (1, 0)), constant_values=-_BEYOND), axis=-1)
    apart = ops.log(1.0 - ops.exp(ops.minimum(lower - upper, 0.0)) + _TINY)
    return -(ops.log_sigmoid(upper) + ops.log_sigmoid(-lower) + apart)
