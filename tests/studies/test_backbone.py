"""A study on a user's feature extractor, from the file to predictions; what is wrong with it is said before packing."""

import json
from pathlib import Path

import numpy as np
import pytest

from cancernet import studies
from cancernet.errors import InvalidInput
from cancernet.models import Backbone, CancerNet, keras_library
from cancernet.studies.train import make_plan
from cli.made import refused, succeeded
from models.extractors import plain, residual, saved
from studies.patches import patch_study, write_patches

STUDY = """
name = "mine"
[data]
kind = "patches"
source = "made/manifest.csv"
target = "kind"
group = "patient"
mpp = 0.5
[split]
test = 0.25
validation = 0.25
[task]
kind = "binary"
positive = "cancer"
[model]
backbone = "extractor.keras"
scale = "-1..1"
[training]
epochs = 2
batch_size = 8
test_time = "none"
precision = "f32"
[report]
draws = 200
"""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Keep packs out of the user's cache, and return where they are."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("cache")
    patch.setenv("CANCERNET_CACHE", str(folder))
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with images, an extractor and a study, trained from elsewhere."""
    folder = tmp_path_factory.mktemp("backbone")
    write_patches(folder / "made", patients=16)
    saved(residual(), folder / "extractor.keras")
    (folder / "mine.toml").write_text(STUDY)
    succeeded("train", folder / "mine.toml", "--out", folder / "run", "--quiet")
    return folder


@pytest.fixture
def study(place):
    return studies.read_study(place / "mine.toml")


def test_the_report_names_the_file(place, study):
    assert study.model == Backbone(backbone=str(place / "extractor.keras"), scale="-1..1")
    assert "<dd>extractor.keras, " in (place / "run" / "report.html").read_text()
    assert studies.read_study(place / "run" / "study.toml") == study


def test_the_bundle_is_as_good_as_keras_and_keeps_the_frozen_weights(place):
    card = json.loads((place / "run" / "bundle" / "card.json").read_text())
    assert card["engine"]["precision"] == "f32"
    assert max(parity["difference"] for parity in card["engine"]["parity"]) < 1e-5
    saving = keras_library().saving
    models = [saving.load_model(place / name) for name in ("extractor.keras", "run/bundle/model.keras")]
    own, bundled = ({value.tobytes() for value in model.get_weights()} for model in models)
    assert own <= bundled


def test_the_bundle_predicts_evaluates_and_exports(place, tmp_path):
    bundle = place / "run" / "bundle"
    assert json.loads(succeeded("predict", bundle, place / "made" / "manifest.csv", "--json").out)["rows"] == 48
    other = write_patches(tmp_path / "other", patients=10, seed=4)
    text = (other / "manifest.csv").read_text().replace(",p", ",q").replace("qatient", "patient")
    (other / "manifest.csv").write_text(text)
    command = ("--target", "kind", "--group", "patient", "--layout", "manifest", "--json")
    found = succeeded("evaluate", bundle, other / "manifest.csv", "--out", tmp_path / "e", *command).json
    assert found["test"]["auroc"]["n"] == 30
    assert "(n, 32, 32, 3) uint8" in succeeded("export", bundle, "--out", tmp_path / "n.onnx").out


@pytest.mark.parametrize(("block", "said"), [((), "block 2, layer end"), (("--block", 1), "block 1, layer branch")])
def test_the_bundle_is_explained_at_each_step(place, tmp_path, block, said):
    tile = place / "made" / "tiles" / "0-0.png"
    succeeded("explain", place / "run" / "bundle", tile, "--out", tmp_path / "why", *block)
    assert said in (tmp_path / "why" / "index.html").read_text()


def test_a_block_that_is_not_there_is_told(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tile = place / "made" / "tiles" / "0-0.png"
    told = refused("explain", place / "run" / "bundle", tile, "--out", tmp_path / "why", "--block", 9)
    assert "'backbone' has no block 9" in told
    assert "1 (16 x 16 cells), 2 (8 x 8 cells)" in told


class Stopping(studies.Progress):
    """Interrupts a run when all is fitted and nothing is written."""

    def begin(self, what, total):
        super().begin(what, total)
        if what == "Writing":
            raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_with_the_same_file_only(place, tmp_path):
    extractor = saved(plain(), tmp_path / "mine.keras")
    split = {"folds": None, "test": 0.25, "validation": 0.25}
    study = patch_study(place / "made", split=split, training={"epochs": 2, "test_time": "none"})
    study = study.model_copy(update={"model": Backbone(backbone=str(extractor), frozen=False)})
    with pytest.raises(KeyboardInterrupt):
        studies.train(study, tmp_path / "cut", progress=Stopping())
    digest, content = make_plan(study).digest, extractor.read_bytes()
    saved(residual(), extractor)
    assert make_plan(study).digest != digest
    with pytest.raises(InvalidInput, match="begun with another study"):
        studies.train(study, tmp_path / "cut", resume=True)
    extractor.write_bytes(content)
    went_on, whole = studies.train(study, tmp_path / "cut", resume=True), studies.run(study)
    np.testing.assert_array_equal(whole.pooled.cases.logits, went_on.pooled.cases.logits)
    for one, two in zip(whole.final.model.get_weights(), went_on.final.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("model.backbone=nowhere.keras",), "There is no backbone 'nowhere.keras'"),
        (("model.backbone=$NO_SUCH_PLACE/x.keras",), "NO_SUCH_PLACE"),
        (("model.backbone=made/manifest.csv",), "is no Keras file"),
        (("model.backbone=lambda.keras",), "holds 'keras.layers.Lambda'"),
        (("model.backbone=grey.keras",), "takes images of 1 channels, and patches have 3"),
        (
            ("model.backbone=other.keras", "data.size=32"),
            "takes images of 48 x 48 pixels, and the patches have 32 x 32",
        ),
        (("model.weights=random",), 'weights = "random" needs frozen = false'),
        (("model.scale=0-1",), "'model.scale' = '0-1' cannot be used"),
        (("model.frozzen=true",), "Did you mean 'model.frozen'?"),
        (("model.name=cancernet8",), "unknown key 'model.name'"),
        (("model.backbone=3",), "'model.backbone' = 3 cannot be used"),
    ],
)
def test_what_cannot_be_is_said_before_images_are_packed(place, cache, monkeypatch, settings, words):
    keras = keras_library()
    made = {
        "lambda.keras": ((32, 32, 3), lambda: keras.layers.Lambda(lambda tensor: tensor * 2)),
        "grey.keras": ((None, None, 1), lambda: keras.layers.Conv2D(2, 3)),
        "other.keras": ((48, 48, 3), lambda: keras.layers.Conv2D(2, 3)),
    }
    for name, (shape, layer) in made.items():
        if any(name in setting for setting in settings):
            saved(keras.Sequential([keras.Input(shape), layer()]), place / name)
    monkeypatch.chdir(place)
    monkeypatch.setenv("CANCERNET_CACHE", str(place / "no-pack"))
    arguments = [part for setting in settings for part in ("--set", setting)]
    assert words in refused("train", "mine.toml", "--out", "other", *arguments)
    assert not (place / "no-pack").exists()


def test_another_size_is_told_when_the_images_say_it(place, monkeypatch):
    keras = keras_library()
    saved(keras.Sequential([keras.Input((48, 48, 3)), keras.layers.Conv2D(2, 3)]), place / "other.keras")
    monkeypatch.chdir(place)
    told = refused("train", "mine.toml", "--out", "other", "--set", "model.backbone=other.keras")
    assert "takes images of 48 x 48 pixels, and the patches have 32 x 32" in told


def test_paths_start_at_the_study_and_variables_are_expanded(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", str(place))
    for given in ("extractor.keras", "$MINE/extractor.keras", "${MINE}/extractor.keras"):
        found = studies.read_study(place / "mine.toml", settings=[f"model.backbone={given}"])
        assert Path(found.model.backbone) == (place / "extractor.keras").resolve()


def test_without_a_backbone_it_is_cancernet():
    fields = {"name": "a", "data": {"kind": "patches", "source": "b"}, "task": {"positive": "c"}}
    assert studies.study_from(fields).model == CancerNet()
    with pytest.raises(InvalidInput, match=r"unknown key 'model\.backbon'.*Did you mean 'model\.backbone'"):
        studies.study_from({**fields, "model": {"backbon": "x.keras"}})
    with pytest.raises(InvalidInput, match=r"unknown key 'model\.widht'.*Did you mean 'model\.width'"):
        studies.study_from({**fields, "model": {"name": "cancernet8", "widht": 1}})
    with pytest.raises(
        InvalidInput, match=r"'model\.name' = 'cancernet9' cannot be used: Input should be 'cancernet8'"
    ):
        studies.study_from({**fields, "model": {"name": "cancernet9"}})
    with pytest.raises(InvalidInput, match=r"'model' = 'x' cannot be used: it is the name of a section"):
        studies.study_from({**fields, "model": "x"})
    with pytest.raises(InvalidInput, match=r"unknown key 'model\.backbone'"):
        studies.study_from({**fields, "data": {"source": "b"}, "model": {"backbone": "x"}})
