"""Images on the command line: audit, train, predict, explain, evaluate, export."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.made import cancernet, refused, succeeded
from engine.patchbundle import tissue
from studies.patches import write_patches

STUDY = """
name = "tiny-patches"
[data]
kind = "patches"
source = "made/manifest.csv"
target = "kind"
group = "patient"
mpp = 0.5
[split]
folds = 2
[task]
kind = "binary"
positive = "cancer"
[model]
name = "cancernet8"
width = 0.125
[training]
epochs = 2
batch_size = 8
inner_folds = 2
[report]
draws = 200
"""


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    """Keep packs out of the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CANCERNET_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with made images and a study of them, trained."""
    folder = tmp_path_factory.mktemp("patches")
    write_patches(folder / "made", patients=16)
    (folder / "tiny.toml").write_text(STUDY)
    succeeded("train", folder / "tiny.toml", "--out", folder / "run", "--quiet")
    return folder


@pytest.fixture
def bundle(place):
    return place / "run" / "bundle"


def test_training_prints_network_and_baselines(place):
    told = succeeded("train", place / "tiny.toml", "--out", place / "again", "--set", "training.epochs=1").out
    assert "48 patches of 32 x 32 pixels; 2-fold cross-validation" in told
    for name in ("network", "statistics", "AUROC", "Averaging over the 8 rotations and flips"):
        assert name in told


def test_a_folder_is_predicted_and_broken_files_are_named(place, bundle, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    for number, image in enumerate(tissue(3, seed=8)):
        Image.fromarray(image).save(folder / f"{number}.png")
    (folder / "torn.png").write_bytes((folder / "0.png").read_bytes()[:200])
    told = succeeded("predict", bundle, folder, "--out", tmp_path / "p.csv").out
    assert "3 rows" in told
    assert "Set aside: 1 file that could not be read (torn.png" in told
    with (tmp_path / "p.csv").open() as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ["0.png", "1.png", "2.png"]
    found = json.loads(succeeded("predict", bundle, folder / "0.png", folder / "2.png", "--json").out)
    assert (found["rows"], found["faults"]) == (2, [])


def test_a_manifest_is_predicted(place, bundle):
    assert json.loads(succeeded("predict", bundle, place / "made" / "manifest.csv", "--json").out)["rows"] == 48


def test_an_explanation_is_pictures_and_the_words_of_the_card(bundle, tmp_path):
    Image.fromarray(tissue(1, seed=3)[0]).save(tmp_path / "patch.png")
    told = succeeded("explain", bundle, tmp_path / "patch.png", "--out", tmp_path / "why").out
    assert "no proof" in told
    assert {path.suffix for path in (tmp_path / "why").iterdir()} == {".png", ".csv", ".html"}
    assert "not a medical device" in (tmp_path / "why" / "index.html").read_text()


def test_other_patients_are_evaluated_and_known_ones_refused(here, place, bundle, tmp_path):
    other = write_patches(tmp_path / "other", patients=10, seed=4)
    text = (other / "manifest.csv").read_text().replace(",p", ",q").replace("qatient", "patient")
    (other / "manifest.csv").write_text(text)
    command = ("--target", "kind", "--group", "patient", "--layout", "manifest")
    found = succeeded("evaluate", bundle, other / "manifest.csv", "--out", tmp_path / "e", *command, "--json").json
    assert found["test"]["auroc"]["n"] == 30
    assert "48 of 48" in refused("evaluate", bundle, place / "made" / "manifest.csv", "--out", tmp_path / "x", *command)
    assert not (tmp_path / "x").exists()


def test_an_audit_counts_and_finds_copies(here, tmp_path):
    folder = write_patches(tmp_path / "copies", copies=10)
    Image.fromarray(np.full((32, 32, 3), 250, np.uint8)).save(folder / "tiles" / "0-1.png")
    command = (
        "data",
        "audit",
        folder / "manifest.csv",
        "--layout",
        "manifest",
        "--target",
        "kind",
        "--group",
        "patient",
    )
    found = cancernet(*command)
    assert found.code == 2
    assert "24 groups by 'patient', with 3 to 3 images" in found.out
    assert "LEAK" in found.out
    assert found.err.count("tiles/") >= 2
    clean = write_patches(tmp_path / "clean", seed=3)
    told = succeeded(*command[:2], clean / "manifest.csv", *command[3:]).out
    assert "LEAK" not in told
    assert "Darkness alone" in told


def test_export_says_what_the_network_takes(bundle, tmp_path):
    told = succeeded("export", bundle, "--out", tmp_path / "n.onnx").out
    assert "(n, 32, 32, 3) uint8, RGB" in told


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("predict", "{bundle}", "nowhere/"), "nowhere"),
        (("predict", "{bundle}", "{place}/tiny.toml"), "tiny.toml"),
        (("predict", "fna", "{place}/made"), "made"),
        (("predict", "fna", "a.csv", "b.csv"), "2 files for 'fna'"),
        (("explain", "{bundle}", "{place}/made", "--layout", "foldres"), "Did you mean 'folders'?"),
        (("data", "audit", "{place}/empty"), "empty"),
        (("train", "{place}/tiny.toml", "--set", "data.source=nowhere"), "nowhere"),
        (("train", "{place}/tiny.toml", "--set", "data.size=20"), "data.size"),
        (("train", "{place}/tiny.toml", "--set", "data.fit=stretch"), "data.fit"),
        (("train", "{place}/tiny.toml", "--set", "data.source=$NO_SUCH_PLACE/x"), "NO_SUCH_PLACE"),
        (("train", "{place}/tiny.toml", "--set", "split.folds=40"), "for 40 folds"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(here: Path, place: Path, bundle: Path, command, words):
    (place / "empty").mkdir(exist_ok=True)
    assert words in refused(*(part.format(place=place, bundle=bundle) for part in command))
