"""The networks for survival: columns to one log hazard, or to logits of chances in intervals; dense or with conv1d."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.models.backend import keras_library
from cancernet.models.conv1d import normalisation_layers

if TYPE_CHECKING:
    import keras

__all__ = ["NUCLEAR", "build_hazard"]

NUCLEAR = 30
"""The columns that the convolutions take: ten means, ten standard errors and ten worst values of nuclear features."""

_FEATURES, _STATISTICS = 10, 3


def build_hazard(
    columns: int,
    outputs: int,
    *,
    hidden: tuple[int, ...] = (32, 32),
    filters: tuple[int, ...] = (),
    dropout: float = 0.3,
    l2: float = 1e-3,
    standard: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> keras.Model:
    """Return a network of dense layers with batch normalisation and dropout, after convolutions if asked for.

    Parameters
    ----------
    columns
        Of the input, (n, columns), float32; with filters the first 30 are the nuclear features.
    outputs
        How many logits: 1 for a log hazard, or one for each interval of time.
    hidden
        Units of each hidden layer; the last one is called `features`.
    filters
        Of each convolution of width 3 over the ten nuclear features, whose channels are mean, standard error and worst,
        each with batch normalisation and max pooling. Columns after the first 30 join before the dense layers. Without
        filters all columns go to the dense layers.
    dropout
        Share of the units that are left out in each step of training.
    l2
        Weight of the squared norms of the kernels in the loss.
    standard
        Means and variances of raw columns, both (columns,): the network standardises them itself. None: it takes
        standardised columns. The weights are the same in number and order either way.

    Raises
    ------
    MissingExtra
        When Keras is not installed.
    """
    keras = keras_library()
    layers, penalty = keras.layers, keras.regularizers.L2(l2)
    inputs = keras.Input((columns,), name="standardised" if standard is None else "input")
    x: Any = inputs
    for layer in () if standard is None else normalisation_layers(*standard):
        x = layer(x)
    if filters:
        x = _convolved(x, columns - NUCLEAR, filters, penalty)
    for number, units in enumerate(hidden, start=1):
        x = layers.Dense(units, kernel_regularizer=penalty, use_bias=False, name=f"dense{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"batch_normalisation{number}")(x)
        x = layers.Activation("relu", name="features" if number == len(hidden) else f"activation{number}")(x)
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    return keras.Model(inputs, layers.Dense(outputs, kernel_regularizer=penalty, name="logits")(x), name="hazard")


def _convolved(x: Any, others: int, filters: tuple[int, ...], penalty: Any) -> Any:
    """Return what the convolutions make of the nuclear features, with the other columns beside it."""
    layers = keras_library().layers
    row = layers.Reshape((NUCLEAR + others, 1), name="row")(x)
    nuclear = layers.Cropping1D((0, others), name="nuclear")(row) if others else row
    y = layers.Reshape((_STATISTICS, _FEATURES), name="statistics")(nuclear)
    y = layers.Permute((2, 1), name="layout")(y)  # (n, 10 features, 3 statistics)
    for number, width in enumerate(filters, start=1):
        y = layers.Conv1D(
            width, 3, padding="same", use_bias=False, kernel_regularizer=penalty, name=f"convolution{number}"
        )(y)
        y = layers.BatchNormalization(momentum=0.9, name=f"convolution_normalisation{number}")(y)
        y = layers.Activation("elu", name=f"convolution_activation{number}")(y)
        y = layers.MaxPooling1D(2, padding="same", name=f"pool{number}")(y)
    flat = layers.Flatten(name="flatten")(y)
    if not others:
        return flat
    beside = layers.Flatten(name="beside")(layers.Cropping1D((NUCLEAR, 0), name="others")(row))
    return layers.Concatenate(name="joined")([flat, beside])
