"""CancerNet: 3x3 depthwise-separable convolutions stacked before each max pooling, in the manner of VGG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cancernet.models.backend import keras_library
from cancernet.models.heads import logits_of
from cancernet.tasks import TaskKind

if TYPE_CHECKING:
    import keras

__all__ = ["SMALLEST_PATCH", "CancerNet", "build_cancernet", "weight_layers"]

SMALLEST_PATCH, LARGEST_PATCH = 27, 512  # pixels of a side
_DEPTHS = {  # convolutions and filters of each block, widths of the dense layers before the logits
    "cancernet8": (((1, 32), (2, 64), (3, 128)), (128,)),
    "cancernet19": (((2, 32), (2, 64), (4, 128), (4, 256), (4, 256)), (256, 128)),
}
_WEIGHTED = ("SeparableConv2D", "Dense")


class CancerNet(BaseModel):
    """Options of the network.

    Parameters
    ----------
    name
        "cancernet8": blocks of 1, 2, 3 separable convolutions of 32, 64, 128 filters, then 2 dense layers.
        "cancernet19": blocks of 2, 2, 4, 4, 4 of 32, 64, 128, 256, 256 filters, then 3 dense layers.
    width
        Factor on the number of filters and units; 1 is the network of the design.
    block_dropout
        Share of units dropped after each max pooling.
    dropout
        Share of units dropped before each dense layer.
    l2
        Weight of the squared norm of all kernels in the loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["cancernet8", "cancernet19"] = "cancernet19"
    width: Annotated[float, Field(gt=0, le=8)] = 1.0
    block_dropout: float = Field(default=0.1, ge=0, lt=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    l2: float = Field(default=0.0, ge=0)


def build_cancernet(
    size: int, classes: int, *, kind: TaskKind = "multiclass", options: CancerNet | None = None
) -> keras.Model:
    """Return the network for patches, with random weights.

    The input has shape (n, size, size, 3), uint8 RGB; scaling to -1 .. 1 is its first layer. Each convolution is
    followed by batch normalisation and ReLU, each block by max pooling with padding, and global average pooling
    precedes the dense layers, so that the number of weights does not depend on the size of the patch. The last hidden
    layer is called `features`, the output `logits`: one per class, for ordered grades one per step (`cumulative_link`).

    Parameters
    ----------
    size
        Pixels of a side, 27 to 512.
    classes
        Number of classes.
    kind
        Of the task.
    options
        Depth, width and dropout; the defaults when None.

    Raises
    ------
    MissingExtra
        When Keras is not installed.

    References
    ----------
    Separable convolutions: Chollet 2017, arXiv:1610.02357. Stacks of 3x3: Simonyan and Zisserman 2015,
    arXiv:1409.1556.
    """
    keras = keras_library()
    chosen = options or CancerNet()
    blocks, dense = _DEPTHS[chosen.name]
    stack = [keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")]
    for number, (convolutions, filters) in enumerate(blocks, start=1):
        stack += _block(number, convolutions, filters=_scaled(filters, chosen), options=chosen)
    stack += _head([_scaled(units, chosen) for units in dense], chosen)
    inputs = keras.Input((size, size, 3), dtype="uint8", name="input")
    features = reduce(lambda hidden, layer: layer(hidden), stack, inputs)
    return keras.Model(inputs, logits_of(features, classes, kind=kind), name=chosen.name)


def weight_layers(model: keras.Model) -> tuple[str, ...]:
    """Return the names of the layers that VGG would count: separable convolutions and dense layers."""
    return tuple(layer.name for layer in model.layers if type(layer).__name__ in _WEIGHTED)


def _scaled(count: int, options: CancerNet) -> int:
    """Return the number of filters or units at the width of the options, at least 1."""
    return max(1, round(count * options.width))


def _block(number: int, convolutions: int, *, filters: int, options: CancerNet) -> list[keras.Layer]:
    """Return the layers of one block: its convolutions, max pooling and dropout."""
    layers = keras_library().layers
    stack: list[keras.Layer] = []
    for place in range(1, convolutions + 1):
        stack += _convolution(f"{number}_{place}", filters, options)
    stack.append(layers.MaxPooling2D(2, padding="same", name=f"pool{number}"))
    return [*stack, layers.Dropout(options.block_dropout, name=f"block_dropout{number}")]


def _convolution(name: str, filters: int, options: CancerNet) -> list[keras.Layer]:
    """Return a separable convolution with its batch normalisation and ReLU."""
    keras = keras_library()
    penalty = keras.regularizers.L2(options.l2) if options.l2 else None
    return [
        keras.layers.SeparableConv2D(
            filters,
            3,
            padding="same",
            use_bias=False,
            depthwise_initializer="he_normal",
            pointwise_initializer="he_normal",
            depthwise_regularizer=penalty,
            pointwise_regularizer=penalty,
            name=f"conv{name}",
        ),
        keras.layers.BatchNormalization(momentum=0.9, name=f"batch_normalisation{name}"),
        keras.layers.ReLU(name=f"relu{name}"),
    ]


def _head(units: Sequence[int], options: CancerNet) -> list[keras.Layer]:
    """Return global average pooling and the dense layers; the last of them is called `features`."""
    keras = keras_library()
    layers = keras.layers
    penalty = keras.regularizers.L2(options.l2) if options.l2 else None
    stack: list[Any] = [layers.GlobalAveragePooling2D(name="average")]
    names = [*(f"dense{number}" for number in range(1, len(units))), "features"]
    for number, (name, count) in enumerate(zip(names, units, strict=True), start=1):
        stack.append(layers.Dropout(options.dropout, name=f"dropout{number}"))
        stack.append(layers.Dense(count, activation="relu", kernel_regularizer=penalty, name=name))
    return [*stack, layers.Dropout(options.dropout, name=f"dropout{len(units) + 1}")]
