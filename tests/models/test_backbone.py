"""A network on a user's feature extractor: the same numbers as the extractor, and what becomes of its weights."""

import numpy as np
import pytest
from pydantic import ValidationError

from cancernet.bundle import check_keras_file
from cancernet.errors import InvalidInput
from cancernet.models import Backbone, build_on_backbone, check_extractor, check_patch_size, keras_library
from models.extractors import plain, residual, saved

SIZE = 32
SCALED = {"0..255": lambda x: x, "0..1": lambda x: x / 255, "-1..1": lambda x: x / 127.5 - 1}


def backbone(**options):
    """Return the options of a network on an extractor."""
    return Backbone(backbone="folder/extractor.keras", **options)


def pixels(rows=3, size=SIZE):
    return np.random.default_rng(0).integers(0, 256, (rows, size, size, 3), dtype=np.uint8)


def built(extractor, seed=None, kind="multiclass", **options):
    """Return the network for three classes, after Keras was given a seed."""
    if seed is not None:
        keras_library().utils.set_random_seed(seed)
    return build_on_backbone(extractor, SIZE, classes=3, kind=kind, options=backbone(**options))


def head_of(network):
    """Return the part of the network before its own dense layers."""
    return keras_library().Model(network.inputs[0], network.get_layer("dropout").input)


def weights_of(network, *, trainable=None):
    """Return the weights of the copied layers, in the order of the network."""
    copied = [layer for layer in network.layers if layer.name not in ("features", "logits")]
    return [np.array(weight) for layer in copied for weight in layer.weights if trainable in (None, weight.trainable)]


@pytest.fixture(scope="module")
def extractor():
    return residual(seed=5)


@pytest.mark.parametrize("scale", SCALED)
def test_the_flat_network_gives_what_the_extractor_gives(extractor, scale):
    network = built(extractor, scale=scale)
    maps = extractor.predict_on_batch(SCALED[scale](pixels().astype(np.float32)))
    found = head_of(network).predict_on_batch(pixels())
    assert maps.std() > 1e-3
    np.testing.assert_allclose(found, maps.mean(axis=(1, 2)), rtol=1e-5)
    assert network.inputs[0].dtype == "uint8"


def test_it_is_flat_and_every_layer_has_a_name_of_its_own(extractor):
    network = built(extractor)
    names = [layer.name for layer in network.layers]
    assert len(set(names)) == len(names)
    assert not any(isinstance(layer, keras_library().Model) for layer in network.layers)
    assert names[:3] == ["input", "rescaling", "backbone_rescaling"]
    assert names[-4:] == ["average", "dropout", "features", "logits"]
    assert {"backbone_features", "backbone_average", "last"} <= set(names)
    assert network.get_layer("features").output.shape == (None, 128)


def test_a_vector_of_features_is_taken_as_it_is():
    layers = keras_library().layers
    model = plain()
    vector = keras_library().Model(model.inputs, layers.GlobalMaxPooling2D(name="most")(model.outputs[0]))
    network = built(vector)
    assert "average" not in [layer.name for layer in network.layers]
    expected = vector.predict_on_batch(pixels().astype(np.float32))
    np.testing.assert_allclose(head_of(network).predict_on_batch(pixels()), expected, rtol=1e-5)


def test_a_layer_that_is_called_twice_stays_one_layer():
    keras = keras_library()
    inputs, twice = keras.Input((None, None, 3)), keras.layers.Conv2D(3, 3, padding="same")
    model = keras.Model(inputs, twice(twice(inputs)))
    network = built(model)
    expected = model.predict_on_batch(pixels().astype(np.float32)).mean(axis=(1, 2))
    np.testing.assert_allclose(head_of(network).predict_on_batch(pixels()), expected, rtol=1e-4)
    assert len(weights_of(network)) == 2


@pytest.mark.parametrize(("kind", "width"), [("multiclass", 3), ("ordinal", 2)])
def test_the_head_is_that_of_the_task(extractor, kind, width):
    logits = built(extractor, kind=kind).predict_on_batch(pixels())
    assert logits.shape == (3, width)
    assert kind != "ordinal" or (np.diff(logits, axis=1) >= 0).all()


