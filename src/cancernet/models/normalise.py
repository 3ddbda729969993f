"""Batch normalisation of images that trains faster: the stock layer's numbers from operations that backends run well.

Keras leaves the mean and the variance of a batch to general reductions, which on two cores took 45 % of a step of
CancerNet. Average pooling over the whole image and a depthwise 1 x 1 convolution do the same work in kernels that the
backends have tuned: a step takes two thirds of the time (docs/benchmarks.md). XLA fuses the stock layer by itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cancernet.models.backend import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["quickly_normalised"]


def quickly_normalised(model: keras.Model) -> keras.Model:
    """Return a copy of a model to be trained, in which batch normalisation of images is quick; or the model itself.

    The copy has the weights of the model in the same order, so that those of one fit the other. It is for training
    only: files should hold the stock layers of the model.

    Parameters
    ----------
    model
        A functional or sequential model. Layers that normalise anything but the last axis of images (n, height, width,
        channels), or that lack gamma or beta, stay as they are.

    References
    ----------
    Ioffe and Szegedy 2015, arXiv:1502.03167: algorithm 1, and the gradients of section 3.
    """
    if not any(_replaceable(layer) for layer in model.layers):
        return model
    copy = keras_library().models.clone_model(model, clone_function=_copied)
    copy.set_weights(model.get_weights())
    return copy


def _replaceable(layer: keras.Layer) -> bool:
    """Return whether a layer normalises the channels of images, in the ordinary way."""
    if type(layer) is not keras_library().layers.BatchNormalization:
        return False
    ordinary = layer.scale and layer.center and not layer.synchronized
    return ordinary and layer.gamma is not None and layer.input.ndim == 4 and layer.axis in (-1, 3)


def _copied(layer: keras.Layer) -> keras.Layer:
    """Return a fresh layer of the same options, the quick one where there is one."""
    kind = _quick_layer() if _replaceable(layer) else type(layer)
    return kind.from_config(layer.get_config())


@cache
def _quick_layer() -> Any:
    """Return the class of the quick layer; Keras is imported here, and not with this module."""
    keras = keras_library()
    ops = keras.ops

    class QuickNormalisation(keras.layers.BatchNormalization):  # type: ignore[misc, name-defined]
        """The stock layer with other operations while it trains."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not (training and self.trainable):
                return super().call(inputs, training=training, mask=mask)
            images = ops.cast(inputs, "float32")
            seen = ops.stop_gradient(images)
            mean = _means(seen)
            variance = _means(ops.square(seen - mean))
            for kept, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + new * (1.0 - self.momentum))
            gamma, beta = (ops.reshape(weight, (-1,)) for weight in (self.gamma, self.beta))  # tensors, not variables
            normal = _normalise(images, gamma, beta, mean, ops.rsqrt(variance + self.epsilon))
            return ops.cast(normal, self.compute_dtype)

    return QuickNormalisation


def _normalise(images: Any, gamma: Any, beta: Any, mean: Any, inverse: Any) -> Any:
    """Return gamma * (images - mean) * inverse + beta, with the gradient through `mean` and `inverse` in closed form.

    Parameters
    ----------
    images
        Shape (n, height, width, channels), float32.
    gamma, beta, mean, inverse
        Shape (channels,); `inverse` is one over the standard deviation of the batch.
    """
    ops = keras_library().ops

    def forward(images: Any, gamma: Any, beta: Any) -> Any:
        scale = gamma * inverse

        def backward(*arguments: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
            slope = arguments[0] if upstream is None else upstream
            level = _means(slope)
            tilt = (_means(slope * images) - mean * level) * inverse  # mean of slope * normalised images
            steep = scale * inverse * tilt
            down = _scaled(slope, scale, steep * mean - scale * level) - _scaled(images, steep)
            count = ops.cast(ops.size(images) // images.shape[-1], "float32")
            return down, tilt * count, level * count

        return _scaled(images, scale, beta - mean * scale), backward

    return ops.custom_gradient(forward)(images, gamma, beta)


def _means(images: Any) -> Any:
    """Return the mean of each channel of images (n, height, width, channels), (channels,)."""
    ops = keras_library().ops
    return ops.mean(ops.average_pool(images, tuple(images.shape[1:3]), strides=1), axis=(0, 1, 2))


def _scaled(images: Any, scale: Any, shift: Any = 0.0) -> Any:
    """Return images * scale + shift, with a factor and a term for each channel."""
    ops = keras_library().ops
    return ops.depthwise_conv(images, ops.reshape(scale, (1, 1, -1, 1)), padding="valid") + shift
