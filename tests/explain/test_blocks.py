"""Networks on extractors of users are opened as those of this package are: same logits, a block for each step."""

import numpy as np
import pytest

from cancernet.explain import grad_cam
from cancernet.explain.blocks import choose_block, open_network
from cancernet.models import Backbone, build_on_backbone, keras_library
from models.extractors import residual

SIZE = 32


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)


def on_backbone(extractor, size=SIZE):
    keras_library().utils.set_random_seed(0)
    return build_on_backbone(extractor, size, classes=2, options=Backbone(backbone="x.keras"))


def test_an_opened_network_gives_the_same_logits_with_adapted_normalisation(images):
    network = on_backbone(residual())
    opened, _ = open_network(network, images)
    expected = network.predict_on_batch(images)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(opened.predict_on_batch(images), expected, rtol=1e-4, atol=1e-6)


def test_each_step_of_an_extractor_is_a_block(images):
    found = [grad_cam(on_backbone(residual()), images, block=block) for block in (1, 2)]
    assert [seen.layer for seen in found] == ["branch", "end"]
    assert [seen.cell for seen in found] == [(2, 2), (4, 4)]
    assert grad_cam(on_backbone(residual()), images).block == 2
    assert all(seen.peaks.max() > 0 for seen in found)


def test_a_known_extractor_has_a_block_for_each_of_its_strides():
    size = 48
    extractor = keras_library().applications.MobileNetV2(
        input_shape=(size, size, 3), include_top=False, weights=None, alpha=0.35
    )
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    network = on_backbone(extractor, size)
    _, steps = open_network(network, images)
    pitches = {step.lattice.pitch[0] for step in steps if step.has_features}
    assert pitches == {2, 4, 8, 16, 32}
    layers = [choose_block(steps, block, size=(size, size), name="x")[1].name for block in range(1, 6)]
    assert layers == [*(f"block_{number}_expand_relu" for number in (1, 3, 6, 13)), "out_relu"]
    assert grad_cam(network, images, block=5).layer == "out_relu"
