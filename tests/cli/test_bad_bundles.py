"""Bundles that are damaged, unsafe, from the future or not there, through every verb that opens one."""

import json
import shutil
from pathlib import Path

import onnx
import pytest

from bundle.made import layer, made_config, made_keras
from cancernet.files import sha256
from cli.made import contents, refused, succeeded, write_rows

VERBS = {
    "predict": ("predict", "broken", "rows.csv", "--out", "out.csv"),
    "evaluate": ("evaluate", "broken", "rows.csv", "--target", "label", "--group", "row", "--out", "out"),
    "explain": ("explain", "broken", "rows.csv", "--out", "why"),
    "export": ("export", "broken", "--out", "out.onnx"),
}
FILES = ("card.json", "model.keras", "model.onnx", "checksums.json")
every_verb = pytest.mark.parametrize("command", VERBS.values(), ids=VERBS.keys())


@pytest.fixture
def broken(here: Path, bundle: Path) -> Path:
    """A copy of the bundle, to be spoilt, beside rows for it."""
    shutil.copytree(bundle, here / "broken")
    write_rows(here / "rows.csv")
    return here / "broken"


def _sign(folder: Path) -> None:
    """Write the checksums anew, as a forger would."""
    path = folder / "checksums.json"
    sums = json.loads(path.read_text())
    sums["sha256"] = {name: sha256(folder / name) for name in sums["sha256"]}
    path.write_text(json.dumps(sums))


def _flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


@every_verb
@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit(broken: Path, command, name: str) -> None:
    _flip(broken / name)
    assert "broken/" in refused(*command)


@every_verb
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_missing(broken: Path, command, name: str) -> None:
    (broken / name).unlink()
    assert f"'broken' holds no '{name}'" in refused(*command)


@every_verb
@pytest.mark.parametrize("name", ["card.json", "checksums.json"])
def test_a_schema_from_the_future(broken: Path, command, name: str) -> None:
    content = json.loads((broken / name).read_text())
    (broken / name).write_text(json.dumps({**content, "schema_version": 99}))
    message = refused(*command)
    assert "newer version" in message
    assert "pip install --upgrade cancernet" in message


@pytest.mark.parametrize("verb", ["predict", "evaluate", "explain"])
def test_weights_outside_the_file(broken: Path, verb: str) -> None:
    model = onnx.load(broken / "model.onnx")
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="rows.csv")
    onnx.save_model(model, broken / "model.onnx")
    _sign(broken)
    assert "in another file" in refused(*VERBS[verb])


@pytest.mark.parametrize("kind", ["Lambda", "TFSMLayer"])
def test_a_lambda_is_not_handed_on(broken: Path, kind: str) -> None:
    made_keras(broken / "model.keras", made_config(layer("InputLayer", batch_shape=[None, 3]), layer(kind)))
    _sign(broken)
    assert kind in refused("export", "broken", "--format", "keras", "--out", "out.keras")


def test_weights_outside_the_file_are_not_handed_on(broken: Path) -> None:
    test_weights_outside_the_file(broken, "export")


def test_a_network_that_does_not_fit_its_card(broken: Path) -> None:
    card = json.loads((broken / "card.json").read_text())
    card["input"]["columns"].append({"name": "more", "unit": ""})
    card["decision"]["novelty"] = None
    (broken / "card.json").write_text(json.dumps(card))
    _sign(broken)
    assert "shape" in refused(*VERBS["predict"])


def test_no_bundle(here: Path) -> None:
    write_rows(here / "rows.csv")
    assert "There is no bundle 'broken'" in refused(*VERBS["predict"])
    assert "is a file, not a bundle" in refused("predict", "rows.csv", "rows.csv")
    (here / "broken").mkdir()
    assert "holds no 'card.json'" in refused(*VERBS["predict"])


@pytest.mark.parametrize("verb", VERBS)
def test_an_output_that_exists_is_kept(broken: Path, verb: str) -> None:
    command = list(VERBS[verb])
    place = broken.parent / command[-1]
    if verb in ("evaluate", "explain"):
        place.mkdir()
        (place / "precious.txt").write_text("precious")
    else:
        place.write_text("precious")
    assert "exists already" in refused(*command)
    assert "precious" in str(contents(broken.parent))


def test_force_replaces(broken: Path) -> None:
    for name in ("out.csv", "out.onnx"):
        (broken.parent / name).write_text("precious")
    for verb in ("predict", "export"):
        succeeded(*VERBS[verb], "--force")
    assert "precious" not in str(contents(broken.parent))