def test_the_extractor_is_left_as_it_is(extractor):
    before = [np.array(weight) for weight in extractor.get_weights()]
    trainable = len(extractor.trainable_weights)
    built(extractor, seed=1, weights="random", frozen=False)
    built(extractor)
    assert len(extractor.trainable_weights) == trainable
    for one, two in zip(before, extractor.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_frozen_is_deaf_to_training_and_has_no_noise(extractor):
    network = built(extractor)
    assert [weight.path.split("/")[-2] for weight in network.trainable_weights] == ["features"] * 2 + ["logits"] * 2
    head = head_of(network)
    in_use, in_training = (np.asarray(head(pixels(), training=training)) for training in (False, True))
    np.testing.assert_array_equal(in_use, in_training)


def test_fine_tuned_has_all_weights_to_train_and_its_noise(extractor):
    for layer in extractor.layers[3:5]:
        layer.trainable = False
    network = built(extractor, frozen=False)
    for layer in extractor.layers[3:5]:
        layer.trainable = True
    assert all(layer.trainable for layer in network.layers)
    head = head_of(network)
    assert not np.array_equal(head(pixels(), training=False), head(pixels(), training=True))


def test_file_starts_from_its_weights_and_random_from_the_seed(extractor):
    stored = sorted(value.tobytes() for value in extractor.get_weights())
    for frozen in (True, False):
        assert sorted(value.tobytes() for value in weights_of(built(extractor, frozen=frozen))) == stored
    first, again, other = (
        weights_of(built(extractor, seed=seed, weights="random", frozen=False), trainable=True) for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    kernels = [(one, two) for one, two in zip(first, other, strict=True) if one.ndim > 1]
    assert len(kernels) == 5
    assert not any(np.array_equal(one, two) for one, two in kernels)  # although the file has a seed in its initialisers
    assert not {value.tobytes() for value in first} & set(stored)


def test_random_weights_keep_what_normalisation_knows_of_its_inputs(extractor):
    network = built(extractor, weights="random", frozen=False)
    own, copied = extractor.get_layer("rescaling"), network.get_layer("backbone_rescaling")
    np.testing.assert_array_equal(copied.mean, own.mean)
    np.testing.assert_array_equal(copied.variance, own.variance)


def test_the_seed_draws_the_head():
    first, again, other = (built(plain(), seed=seed).get_layer("features").get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_precision_is_that_of_keras_not_that_of_the_file():
    config = keras_library().config
    model = plain()
    config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed_file, mixed = plain(), built(model)
    finally:
        config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in built(mixed_file).layers[1:]} == {"float32"}
    assert mixed.get_layer("conv").compute_dtype == "bfloat16"
    assert mixed.get_layer("logits").compute_dtype == "float32"


def test_what_is_built_can_be_a_bundle(extractor, tmp_path):
    check_keras_file(saved(built(extractor), tmp_path / "model.keras"))


def model_of(*shapes, outputs=lambda layers, tensors: layers.Conv2D(2, 3)(tensors[0])):
    """Return a functional model with inputs of these shapes."""
    keras = keras_library()
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, outputs(keras.layers, inputs))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: model_of((8, 8, 3), (8, 8, 3), outputs=lambda ls, ts: ls.Add()(ts)), "has 2 inputs"),
        (lambda: model_of((8, 8, 3), outputs=lambda ls, ts: [ls.ReLU()(ts[0]), ls.Flatten()(ts[0])]), "2 outputs"),
        (lambda: model_of((8, 8, 1)), "takes images of 1 channels, and patches have 3"),
        (lambda: model_of((8, 8, 4)), "takes images of 4 channels"),
        (lambda: model_of((24,), outputs=lambda ls, ts: ls.Dense(2)(ts[0])), r"1 input \(None, 24\)"),
        (lambda: model_of((8, 8, 3), outputs=lambda ls, ts: ls.Reshape((8, 24))(ts[0])), r"output \(None, 8, 24\)"),
        (lambda: model_of((8, 8, 3), outputs=lambda ls, ts: ts[0]), "has no layer"),
        (lambda: keras_library().Sequential([keras_library().layers.Conv2D(2, 3)]), "no inputs and no outputs"),
    ],
)
def test_what_is_no_extractor_is_refused(make, words):
    with pytest.raises(InvalidInput, match=rf"The backbone 'my\.keras' .*{words}.*(One input|An input) .*3\)"):
        check_extractor(make(), name="my.keras")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((48, 48, 3), r'takes images of 48 x 48 pixels, and the patches have 32 x 32.*fit = "resize", size = 48'),
        ((None, 48, 3), "takes images of any x 48 pixels, and the patches have 32 x 32"),
    ],
)
def test_an_extractor_of_another_size_is_refused_with_both(shape, words):
    with pytest.raises(InvalidInput, match=words):
        check_patch_size(model_of(shape), SIZE, name="my.keras")


def test_an_extractor_that_needs_larger_patches_is_refused():
    def deep(layers, tensors):
        tensor = tensors[0]
        for _ in range(5):
            tensor = layers.Conv2D(2, 3, strides=2)(tensor)
        return tensor

    model = model_of((None, None, 3), outputs=deep)
    with pytest.raises(InvalidInput, match=r"cannot take patches of 32 x 32 pixels \(.*zero or negative"):
        check_patch_size(model, SIZE, name="my.keras")
    check_patch_size(model, 63, name="my.keras")


def test_an_extractor_that_fits_is_taken(extractor):
    for model in (extractor, plain(), plain((SIZE, SIZE, 3))):
        check_extractor(model, name="x")
        check_patch_size(model, SIZE, name="x")


@pytest.mark.parametrize(
    "options",
    [
        {"scale": "0-1"},
        {"weights": "imagenet"},
        {"dropout": 1.0},
        {"weights": "random"},
        {"frozen": "never"},
        {"width": 2},
    ],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValidationError):
        backbone(**options)


def test_the_name_is_that_of_the_file():
    assert backbone().name == "extractor.keras"
