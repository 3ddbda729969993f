"""Gated attention over the tiles of a slide: one answer for a bag, and how much each tile counted for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cancernet.models.backend import keras_library
from cancernet.models.heads import logits_of
from cancernet.tasks import TaskKind

if TYPE_CHECKING:
    import keras

__all__ = ["Attention", "build_attention"]

_NEVER = 2.0**14  # taken off the score of padding, whose exponential is then 0


class Attention(BaseModel):
    """Options of the network.

    Parameters
    ----------
    hidden
        Numbers that each tile is brought to before tiles are weighed; a bag has as many, called `features`.
    attention
        Units of each of the two gates.
    dropout
        Share of units dropped of each tile, and of the bag before its logits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["attention"] = "attention"
    hidden: int = Field(default=128, ge=1, le=65_536)
    attention: int = Field(default=64, ge=1, le=65_536)
    dropout: float = Field(default=0.25, ge=0, lt=1)


def build_attention(
    width: int,
    classes: int,
    *,
    kind: TaskKind = "multiclass",
    tiles: int | None = None,
    options: Attention | None = None,
    standard: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> keras.Model:
    """Return the network for bags, with random weights.

    The input has shape (bags, tiles, width + 1), float32; its last column is 1 for a tile and 0 for padding. Each tile
    becomes h = relu(W x). It weighs softmax(w (tanh(V h) * sigmoid(U h))) over the tiles of its bag, where padding
    weighs nothing, and a bag is the weighted mean of its h. That is the layer called `features`; the weights, shape
    (bags, tiles, 1), are that called `attention`, and the output is `logits`.

    Parameters
    ----------
    width
        Numbers that describe a tile.
    classes
        Number of classes.
    kind
        Of the task.
    tiles
        Of each bag; None: any number.
    options
        Widths and dropout; the defaults when None.
    standard
        Mean and variance of each number, (width,) each, by which a first layer standardises; None: it is done already.

    Raises
    ------
    MissingExtra
        When Keras is not installed.

    References
    ----------
    Ilse et al. 2018, arXiv:1802.04712, equations 8 and 9.
    """
    keras, chosen = keras_library(), options or Attention()
    layers = keras.layers
    inputs = keras.Input((tiles, width + 1), name="input")
    hidden = layers.Dense(chosen.hidden, activation="relu", name="embedding")(_standardised(inputs, standard))
    hidden = layers.Dropout(chosen.dropout, name="tile_dropout")(hidden)
    scores = layers.Add(name="scores")([_scores(hidden, chosen), _absence(inputs, width)])
    weights = layers.Softmax(axis=1, dtype="float32", name="attention")(scores)
    pooled = layers.Dot(axes=1, name="pooled")([weights, hidden])  # (bags, 1, hidden)
    features = layers.Reshape((chosen.hidden,), name="features")(pooled)
    kept = layers.Dropout(chosen.dropout, name="dropout")(features)
    return keras.Model(inputs, logits_of(kept, classes, kind=kind), name=chosen.name)


def _standardised(inputs: Any, standard: tuple[NDArray[np.float64], NDArray[np.float64]] | None) -> Any:
    """Return the inputs with each number standardised; the last column stays as it is."""
    if standard is None:
        return inputs
    means, variances = ([*part.tolist(), end] for part, end in zip(standard, (0.0, 1.0), strict=True))
    return keras_library().layers.Normalization(mean=means, variance=variances, name="normalisation")(inputs)


def _scores(hidden: Any, options: Attention) -> Any:
    """Return the score of each tile, (bags, tiles, 1)."""
    layers = keras_library().layers
    content = layers.Dense(options.attention, activation="tanh", name="content")(hidden)
    gate = layers.Dense(options.attention, activation="sigmoid", name="gate")(hidden)
    return layers.Dense(1, use_bias=False, name="score")(layers.Multiply(name="gated")([content, gate]))


def _absence(inputs: Any, width: int) -> Any:
    """Return 0 for each tile and a large negative number for padding, (bags, tiles, 1), from the last column.

    The fixed layer is relu(1 - last column). Without the relu, engines join the steps into score - large + large * last
    column, in which the score loses its last digits.
    """
    layers = keras_library().layers
    absent = layers.Dense(1, activation="relu", trainable=False, name="absent")
    found = absent(inputs)
    absent.set_weights([-np.eye(width + 1, dtype=np.float32)[:, -1:], np.ones(1, dtype=np.float32)])
    return layers.Rescaling(-_NEVER, name="absence")(found)
