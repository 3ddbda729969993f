"""Bundles whose files keep large weights as float16: rounded exactly, half the size, opened like any other."""

import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from PIL import Image

from bundle.made import made_card
from cancernet import bundle, engine
from cancernet.bundle import Execution, TableInput
from cancernet.engine.float16 import halve_keras_file, halve_onnx_file, round_weights
from cancernet.engine.sample import made_sample
from cancernet.errors import InvalidInput
from cancernet.models import CancerNet, average_of, build_cancernet
from cancernet.patches import STATISTICS, image_statistics
from cancernet.predict import fit_novelty, novelty_distance
from cancernet.tasks import probabilities
from engine.patchbundle import SIZE, TASKS, patch_bundle, tissue

# 2026-11: Keras 3.15 calls np.array on TensorFlow's variables, which do not know NumPy's argument `copy` yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

LARGE = 512


def network(seed=3, width=1.0, kind="binary"):
    """Return a cancernet8 whose batch normalisation is not that of a new layer."""
    import keras

    keras.utils.set_random_seed(seed)
    model = build_cancernet(
        SIZE, len(TASKS[kind].classes), kind=kind, options=CancerNet(name="cancernet8", width=width)
    )
    rng = np.random.default_rng(seed)
    weights = [
        values if values.ndim > 1 else (values + rng.uniform(0.1, 0.5, values.shape)).astype(np.float32)
        for values in model.get_weights()
    ]
    model.set_weights(weights)
    return model


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """A float32 bundle of a cancernet8 of width 1."""
    made, folder = network(), tmp_path_factory.mktemp("float32")
    made.save(folder / "model.keras")
    engine.export_onnx(made, folder / "model.onnx")
    card = bundle.load_card(patch_bundle(folder / "small"))
    card = card.model_copy(update={"engine": Execution(precision="bf16", tolerance=0.05)})
    files = {"keras_file": folder / "model.keras", "onnx_file": folder / "model.onnx"}
    bundle.write(folder / "bundle", card, **files)
    return folder / "bundle"


@pytest.fixture(scope="module")
def halved(full, tmp_path_factory) -> Path:
    """The same bundle by the export."""
    _, folder = engine.export_bundle(full, tmp_path_factory.mktemp("float16") / "bundle", format="float16")
    return folder


def rounded(values):
    return values.astype(np.float16).astype(np.float32) if values.size >= LARGE else values


def initializers(path):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def test_it_is_a_whole_bundle_of_half_the_size(full, halved):
    assert sorted(path.name for path in halved.iterdir()) == sorted(path.name for path in full.iterdir())
    bundle.verify(halved)
    for name in ("model.onnx", "model.keras"):
        assert (halved / name).stat().st_size < 0.62 * (full / name).stat().st_size


def test_keras_reads_exactly_the_rounded_weights(full, halved):
    before, after = (engine.load_keras(folder / "model.keras") for folder in (full, halved))
    for old, new in zip(before.get_weights(), after.get_weights(), strict=True):
        assert new.dtype == np.float32
        np.testing.assert_array_equal(new, rounded(old))
    assert [one.path for one in before.weights] == [one.path for one in after.weights]
    assert any((old != rounded(old)).any() for old in before.get_weights())


def test_the_keras_file_holds_float16_and_is_stored_plainly(halved):
    import h5py

    with zipfile.ZipFile(halved / "model.keras") as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        content = io.BytesIO(archive.read("model.weights.h5"))
    found = []
    with h5py.File(content) as stream:
        stream.visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    assert {values.dtype for values in found if values.size >= LARGE} == {np.dtype(np.float16)}
    assert np.dtype(np.float16) not in {values.dtype for values in found if values.size < LARGE}


