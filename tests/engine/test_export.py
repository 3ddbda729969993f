import logging
import os
import subprocess
import sys
import warnings
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from bundle.made import layer, made_config, made_keras
from cancernet import bundle, engine
from cancernet.engine.export import _convert_elsewhere
from cancernet.engine.runtimes import load
from cancernet.errors import BundleMismatch, CorruptFile, InvalidInput, MissingExtra
from cancernet.tasks import softmax
from engine.made import CLASSES, COLUMNS, WIDTH, keras_outputs, made_files, made_model, made_values, trained_bundle

# 2026-11: Keras 3.15 calls np.array on TensorFlow's variables, which do not know NumPy's argument `copy` yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture(scope="module")
def model():
    return made_model()


@pytest.fixture(scope="module")
def graph():
    return onnx.load(made_files()[1])


def engine_outputs(path, values, runtime="openvino"):
    opened = load(path.read_bytes(), bundle.Execution(), runtime=runtime)
    return opened.run(values)


def test_the_graph_has_the_promised_form(graph):
    def shape_of(value):
        kind = value.type.tensor_type
        return value.name, kind.elem_type, [dim.dim_param or dim.dim_value for dim in kind.shape.dim]

    floats = onnx.TensorProto.FLOAT
    assert [shape_of(value) for value in graph.graph.input] == [("input", floats, ["batch", COLUMNS])]
    assert [shape_of(value) for value in graph.graph.output] == [
        ("logits", floats, ["batch", len(CLASSES)]),
        ("features", floats, ["batch", WIDTH]),
    ]
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 18)]
    assert not {tensor.data_type for tensor in graph.graph.initializer} - {floats, onnx.TensorProto.INT64}


def test_the_file_stands_alone():
    bundle.check_onnx_file(made_files()[1])
    onnx.checker.check_model(made_files()[1], full_check=True)


@pytest.mark.parametrize("runtime", engine.RUNTIMES)
@pytest.mark.parametrize("rows", [1, 7, 8193])
def test_both_engines_answer_as_keras(model, runtime, rows, tmp_path):
    values = made_values(rows)
    logits, features = keras_outputs(model, values)
    with engine.open(trained_bundle(tmp_path / "made"), runtime=runtime) as opened:
        outputs = opened.run(values)
    np.testing.assert_allclose(softmax(outputs.logits), softmax(logits), atol=1e-5)
    np.testing.assert_allclose(outputs.features, features, atol=1e-4)


def test_layers_that_two_models_share_are_exported(model, tmp_path):
    """As training does: the core learns on standardised values, the shipped model begins with the normalisation."""
    import keras

    shared = keras.Sequential([keras.layers.Input((COLUMNS,)), *model.layers], name="shared")
    engine.export_onnx(shared, tmp_path / "shared.onnx")
    outputs = engine_outputs(tmp_path / "shared.onnx", made_values(7))
    np.testing.assert_allclose(outputs.logits, keras_outputs(model, made_values(7))[0], atol=1e-4)


def test_a_functional_model_with_adapted_normalisation_is_exported(tmp_path):
    import keras

    values = made_values(200)
    normalisation = keras.layers.Normalization(name="normalisation")
    normalisation.adapt(values)
    entrance = keras.Input((COLUMNS,), name="raw")
    features = keras.layers.Dense(WIDTH, name="features")(normalisation(entrance))
    model = keras.Model(entrance, keras.layers.Dense(2, name="logits")(features))
    engine.export_onnx(model, tmp_path / "functional.onnx")
    outputs = engine_outputs(tmp_path / "functional.onnx", values[:7])
    np.testing.assert_allclose(outputs.logits, model.predict(values[:7], verbose=0), atol=1e-4)


def test_mixed_precision_is_exported_in_float32(tmp_path):
    import keras

    mixed = keras.models.clone_model(
        made_model(), clone_function=lambda one: type(one).from_config({**one.get_config(), "dtype": "mixed_bfloat16"})
    )
    plain = made_model()
    mixed.set_weights(plain.get_weights())
    engine.export_onnx(mixed, tmp_path / "mixed.onnx")
    outputs = engine_outputs(tmp_path / "mixed.onnx", made_values(7))
    np.testing.assert_allclose(outputs.logits, keras_outputs(plain, made_values(7))[0], atol=1e-4)


