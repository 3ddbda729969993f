"""conv1d: the 1-D convolutional network for tables, first of all for the 30 nuclear features of an aspirate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cancernet.models.backend import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["LAYOUTS", "Conv1D", "Layout", "build_conv1d", "normalisation_layers", "with_normalisation"]

Layout = Literal["10x3", "columns"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
_STATISTICS = 3  # mean, standard error, worst
_LARGEST_SPREAD = 2.0**16  # beyond it, or below its inverse, a column is brought to about 1 before it is standardised


class Conv1D(BaseModel):
    """Options of the network.

    Parameters
    ----------
    filters
        Of each block (convolution of width 3, batch normalisation, activation, max pooling by 2).
    activation
        After each convolution and in the dense layer. "elu" gave a higher out-of-fold AUROC on the Wisconsin table than
        "relu" (0.995 and 0.994), because it stays nearly linear where a linear model is hard to beat.
    dense
        Width of the dense layer before the logits; its output is the vector called `features`.
    noise
        Standard deviation of the Gaussian noise added to the standardised columns while training; it raised the
        out-of-fold AUROC on the Wisconsin table by about 0.001.
    dropout
        Share of units dropped before and after the dense layer; beside the noise, more of it made the network worse.
    l2
        Weight of the squared norm of all kernels in the loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["conv1d"] = "conv1d"
    filters: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(default=(32, 64), min_length=1)
    activation: Literal["elu", "relu", "tanh"] = "elu"
    dense: int = Field(default=32, ge=1, le=65_536)
    noise: float = Field(default=0.4, ge=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    l2: float = Field(default=1e-2, ge=0)


def build_conv1d(
    columns: int, classes: int, *, layout: Layout = "columns", options: Conv1D | None = None
) -> keras.Model:
    """Return the network for standardised columns, with random weights.

    The input has shape (n, columns), float32, mean 0 and standard deviation 1 per column. With layout "10x3" the
    30 columns are ten means, ten standard errors and ten worst values in this order, and the convolutions slide over
    the ten features with three channels. With layout "columns" they slide over the columns in the order of the table,
    with one channel. The output has shape (n, classes): logits.

    Parameters
    ----------
    columns
        Number of input columns; 30 for layout "10x3".
    classes
        Number of logits, at least 2.
    layout
        How columns become positions and channels.
    options
        Widths and dropout; the defaults when None.

    Raises
    ------
    MissingExtra
        When Keras is not installed.
    """
    layers = keras_library().layers
    chosen = options or Conv1D()
    entrance = [layers.Input((columns,), name="standardised"), layers.GaussianNoise(chosen.noise, name="noise")]
    stack = [*entrance, *_layout_layers(columns, layout)]
    for number, filters in enumerate(chosen.filters, start=1):
        stack += _block(filters, number, chosen)
    return keras_library().Sequential([*stack, *_head(classes, chosen)], name="conv1d")


def with_normalisation(core: keras.Model, *, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> keras.Model:
    """Return the network for raw columns: a `Normalization` layer followed by the layers of `core`, weights shared.

    `Normalization` divides by 1e-7 at least, and squares in float32; a column whose spread is far from 1, such as a
    concentration in mol/l, is therefore multiplied by a power of two before, which is exact, in a `Rescaling` layer.

    Parameters
    ----------
    core
        What `build_conv1d` returned, trained or not.
    mean, variance
        Of the training rows, shape (columns,), raw units; variances above zero.
    """
    keras = keras_library()
    entrance = [keras.layers.Input((len(mean),), name="input"), *normalisation_layers(mean, variance)]
    return keras.Sequential([*entrance, *core.layers], name=core.name)


def normalisation_layers(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> list[keras.Layer]:
    """Return the layers that standardise raw columns; see `with_normalisation`."""
    keras = keras_library()
    factors = _factors(np.sqrt(variance))
    means, variances = (mean * factors).tolist(), (variance * factors**2).tolist()
    rescaling = [keras.layers.Rescaling(factors.tolist(), name="rescaling")] if (factors != 1).any() else []
    return [*rescaling, keras.layers.Normalization(mean=means, variance=variances, name="normalisation")]


def _factors(spreads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each column the power of two that brings its standard deviation near 1; 1 where it is not far."""
    exponents = np.round(np.log2(spreads))
    return np.where(np.abs(exponents) > np.log2(_LARGEST_SPREAD), 2.0**-exponents, 1.0)


def _layout_layers(columns: int, layout: Layout) -> list[keras.Layer]:
    """Return the layers that turn (n, columns) into (n, positions, channels)."""
    layers = keras_library().layers
    if layout == "columns":
        return [layers.Reshape((columns, 1), name="layout")]
    features = columns // _STATISTICS
    return [layers.Reshape((_STATISTICS, features), name="statistics"), layers.Permute((2, 1), name="layout")]


def _block(filters: int, number: int, options: Conv1D) -> list[keras.Layer]:
    """Return convolution, batch normalisation, activation and max pooling."""
    keras = keras_library()
    layers = keras.layers
    return [
        layers.Conv1D(
            filters,
            3,
            padding="same",
            use_bias=False,
            kernel_regularizer=keras.regularizers.L2(options.l2),
            name=f"conv{number}",
        ),
        layers.BatchNormalization(momentum=0.9, name=f"batch_normalisation{number}"),
        layers.Activation(options.activation, name=f"activation{number}"),
        layers.MaxPooling1D(2, padding="same", name=f"pool{number}"),
    ]


def _head(classes: int, options: Conv1D) -> list[keras.Layer]:
    """Return the dense layers; the one called `features` is the penultimate vector."""
    keras = keras_library()
    layers, l2 = keras.layers, keras.regularizers.L2(options.l2)
    return [
        layers.Flatten(name="flatten"),
        layers.Dropout(options.dropout, name="dropout1"),
        layers.Dense(options.dense, activation=options.activation, kernel_regularizer=l2, name="features"),
        layers.Dropout(options.dropout, name="dropout2"),
        layers.Dense(classes, kernel_regularizer=l2, name="logits"),
    ]
