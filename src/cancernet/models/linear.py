"""Logistic regression as a Keras network: for few rows or few columns, such as the scores of slides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from cancernet.models.backend import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["Linear", "build_linear"]


class Linear(BaseModel):
    """Options of the network.

    Parameters
    ----------
    l2
        Weight of the squared norm of the kernel in the loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["linear"] = "linear"
    l2: float = Field(default=1e-3, ge=0)


def build_linear(columns: int, classes: int, *, options: Linear | None = None) -> keras.Model:
    """Return the network for standardised columns, with zero weights: every class is as likely.

    The input has shape (n, columns), float32, mean 0 and standard deviation 1 per column; the output (n, classes):
    logits. The layer called `features` passes the columns on.

    Raises
    ------
    MissingExtra
        When Keras is not installed.
    """
    keras = keras_library()
    layers, chosen = keras.layers, options or Linear()
    logits = layers.Dense(
        classes, kernel_initializer="zeros", kernel_regularizer=keras.regularizers.L2(chosen.l2), name="logits"
    )
    entrance = layers.Input((columns,), name="standardised")
    return keras.Sequential([entrance, layers.Activation("linear", name="features"), logits], name="linear")
