"""Feature extractors as users make them, small, with weights that are not those of the start."""

from pathlib import Path

import numpy as np

from cancernet.models import keras_library


def stirred(model, seed: int = 0):
    """Give all weights of a model other values, those of normalisation too; `Normalization` knows pixels."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [value + rng.uniform(0, 0.1, value.shape) * (-1) ** (value.ndim > 1) for value in model.get_weights()]
    )
    for layer in model.layers:
        if type(layer).__name__ == "Normalization":
            layer.set_weights([np.full(3, 180.0), np.full(3, 2500.0), np.array(0)])
            layer.finalize_state()
    return model


def residual(size: int | None = None, *, seed: int | None = None):
    """Return a functional extractor: a nested stem, a residual block with squeeze and excitation, noise layers."""
    keras = keras_library()
    layers = keras.layers
    stem = keras.Sequential(
        [layers.Input((size, size, 3)), _convolution(8, seed, strides=2), layers.BatchNormalization()], name="logits"
    )
    inputs = keras.Input((size, size, 3), name="input")
    hidden = layers.Normalization(name="rescaling")(inputs)
    hidden = layers.ReLU(name="features")(stem(hidden))
    branch = layers.SpatialDropout2D(0.3, seed=seed)(_convolution(8, seed, name="branch")(hidden))
    branch = layers.Dropout(0.3, seed=seed)(layers.BatchNormalization()(branch))
    gate = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D(name="average")(branch))
    gate = layers.Conv2D(8, 1, activation="sigmoid")(gate)
    hidden = layers.Add()([hidden, layers.Multiply()([branch, gate])])
    outputs = layers.ReLU(name="end")(layers.SeparableConv2D(12, 3, strides=2, padding="same", name="last")(hidden))
    return stirred(keras.Model(inputs, outputs, name="residual"))


def _convolution(filters: int, seed: int | None, **options):
    """Return a convolution whose weights are drawn with a seed of its own."""
    keras = keras_library()
    draw = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer=draw, **options)


def plain(shape=(None, None, 3)):
    """Return a Sequential extractor of one convolution, with batch normalisation."""
    keras = keras_library()
    layers = keras.layers
    stack = [
        layers.Input(shape),
        layers.Conv2D(4, 3, strides=2, name="conv"),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]
    return stirred(keras.Sequential(stack, name="plain"))


def saved(model, path: Path) -> Path:
    """Save a model and return where."""
    model.save(path)
    return path
