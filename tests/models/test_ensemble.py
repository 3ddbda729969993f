import numpy as np
import pytest

from cancernet import models
from cancernet.bundle import Execution
from cancernet.engine import check_parity, export_onnx, float32_clone, load_keras
from cancernet.engine.runtimes import load
from cancernet.models import CancerNet, average_of, build_cancernet, members_of, outputs_of

SMALL = CancerNet(name="cancernet8", width=0.125)


@pytest.fixture(scope="module")
def networks():
    models.keras_library().utils.set_random_seed(3)
    return [build_cancernet(27, 4, kind="ordinal", options=SMALL) for _ in range(3)]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 27, 27, 3)).astype(np.uint8)


def test_logits_are_the_mean_and_features_stand_side_by_side(networks, images, tmp_path):
    joined = average_of(networks)
    apart = np.stack([network.predict(images, verbose=0) for network in networks])
    assert np.ptp(apart, axis=0).max() > 1e-3  # three networks, not one three times
    np.testing.assert_allclose(joined.predict(images, verbose=0), apart.mean(axis=0), atol=1e-6)
    assert joined.count_params() == sum(network.count_params() for network in networks)
    export_onnx(joined, tmp_path / "model.onnx")
    engine = load((tmp_path / "model.onnx").read_bytes(), Execution(), runtime="openvino")
    found = engine.run(images)
    np.testing.assert_allclose(found.logits, apart.mean(axis=0), atol=1e-5)
    assert found.features.shape == (9, 3 * outputs_of(networks[0])["features"].shape[1])


def test_members_come_back_from_the_file(networks, images, tmp_path):
    float32_clone(average_of(networks)).save(tmp_path / "model.keras")
    members = members_of(load_keras(tmp_path / "model.keras"))
    assert len(members) == 3
    for member, network in zip(members, networks, strict=True):
        np.testing.assert_allclose(member.predict(images, verbose=0), network.predict(images, verbose=0), atol=1e-6)


def test_normalisation_inside_a_member_is_exported_with_what_it_knows(images, tmp_path):
    """Its constants must be part of the graph, not inputs of it."""
    layers = models.keras_library().layers

    def network(shift):
        known = layers.Normalization(mean=[shift, 1.0, 2.0], variance=[4.0, 9.0, 16.0])
        inputs = models.keras_library().Input((27, 27, 3), dtype="uint8", name="input")
        hidden = layers.GlobalAveragePooling2D()(known(layers.Rescaling(0.1)(inputs)))
        features = layers.Dense(5, activation="relu", name="features")(hidden)
        return models.keras_library().Model(inputs, layers.Dense(2, name="logits")(features))

    joined = average_of([network(0.0), network(3.0)])
    export_onnx(joined, tmp_path / "model.onnx")
    engine = load((tmp_path / "model.onnx").read_bytes(), Execution(), runtime="openvino")
    np.testing.assert_allclose(engine.run(images).logits, joined.predict(images, verbose=0), atol=1e-4)


def test_one_network_is_its_only_member(networks):
    assert members_of(networks[0]) == (networks[0],)
    assert set(outputs_of(networks[0])) == {"logits", "features"}


def test_parity_is_measured_in_float32_before_bfloat16(networks, images, tmp_path):
    joined = float32_clone(average_of(networks))
    export_onnx(joined, tmp_path / "model.onnx")
    entries = check_parity(
        lambda values: np.asarray(joined.predict(values, verbose=0)),
        tmp_path / "model.onnx",
        sample=images,
        execution=Execution(precision="bf16", tolerance=5e-2),
        kind="ordinal",
    )
    exact = [entry for entry in entries if entry.precision == "f32"]
    assert {entry.runtime for entry in exact} == {"openvino", "onnxruntime"}
    assert max(entry.difference for entry in exact) < 1e-6
    assert {entry.runtime for entry in entries if entry.precision == "bf16"} == {"openvino"}
