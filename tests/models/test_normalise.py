"""Quick batch normalisation against the stock layer: outputs, gradients, running statistics, and what is left alone."""

import numpy as np
import pytest

from cancernet.models import CancerNet, build_cancernet, keras_library, quickly_normalised


def made(axis: int = -1, **options):
    """Return a model of one normalisation whose weights are not those of the start."""
    keras = keras_library()
    inputs = keras.Input((9, 7, 5))
    model = keras.Model(inputs, keras.layers.BatchNormalization(axis=axis, momentum=0.8, **options)(inputs))
    rng = np.random.default_rng(3)
    model.set_weights([rng.uniform(0.5, 2.0, weight.shape) for weight in model.get_weights()])
    return model


def slopes(model, images, upstream):
    """Return outputs of a training step, and the gradients of their product with `upstream`."""
    tf = pytest.importorskip("tensorflow")
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = model(images, training=True)
        total = tf.reduce_sum(outputs * upstream)
    return outputs.numpy(), [slope.numpy() for slope in tape.gradient(total, [images, *model.trainable_variables])]


def test_quick_normalisation_gives_what_the_stock_layer_gives():
    model = made()
    quick = quickly_normalised(model)
    rng = np.random.default_rng(0)
    images = (rng.standard_normal((6, 9, 7, 5)) * [0.1, 1, 3, 1, 10] + [0, 5, -50, 0.3, 1]).astype(np.float32)
    upstream = rng.standard_normal(images.shape).astype(np.float32)

    (stock_output, stock), (quick_output, found) = slopes(model, images, upstream), slopes(quick, images, upstream)

    assert type(quick.layers[1]).__name__ == "QuickNormalisation"
    np.testing.assert_allclose(quick_output, stock_output, rtol=1e-5, atol=2e-5)
    for one, other in zip(found, stock, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())
    for one, other in zip(quick.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_variance_survives_a_large_mean():
    quick = quickly_normalised(made())
    images = (1000 + np.random.default_rng(1).standard_normal((4, 9, 7, 5))).astype(np.float32)
    gamma, beta = quick.get_weights()[:2]

    normal = (quick(images, training=True).numpy() - beta) / gamma

    np.testing.assert_allclose(normal.std(axis=(0, 1, 2)), 1, atol=2e-3)


def test_outside_training_and_frozen_it_uses_the_running_statistics():
    model = made()
    images = np.random.default_rng(2).standard_normal((3, 9, 7, 5)).astype(np.float32)
    frozen = quickly_normalised(model)
    frozen.trainable = False

    for found in (quickly_normalised(model)(images, training=False), frozen(images, training=True)):
        np.testing.assert_array_equal(found, model(images, training=False))
    for one, other in zip(frozen.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_network_trains_as_with_the_stock_layer():
    keras = keras_library()
    model = build_cancernet(32, 3, options=CancerNet(name="cancernet8", dropout=0, block_dropout=0))
    quick = quickly_normalised(model)
    rng = np.random.default_rng(4)
    images, codes = rng.integers(0, 256, (48, 32, 32, 3), dtype=np.uint8), np.arange(48) % 3
    for network in (model, quick):
        network.compile(keras.optimizers.SGD(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        for _ in range(4):
            network.train_on_batch(images, codes)

    assert sum(type(layer).__name__ == "QuickNormalisation" for layer in quick.layers) == 6
    np.testing.assert_allclose(quick.predict(images, verbose=0), model.predict(images, verbose=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"axis": 1}])
def test_other_normalisations_are_left_alone(options):
    model = made(**options)

    assert quickly_normalised(model) is model


def test_tables_are_left_alone():
    keras = keras_library()
    inputs = keras.Input((30, 4))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))

    assert quickly_normalised(model) is model
