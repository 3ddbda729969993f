"""The dense network for survival: standardised columns to one log hazard, or to logits of chances in intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cancernet.models.backend import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["build_hazard"]


def build_hazard(
    columns: int, outputs: int, *, hidden: tuple[int, ...] = (32, 32), dropout: float = 0.3, l2: float = 1e-3
) -> keras.Model:
    """Return a network of dense layers with batch normalisation and dropout.

    Parameters
    ----------
    columns
        Of the input, (n, columns), float32, mean 0 and standard deviation 1 per column.
    outputs
        How many logits: 1 for a log hazard, or one for each interval of time.
    hidden
        Units of each hidden layer; the last one is called `features`.
    dropout
        Share of the units that are left out in each step of training.
    l2
        Weight of the squared norms of the kernels in the loss.

    Raises
    ------
    MissingExtra
        When Keras is not installed.
    """
    keras = keras_library()
    layers, penalty = keras.layers, keras.regularizers.L2(l2)
    made = [layers.Input((columns,), name="standardised")]
    for number, units in enumerate(hidden, start=1):
        made += [
            layers.Dense(units, kernel_regularizer=penalty, use_bias=False, name=f"dense{number}"),
            layers.BatchNormalization(momentum=0.9, name=f"batch_normalisation{number}"),
            layers.Activation("relu", name="features" if number == len(hidden) else f"activation{number}"),
            layers.Dropout(dropout, name=f"dropout{number}"),
        ]
    return keras.Sequential([*made, layers.Dense(outputs, kernel_regularizer=penalty, name="logits")], name="hazard")