def test_the_graph_holds_float16_and_computes_in_float32(full, halved):
    constants = initializers(halved / "model.onnx")
    assert {values.dtype for values in constants.values() if values.size >= LARGE} == {np.dtype(np.float16)}
    nodes = onnx.load(halved / "model.onnx").graph.node
    halves = {name for name, values in constants.items() if values.dtype == np.float16}
    readers = [node for node in nodes if halves & set(node.input)]
    assert len(readers) == len(halves)
    assert {(node.op_type, node.attribute[0].i) for node in readers} == {("Cast", TensorProto.FLOAT)}
    ours = [node.op_type for node in onnx.load(full / "model.onnx").graph.node]
    added = [node.op_type for node in nodes][: len(nodes) - len(ours)]
    assert set(added) == {"Cast", "Mul"}
    assert [node.op_type for node in nodes][len(added) :] == ours
    onnx.checker.check_model(halved / "model.onnx", full_check=True)
    bundle.check_onnx_file(halved / "model.onnx")


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
def test_engines_answer_as_the_rounded_network_in_keras(halved, runtime):
    from cancernet.engine.runtimes import load

    patches = tissue(9, seed=5)
    opened = load((halved / "model.onnx").read_bytes(), Execution(), runtime=runtime)
    expected = engine.load_keras(halved / "model.keras").predict(patches, verbose=0)
    np.testing.assert_allclose(opened.run(patches).logits, expected, atol=2e-5, rtol=1e-5)
    opened.close()


def test_it_opens_like_any_other_bundle(full, halved):
    patches = tissue(9, seed=6)
    with engine.open(full) as old, engine.open(halved) as new:
        difference = probabilities(old.run(patches).logits) - probabilities(new.run(patches).logits)
    assert np.abs(difference).max() < 0.02  # both in bfloat16


def test_the_card_stays_but_for_what_was_measured(full, halved):
    old, new = (bundle.load_card(folder).model_dump() for folder in (full, halved))
    parity = new["engine"].pop("parity")
    assert old["engine"].pop("parity") == ()
    assert new == old
    measured = [(entry["runtime"], entry["precision"], entry["batch"]) for entry in parity]
    exact = [(runtime, "f32", batch) for runtime in engine.RUNTIMES for batch in (1, 7)]
    assert measured == [*exact, ("openvino", "bf16", 1), ("openvino", "bf16", 7)]
    assert max(entry["difference"] for entry in parity if entry["precision"] == "f32") <= 1e-5


