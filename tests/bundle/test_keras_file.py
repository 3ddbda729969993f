import json
import random
import struct
import sys
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.made import layer, made_config, made_keras
from cancernet.bundle import check_keras_file
from cancernet.bundle.keras_file import ALLOWED
from cancernet.errors import CorruptFile, StorageFailure

LAMBDA = {"class_name": "__lambda__", "config": {"value": "bytecode"}}
DENSE = layer("Dense", name="logits", units=2)


def functional(*layers):
    return layer("Functional", module="keras.src.models.functional", registered_name="Functional", layers=list(layers))


UNSAFE = {
    "lambda layer": made_config(layer("Lambda", function=LAMBDA)),
    "lambda inside a stock layer": made_config(layer("Dense", units=2, activation=LAMBDA)),
    "lambda in a functional model": functional(DENSE, layer("Lambda", function=LAMBDA)),
    "lambda without a module": made_config({"class_name": "Lambda", "config": {}}),
    "nested in a nested model": made_config(made_config(made_config(layer("Lambda")))),
    "in a list in a key of its own": {**made_config(), "build_config": [[{"deep": layer("Lambda")}]]},
    "in compile_config": {**made_config(), "compile_config": {"loss": layer("function", module="os")}},
    "a saved model layer": made_config(layer("TFSMLayer", filepath="saved")),
    "a torch layer": made_config(layer("TorchModuleWrapper", module="keras.layers")),
    "a jax layer": made_config(layer("JaxLayer")),
    "a foreign module": made_config(layer("Dense", module="evil")),
    "a foreign class of a foreign module": made_config(layer("Popen", module="subprocess")),
    "a function": made_config(
        layer(
            "Dense", activation={"class_name": "function", "module": "os", "config": "system", "registered_name": "x"}
        )
    ),
    "a Keras function that loads": made_config(layer("load_model", module="keras.saving")),
    "a private module": made_config(layer("Dense", module="keras.src.layers.core.dense")),
    "a registered class": made_config(layer("Dense", registered_name="mine>Dense")),
    "a module without a class": made_config({"module": "evil", "config": {}}),
    "a registered name alone": made_config({"registered_name": "mine>Thing", "config": {}}),
    "a class that is no text": made_config({"class_name": ["Dense"], "module": "keras.layers", "config": {}}),
    "a tensor with a module": made_config({"class_name": "__keras_tensor__", "module": "evil", "config": {}}),
    "a type of TensorFlow": made_config({"class_name": "__typespec__", "spec_name": "x", "module": "tensorflow"}),
    "an absurd layer": made_config(layer("Dense", units=10**12)),
    "an absurd negative number": made_config(layer("Dense", units=-(10**12))),
    "an absurd seed": made_config(layer("Dropout", seed=[10**12])),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_more_than_stock_layers_is_refused(name, tmp_path):
    path = made_keras(tmp_path / "model.keras", UNSAFE[name])
    with pytest.raises(CorruptFile, match=r"model\.keras.*(not a stock layer|registers|asks for a layer)"):
        check_keras_file(path)


@pytest.mark.parametrize("config", [made_config(), functional(DENSE), made_config(made_config())])
def test_stock_layers_pass(config, tmp_path):
    check_keras_file(made_keras(tmp_path / "model.keras", config))


def test_numbers_that_identify_may_be_large(tmp_path):
    config = made_config(layer("Dropout", rate=0.5, seed=2**40), {**DENSE, "shared_object_id": 2**47})
    check_keras_file(made_keras(tmp_path / "model.keras", config))


def test_nothing_on_the_list_runs_code_from_the_file():
    names = {name for _, name in ALLOWED}
    assert not names & {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "function", "__lambda__"}
    assert all(module.partition(".")[0] == "keras" for module, _ in ALLOWED)


def test_keras_is_not_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    check_keras_file(made_keras(tmp_path / "model.keras"))


def test_a_zip_bomb_is_refused_before_it_grows(tmp_path):
    bomb = json.dumps(made_config()) + " " * 50_000_000
    path = made_keras(tmp_path / "model.keras", bomb, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(CorruptFile, match="compressed"):
        check_keras_file(path)


def test_a_member_that_claims_more_than_the_file_is_refused(tmp_path):
    path = made_keras(tmp_path / "model.keras")
    content = path.read_bytes()
    entry = content.rindex(b"PK\x01\x02")  # the last entry of the directory: the weights
    path.write_bytes(content[: entry + 20] + struct.pack("<II", 2**31, 2**31) + content[entry + 28 :])
    with pytest.raises(CorruptFile, match="more than its own size"):
        check_keras_file(path)


def test_an_absurdly_long_configuration_is_refused(tmp_path):
    path = made_keras(tmp_path / "model.keras", json.dumps(made_config()) + " " * 17_000_000)
    with pytest.raises(CorruptFile, match="more than 16 MiB"):
        check_keras_file(path)


@pytest.mark.parametrize("name", ["../evil.py", "assets/vocabulary.txt", "model.weights.npz", "/etc/passwd", "x.pkl"])
def test_members_that_keras_does_not_write_are_refused(name, tmp_path):
    path = made_keras(tmp_path / "model.keras", extra={name: "x"})
    with pytest.raises(CorruptFile, match="holds"):
        check_keras_file(path)


def test_two_members_of_one_name_are_refused(tmp_path):
    path = made_keras(tmp_path / "model.keras")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", json.dumps(made_config(layer("Lambda"))))
    with pytest.raises(CorruptFile, match="holds"):
        check_keras_file(path)


@pytest.mark.parametrize("depth", [101, 3000, 200_000])
def test_deep_nesting_is_refused(depth, tmp_path):
    nested = json.dumps(made_config())[:-1] + ', "build_config": ' + "[" * depth + "]" * depth + "}"
    path = made_keras(tmp_path / "model.keras", nested)
    with pytest.raises(CorruptFile, match=r"nests|no Keras file"):
        check_keras_file(path)


@pytest.mark.parametrize("config", ["", "{", "\ud800".encode("utf-16", "surrogatepass").hex(), "NaN x"])
def test_a_configuration_that_is_no_json_is_refused(config, tmp_path):
    with pytest.raises(CorruptFile, match="no Keras file"):
        check_keras_file(made_keras(tmp_path / "model.keras", config))


@pytest.mark.parametrize("config", ["[]", "{}", "1", '"text"', "null"])
def test_a_configuration_without_a_model_is_refused(config, tmp_path):
    with pytest.raises(CorruptFile, match="holds no model"):
        check_keras_file(made_keras(tmp_path / "model.keras", config))


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n an old Keras file", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_keras_file_is_called_so(content, tmp_path):
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(CorruptFile, match=r"is no Keras file|holds"):
        check_keras_file(tmp_path / "model.keras")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageFailure, match=r"none\.keras"):
        check_keras_file(tmp_path / "none.keras")


@given(seed=st.integers(0, 2**32))
def test_random_damage_never_makes_another_error(seed, tmp_path_factory):
    path = made_keras(tmp_path_factory.getbasetemp() / "damaged.keras")
    rng = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 10)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content[: rng.choice([len(content), rng.randint(1, len(content))])])
    with suppress(CorruptFile, StorageFailure):  # some damage is harmless: in the weights, which are filler
        check_keras_file(path)


def _objects(children):
    names = st.sampled_from(["Dense", "Lambda", "__lambda__", "function", "Sequential"])
    keys = st.sampled_from(["class_name", "config", "module", "registered_name", "layers", "fn"])
    return st.lists(children, max_size=3) | st.dictionaries(keys, children | names, max_size=4)


@given(config=st.recursive(st.none() | st.text(max_size=5) | st.integers(), _objects, max_leaves=20))
def test_random_json_passes_only_without_foreign_names(config, tmp_path_factory):
    path = made_keras(tmp_path_factory.getbasetemp() / "random.keras", {**made_config(), "build_config": config})
    try:
        check_keras_file(path)
    except CorruptFile:
        return
    text = json.dumps(config)
    assert "class_name" not in text or "keras" in text
