"""A dense network for tables of many columns, such as the expression of genes; for ordered grades too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cancernet.models.backend import keras_library
from cancernet.models.conv1d import normalisation_layers
from cancernet.models.heads import logits_of
from cancernet.tasks import TaskKind

if TYPE_CHECKING:
    import keras

__all__ = ["Dense", "build_dense"]


class Dense(BaseModel):
    """Options of the network.

    Parameters
    ----------
    units
        Of each hidden layer; the output of the last one is the vector called `features`.
    activation
        After each hidden layer.
    noise
        Standard deviation of the Gaussian noise added to the standardised columns while training.
    dropout
        Share of units dropped before each layer.
    l2
        Weight of the squared norm of the hidden kernels in the loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["dense"] = "dense"
    units: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(default=(64,), min_length=1)
    activation: Literal["elu", "relu", "tanh"] = "elu"
    noise: float = Field(default=1.0, ge=0)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    l2: float = Field(default=3e-2, ge=0)


def build_dense(
    columns: int,
    classes: int,
    *,
    options: Dense | None = None,
    kind: TaskKind = "multiclass",
    standard: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> keras.Model:
    """Return the network, with random weights.

    Parameters
    ----------
    columns, classes
        Of the input and of the task.
    options
        Widths and dropout; the defaults when None.
    kind
        Of the task; "ordinal" gives classes - 1 cumulative logits.
    standard
        Means and variances of raw columns, both (columns,): the network standardises them itself. None: it takes
        standardised columns. The weights are the same in number and order either way.

    Raises
    ------
    MissingExtra
        When Keras is not installed.
    """
    keras = keras_library()
    layers, chosen = keras.layers, options or Dense()
    inputs = keras.Input((columns,), name="standardised" if standard is None else "input")
    x: Any = inputs
    for layer in () if standard is None else normalisation_layers(*standard):
        x = layer(x)
    x = layers.GaussianNoise(chosen.noise, name="noise")(x)
    for number, units in enumerate(chosen.units, start=1):
        x = layers.Dropout(chosen.dropout, name=f"dropout{number}")(x)
        last = number == len(chosen.units)
        x = layers.Dense(
            units,
            activation=chosen.activation,
            kernel_regularizer=keras.regularizers.L2(chosen.l2),
            name="features" if last else f"dense{number}",
        )(x)
    return keras.Model(inputs, logits_of(x, classes, kind=kind), name="dense")
