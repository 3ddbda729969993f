"""The segmenter: maps of classes and of the distance to the edge, by separable convolutions down and up again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cancernet.errors import InvalidInput
from cancernet.models.backend import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["Segmenter", "build_segmenter"]

_COLOURS = 3


class Segmenter(BaseModel):
    """Options of the network.

    Parameters
    ----------
    name
        "segmenter" is the only one.
    colours
        "rgb", or "haematoxylin": the network sees haematoxylin by the stains of each image, how far it lies above a
        local threshold, and red light (`cells.StainChannels`). What is learnt on few images of one stain then holds
        better on others.
    mpp
        Microns per pixel that images are brought to. At 0.4 the finest resolution inside is 0.8, and a small nucleus
        (5 microns) is six of its pixels wide.
    widths
        Filters at each resolution: the first is half as fine as the image, each next one half as fine as the one
        before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["segmenter"] = "segmenter"
    colours: Literal["rgb", "haematoxylin"] = "rgb"
    mpp: float = Field(default=0.4, gt=0)
    widths: tuple[Annotated[int, Field(ge=4, le=512)], ...] = Field(default=(32, 64, 128), min_length=2, max_length=5)

    @property
    def step(self) -> int:
        """Pixels that the side of an image must be a multiple of."""
        return int(2 ** len(self.widths))


def build_segmenter(size: int | None, maps: int, *, options: Segmenter | None = None) -> keras.Model:
    """Return the network for images, with random weights.

    The input has shape (n, size, size, 3), uint8, RGB or the channels of `options.colours`; scaling to -1 .. 1 is its
    first layer. A 3x3 convolution with a stride of 2 comes next: most of the work of an encoder and decoder is done at
    the finest resolution, and this one is spared. At each resolution stand two convolutions with batch normalisation
    and ReLU, all but the very first separable, and max pooling between them. Upwards, channels are reduced, doubled in
    size and joined with those of the same resolution before one more separable convolution. A transposed convolution
    gives maps as fine as the image. Every layer is convolutional: weights fit any size. The last hidden layer is called
    `features`, the output `logits`.

    Parameters
    ----------
    size
        Pixels of a side, a multiple of `options.step`; None: any such size.
    maps
        How many maps it gives, (n, size, size, maps).
    options
        The defaults when None.

    Raises
    ------
    InvalidInput
        When the size is no multiple of the step.
    MissingExtra
        When Keras is not installed.

    References
    ----------
    Encoder and decoder with skips: Ronneberger et al. 2015, arXiv:1505.04597. Separable convolutions: Chollet 2017,
    arXiv:1610.02357. Distance to the edge as a second map: Naylor et al. 2019, doi 10.1109/TMI.2018.2865709.
    """
    keras = keras_library()
    chosen = options or Segmenter()
    if size is not None and size % chosen.step:
        raise InvalidInput(f"A tile of {size} pixels", f"A multiple of {chosen.step}", "Change the size, or the widths")
    inputs = keras.Input((size, size, _COLOURS), dtype="uint8", name="input")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    features = _decoded(_encoded(scaled, chosen.widths), chosen.widths)
    finest = keras.layers.Conv2DTranspose(maps, 4, strides=2, padding="same", name="logits")
    return keras.Model(inputs, finest(features), name=chosen.name)


def _encoded(images: Any, widths: Sequence[int]) -> list[Any]:
    """Return what the network sees at each resolution, the finest first."""
    layers = keras_library().layers
    hidden = _activated(_first(widths[0])(images), "first")
    seen = [_activated(_separable(widths[0], "second")(hidden), "second")]
    for depth, width in enumerate(widths[1:], start=1):
        hidden = layers.MaxPooling2D(2, name=f"pool{depth}")(seen[-1])
        for place in (1, 2):
            name = f"down{depth}_{place}"
            hidden = _activated(_separable(width, name)(hidden), name)
        seen.append(hidden)
    return seen


def _decoded(seen: Sequence[Any], widths: Sequence[int]) -> Any:
    """Return the features at the finest resolution, told what the coarser ones saw."""
    layers = keras_library().layers
    hidden = seen[-1]
    for depth in range(len(widths) - 2, -1, -1):
        reduced = layers.Conv2D(widths[depth], 1, use_bias=False, kernel_initializer="he_normal", name=f"reduce{depth}")
        finer = layers.UpSampling2D(2, interpolation="bilinear", name=f"finer{depth}")(reduced(hidden))
        joined = layers.Concatenate(name=f"join{depth}")([finer, seen[depth]])
        name = f"up{depth}"
        hidden = _activated(_separable(widths[depth], name)(joined), name, last=depth == 0)
    return hidden


def _first(filters: int) -> keras.Layer:
    """Return the first convolution: of three colours a separable one would make too little."""
    return keras_library().layers.Conv2D(
        filters, 3, strides=2, padding="same", use_bias=False, kernel_initializer="he_normal", name="conv_first"
    )


def _separable(filters: int, name: str) -> keras.Layer:
    """Return a 3x3 depthwise-separable convolution."""
    return keras_library().layers.SeparableConv2D(
        filters,
        3,
        padding="same",
        use_bias=False,
        depthwise_initializer="he_normal",
        pointwise_initializer="he_normal",
        name=f"conv_{name}",
    )


def _activated(hidden: Any, name: str, *, last: bool = False) -> Any:
    """Return a layer's output after batch normalisation and ReLU."""
    layers = keras_library().layers
    normal = layers.BatchNormalization(momentum=0.9, name=f"batch_normalisation_{name}")(hidden)
    return layers.ReLU(name="features" if last else f"relu_{name}")(normal)