def test_the_model_is_left_as_it_was(model, tmp_path):
    before, names = model.get_weights(), [one.name for one in model.layers]
    engine.export_onnx(model, tmp_path / "model.onnx")
    assert [one.name for one in model.layers] == names
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_exporting_says_nothing(model, tmp_path, capfd, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine.export_onnx(model, tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert list(tmp_path.iterdir()) == [tmp_path / "model.onnx"]


def test_an_existing_file_is_kept_unless_forced(model, tmp_path):
    (tmp_path / "model.onnx").write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        engine.export_onnx(model, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_text() == "mine"
    engine.export_onnx(model, tmp_path / "model.onnx", force=True)
    bundle.check_onnx_file(tmp_path / "model.onnx")


@pytest.mark.parametrize("names", [("hidden", "logits"), ("features", "answer"), ("logits", "features")])
def test_layers_must_be_named(names, tmp_path):
    import keras

    model = keras.Sequential([keras.layers.Input((4,)), *(keras.layers.Dense(2, name=name) for name in names)])
    with pytest.raises(InvalidInput, match=r"'features', and a last layer called 'logits'"):
        engine.export_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_without_tf2onnx_it_says_how_to_get_it(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cancernet\[train\]'"):
        engine.export_onnx(model, tmp_path / "model.onnx")


# Parity.


def reference(model):
    return lambda values: keras_outputs(model, values)[0]


def test_parity_is_measured_for_every_runtime_and_batch(model):
    entries = engine.check_parity(reference(model), made_files()[1], sample=made_values(100))
    assert [(entry.runtime, entry.batch) for entry in entries] == [
        (runtime, batch) for runtime in engine.RUNTIMES for batch in (1, 7)
    ]
    assert max(entry.difference for entry in entries) <= 1e-5


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_parity_can_be_measured_on_few_rows(model, rows):
    assert engine.check_parity(reference(model), made_files()[1], sample=made_values(rows), runtimes=("openvino",))


def test_another_network_fails_loudly():
    other = made_model(seed=4)
    with pytest.raises(BundleMismatch, match=r"openvino .f32. differs from Keras by .* batch size 1.*At most 1e-05"):
        engine.check_parity(reference(other), made_files()[1], sample=made_values(9))


def test_one_deviating_row_of_many_is_found(model):
    def almost(values):
        logits = keras_outputs(model, values)[0].copy()
        logits[69, 0] += 1e-3
        return logits

    with pytest.raises(BundleMismatch, match="differs"):
        engine.check_parity(almost, made_files()[1], sample=made_values(70))


def test_what_is_not_a_number_fails_loudly(model):
    with pytest.raises(BundleMismatch, match="differs from Keras by nan"):
        engine.check_parity(lambda values: np.full((len(values), 3), np.nan), made_files()[1], sample=made_values(9))


def test_the_default_precision_of_openvino_would_fail(model):
    """The reason why the card carries the precision."""
    measure = partial(engine.check_parity, reference(model), made_files()[1], sample=made_values(70))
    coarse = measure(execution=bundle.Execution(precision="bf16", tolerance=1.0))
    assert {entry.runtime for entry in coarse if entry.precision == "bf16"} == {"openvino"}
    if max(entry.difference for entry in coarse) <= 1e-5:
        pytest.skip("this processor has no bf16")
    with pytest.raises(BundleMismatch, match="differs"):
        measure(execution=bundle.Execution(precision="bf16"))


@pytest.mark.parametrize("shape", [(0, COLUMNS), (COLUMNS,)])
def test_parity_needs_rows(model, shape):
    with pytest.raises(InvalidInput, match="n at least 1"):
        engine.check_parity(reference(model), made_files()[1], sample=np.zeros(shape))


# Keras files.


def test_a_keras_file_is_read_back(model):
    again = engine.load_keras(made_files()[0])
    np.testing.assert_array_equal(again.predict(made_values(3), verbose=0), model.predict(made_values(3), verbose=0))
    assert not again.compiled


def test_files_that_keras_writes_pass_the_check(model, tmp_path):
    import keras

    compiled = made_model()
    compiled.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    compiled.save(tmp_path / "compiled.keras")
    functional = keras.Model(model.inputs, model.outputs)
    functional.save(tmp_path / "functional.keras")
    for name in ("compiled", "functional"):
        bundle.check_keras_file(tmp_path / f"{name}.keras")


def test_a_lambda_layer_that_keras_wrote_is_refused_before_keras_opens_it(tmp_path, monkeypatch):
    import keras

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Lambda(lambda values: values + 1)])
    model.save(tmp_path / "lambda.keras")
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras opened the file"))
    with pytest.raises(CorruptFile, match=r"'keras\.layers\.Lambda', which is not a stock layer"):
        engine.load_keras(tmp_path / "lambda.keras")


def test_a_registered_layer_is_refused_before_keras_opens_it(tmp_path, monkeypatch):
    import keras

    path = made_keras(tmp_path / "own.keras", made_config(layer("Dense", registered_name="mine>Dense", units=2)))
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras opened the file"))
    with pytest.raises(CorruptFile, match="registers 'Dense' as 'mine>Dense'"):
        engine.load_keras(path)


def test_weights_that_point_outside_are_refused(tmp_path):
    """HDF5 can link to other files of the machine; Keras refuses that, and we say so in our words."""
    import h5py

    source, weights = tmp_path / "links.keras", tmp_path / "weights.h5"
    with zipfile.ZipFile(made_files()[0]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights.write_bytes(members["model.weights.h5"])
    with h5py.File(weights, "a") as stream:
        place = next(name for name in _datasets(stream) if "features" in name or "dense" in name)
        del stream[place]
        stream[place] = h5py.ExternalLink("/etc/passwd", "/")
    members["model.weights.h5"] = weights.read_bytes()
    with zipfile.ZipFile(source, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(CorruptFile, match="Keras cannot open"):
        engine.load_keras(source)


def _datasets(stream) -> list[str]:
    import h5py

    names: list[str] = []
    stream.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


# Other backends: the conversion runs in a second process.


def test_a_second_process_exports_the_same_network(model, tmp_path, capfd):
    _convert_elsewhere(model, tmp_path / "elsewhere.onnx")
    assert capfd.readouterr() == ("", "")
    bundle.check_onnx_file(tmp_path / "elsewhere.onnx")
    again, first = (engine_outputs(path, made_values(9)) for path in (tmp_path / "elsewhere.onnx", made_files()[1]))
    np.testing.assert_array_equal(again.logits, first.logits)
    np.testing.assert_array_equal(again.features, first.features)


def test_a_second_process_that_fails_tells_why(tmp_path):
    """As when a model holds layers that may not be opened."""
    import keras

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.GaussianDropout(0.1), keras.layers.Dense(2)])
    with pytest.raises(RuntimeError, match=r"(?s)exit code 1:.*GaussianDropout', which is not a stock layer"):
        _convert_elsewhere(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


JAX = """
import sys
sys.path.insert(0, sys.argv[1])
import keras
from engine.made import keras_outputs, made_model, made_values
from cancernet import engine
model = made_model()
engine.export_onnx(model, sys.argv[2])
entries = engine.check_parity(lambda values: keras_outputs(model, values)[0], sys.argv[2], sample=made_values(20))
print(keras.backend.backend(), max(entry.difference for entry in entries))
"""


@pytest.mark.slow
def test_the_jax_backend_exports_the_same_network(tmp_path):
    pytest.importorskip("jax")
    arguments = [str(Path(__file__).parents[1]), str(tmp_path / "jax.onnx")]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", JAX, *arguments], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    backend, difference = done.stdout.split()
    assert backend == "jax"
    assert float(difference) <= 1e-5
