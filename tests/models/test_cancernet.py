import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from cancernet.bundle import check_keras_file
from cancernet.models import CancerNet, build_cancernet, weight_layers
from cancernet.tasks import probabilities

SMALL = CancerNet(name="cancernet8", width=0.25)


@pytest.fixture(scope="module")
def networks():
    """Both depths at 50 pixels, two classes."""
    return {name: build_cancernet(50, 2, options=CancerNet(name=name)) for name in ("cancernet8", "cancernet19")}


@pytest.fixture(scope="module")
def grades():
    """A small network of five ordered grades."""
    return build_cancernet(32, 5, kind="ordinal", options=SMALL)


def separable(inputs: int, filters: int) -> int:
    """Weights of a 3x3 separable convolution with batch normalisation (four numbers a filter)."""
    return 9 * inputs + inputs * filters + 4 * filters


def test_parameters_are_those_of_the_design(networks):
    """Counted by hand from filters and units."""
    eight = sum(separable(*pair) for pair in [(3, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 128)])
    assert networks["cancernet8"].count_params() == eight + (128 * 128 + 128) + (128 * 2 + 2) == 69_917
    filters = [3, 32, 32, 64, 64, *[128] * 4, *[256] * 8]
    nineteen = sum(separable(*pair) for pair in pairwise(filters))
    dense = (256 * 256 + 256) + (256 * 128 + 128) + (128 * 2 + 2)
    assert networks["cancernet19"].count_params() == nineteen + dense == 688_573


@pytest.mark.parametrize(("name", "layers"), [("cancernet8", 8), ("cancernet19", 19)])
def test_weight_layers_are_counted_as_vgg_counts_them(networks, name, layers):
    found = weight_layers(networks[name])
    assert len(found) == layers
    assert found[-2:] == ("features", "logits")


def test_every_convolution_is_separable_three_by_three_and_followed_by_normalisation_and_relu(networks):
    for network in networks.values():
        kinds = [type(layer).__name__ for layer in network.layers]
        assert "Conv2D" not in kinds
        for place, layer in enumerate(network.layers):
            if type(layer).__name__ == "SeparableConv2D":
                assert layer.kernel_size == (3, 3)
                assert kinds[place + 1 : place + 3] == ["BatchNormalization", "ReLU"]


@pytest.mark.parametrize("size", [27, 50, 97])
def test_the_number_of_weights_does_not_depend_on_the_patch(size):
    network = build_cancernet(size, 3, options=CancerNet(name="cancernet19"))
    assert network.count_params() == 688_573 + 129
    assert network.input_shape == (None, size, size, 3)
    assert network.predict_on_batch(np.zeros((2, size, size, 3), np.uint8)).shape == (2, 3)


def test_a_network_of_stock_layers_is_opened_again(grades, tmp_path):
    import keras

    grades.save(tmp_path / "model.keras")
    check_keras_file(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(again.predict_on_batch(images), grades.predict_on_batch(images))


def test_cumulative_logits_rise_and_differ_by_the_same_steps_for_every_patch(grades):
    images = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    grades.get_layer("steps").set_weights([np.array([[0.5, 0.0, 2.0]], dtype=np.float32)])
    logits = np.asarray(grades.predict_on_batch(images))
    np.testing.assert_allclose(np.diff(logits, axis=1), np.tile([0.5, 0.0, 2.0], (8, 1)), atol=1e-5)
    shares = probabilities(logits, kind="ordinal")
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_steps_between_grades_stay_above_zero_while_training():
    """Grades that contradict their order push a step down; the constraint holds it at zero."""
    import keras

    from cancernet.training.losses import likelihood

    network = build_cancernet(32, 3, kind="ordinal", options=SMALL)
    network.compile(keras.optimizers.SGD(5.0), likelihood("ordinal"))
    images = np.random.default_rng(2).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    for _ in range(5):
        network.train_on_batch(images, np.array([0, 2] * 4))
    assert np.asarray(network.get_layer("steps").kernel).min() >= 0
    fixed = np.asarray(network.get_layer("logits").kernel)
    np.testing.assert_array_equal(fixed, np.triu(np.ones((2, 2))))


@pytest.mark.parametrize("wrong", [{"name": "vgg"}, {"width": 0}, {"dropout": 1}, {"filters": [3]}])
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        CancerNet(**wrong)


def test_the_page_counts_the_layers_as_they_are():
    page = (Path(__file__).parents[2] / "docs" / "patches.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n( 1 conv1_1.*?)```", page, re.DOTALL).group(1)
    network = build_cancernet(64, 5, options=CancerNet(name="cancernet19"))
    layers = [network.get_layer(name) for name in weight_layers(network)]
    lines = [
        f"{number:2} {layer.name:9} {layer.output.shape[1:]!s:14} {layer.count_params():7,}\n"
        for number, layer in enumerate(layers, start=1)
    ]
    assert "".join(lines) == shown
    assert len(lines) == 19