def test_a_second_time_replaces_by_force_and_changes_no_weight(full, halved, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine")
    engine.export_bundle(halved, tmp_path / "mine", format="float16", force=True)
    bundle.verify(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    first, second = (engine.load_keras(folder / "model.keras") for folder in (halved, tmp_path / "mine"))
    for old, new in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    bundle.verify(full)  # what was exported from is as it was
    bundle.verify(halved)


def test_a_table_bundle_keeps_its_answers(tmp_path):
    from cancernet.bundle import find

    engine.export_bundle("fna", tmp_path / "fna", format="float16")
    values = made_sample(bundle.load_card(find("fna")), seed=1)
    with engine.open("fna") as old, engine.open(tmp_path / "fna") as new:
        answers = [probabilities(model.run(values).logits) for model in (old, new)]
    assert np.abs(answers[0] - answers[1]).max() < 1e-4
    assert (tmp_path / "fna" / "model.onnx").stat().st_size < 0.62 * (find("fna") / "model.onnx").stat().st_size


def test_an_existing_folder_is_kept(full, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        engine.export_bundle(full, tmp_path / "mine", format="float16")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("value", [65520.0, -1e30, np.nan])
def test_what_float16_cannot_hold_is_refused(value):
    model = network(width=0.5)
    weights = model.get_weights()
    place = max(range(len(weights)), key=lambda number: weights[number].size)
    weights[place].flat[7] = value
    model.set_weights(weights)
    with pytest.raises(InvalidInput) as caught:
        round_weights(model)
    assert f"'{model.weights[place].path}' holds {value:g}" in caught.value.wrong
    assert caught.value.expected == "Numbers that float16 can hold: -65504 to 65504"
    assert "--format onnx" in caught.value.todo
    np.testing.assert_array_equal(model.get_weights()[place], weights[place])


def test_a_bundle_that_overflows_leaves_nothing(full, tmp_path):
    model = engine.load_keras(full / "model.keras")
    weights = model.get_weights()
    weights[max(range(len(weights)), key=lambda number: weights[number].size)].flat[0] = 7e4
    model.set_weights(weights)
    model.save(tmp_path / "model.keras")
    card = bundle.load_card(full)
    bundle.write(tmp_path / "large", card, keras_file=tmp_path / "model.keras", onnx_file=full / "model.onnx")
    with pytest.raises(InvalidInput, match=r"holds 70000.*float16 can hold"):
        engine.export_bundle(tmp_path / "large", tmp_path / "out" / "small", format="float16")
    assert not (tmp_path / "out").exists()


def test_ensembles_are_halved_kernel_by_kernel(tmp_path):
    """Kernels of several members have one shape: each constant must find its own."""
    model = average_of([network(seed, width=0.5) for seed in (1, 2)])
    round_weights(model)
    engine.export_onnx(model, tmp_path / "wide.onnx")
    halve_onnx_file(tmp_path / "wide.onnx", tmp_path / "model.onnx", kernels=model.get_weights())
    constants = initializers(tmp_path / "model.onnx")
    assert {values.dtype for values in constants.values() if values.size >= LARGE} == {np.dtype(np.float16)}
    predict = lambda values: np.asarray(model.predict(values, verbose=0))  # noqa: E731
    entries = engine.check_parity(predict, tmp_path / "model.onnx", sample=tissue(9), kind="binary")
    assert max(entry.difference for entry in entries) <= 1e-5


def test_constants_that_are_no_rounded_kernels_stay(full, tmp_path):
    weights = engine.load_keras(full / "model.keras").get_weights()
    halve_onnx_file(full / "model.onnx", tmp_path / "model.onnx", kernels=[rounded(values) for values in weights])
    old, new = (initializers(path / "model.onnx") for path in (full, tmp_path))
    assert old.keys() == new.keys()
    assert all(np.array_equal(old[name], new[name]) for name in old)


def test_adapted_normalisation_and_counts_survive(tmp_path):
    import keras

    values = np.random.default_rng(0).normal(40, 3, (200, 30)).astype(np.float32)
    normalisation = keras.layers.Normalization()
    normalisation.adapt(values)
    model = keras.Sequential([keras.layers.Input((30,)), normalisation, keras.layers.Dense(32), keras.layers.Dense(2)])
    round_weights(model)
    model.save(tmp_path / "wide.keras")
    halve_keras_file(tmp_path / "wide.keras", tmp_path / "model.keras")
    again = engine.load_keras(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(values, verbose=0), model.predict(values, verbose=0))


# Made cases.


def test_made_patches_are_seeded_and_coloured_like_tissue(full):
    card = bundle.load_card(full)
    patches = made_sample(card, rows=50)
    assert patches.shape == (50, SIZE, SIZE, 3)
    assert patches.dtype == np.uint8
    np.testing.assert_array_equal(patches, made_sample(card, rows=50))
    assert (patches != made_sample(card, rows=50, seed=1)).any()
    red, green, blue = patches.reshape(-1, 3).mean(axis=0)
    assert green < min(red, blue)
    assert np.ptp(patches.mean(axis=(1, 2, 3))) > 60
    assert image_statistics(patches).shape == (50, len(STATISTICS))


def test_made_rows_have_mean_and_spread_of_the_training_rows():
    rows = np.random.default_rng(2).normal([3, -500, 1e-3, 0], [1, 50, 1e-4, 2], (400, 4))
    card = made_card()
    novelty = fit_novelty(rows, rows="made")
    card = card.model_copy(update={"decision": card.decision.model_copy(update={"novelty": novelty})})
    sample = made_sample(card, rows=400).astype(np.float64)
    np.testing.assert_allclose(sample.std(axis=0), novelty.scale, rtol=0.15)
    assert (np.abs(sample.mean(axis=0) - novelty.mean) < 4 * np.array(novelty.scale) / 20).all()
    assert np.mean(novelty_distance(novelty, sample) < novelty.limit) > 0.95


def test_made_rows_without_statistics_stand_around_the_medians():
    card = made_card()
    medians = TableInput(columns=card.input.columns, medians=(1.0, 20.0, 300.0, -4.0))
    sample = made_sample(card.model_copy(update={"input": medians}), rows=400)
    np.testing.assert_allclose(sample.mean(axis=0), medians.medians, atol=0.3)
    assert sample.dtype == np.float32


# On real patches.


@pytest.mark.realdata
def test_a_network_for_breast_tissue_keeps_its_answers(full, halved, realdata):
    """Untrained weights, real patches: in float32 the rounding moves probabilities by less than 0.001."""
    from cancernet.engine.runtimes import load

    files = sorted((realdata / "idc").rglob("*.png"))[::60][:200]
    patches = np.stack([np.asarray(Image.open(file).convert("RGB").resize((SIZE, SIZE))) for file in files])
    answers = []
    for folder in (full, halved):
        opened = load((folder / "model.onnx").read_bytes(), Execution())
        answers.append(probabilities(opened.run(patches).logits))
        opened.close()
    assert len(answers[0]) == 200
    assert np.abs(answers[0] - answers[1]).max() < 1e-3
