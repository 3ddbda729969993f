"""A study of nuclei from a manifest to a bundle, on drawn images; what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cancernet import studies
from cancernet.cells import NetworkSegmenter
from cancernet.errors import InvalidInput, LeakingSplit, MissingResolution
from cancernet.metrics import instance_scores
from cancernet.studies.nuclei import make_nuclei_plan
from cancernet.studies.nuclei.choose import ImageMaps, best_outlining, choose_outlines, score_outlinings
from cancernet.studies.nuclei.fields import read_fields
from cancernet.studies.progress import Progress
from cancernet.training import SegmenterLearner, make_targets
from cells.fieldbundle import drawn_nuclei

STUDY = """
name = "made"
[data]
kind = "nuclei"
source = "{source}"
group = "patient"
mpp = "mpp"
[split]
folds = 2
[task]
kind = "segmentation"
[model]
mpp = 0.5
widths = [8, 16]
[training]
epochs = 6
crops = 48
crop = 32
zoom = 0
tile = 96
margin = 8
learning_rate = 0.01
augmentation = {{ stain_scale = 0, stain_shift = 0, zoom = 0, blur = 0, jpeg = 0 }}
[report]
draws = 200
"""


def made_images(folder, count=6):
    """Write images of drawn nuclei, their labels, and a manifest."""
    lines = ["path,labels,patient,mpp"]
    for number in range(count):
        labels, nucleus, _ = drawn_nuclei(96, 110, count=18, seed=number)
        rng = np.random.default_rng(number)
        colour = np.where(nucleus[..., None] > 0, (90, 60, 150), (230, 180, 210)) + rng.normal(0, 8, (96, 110, 3))
        Image.fromarray(colour.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        Image.fromarray(labels.astype(np.uint16)).save(folder / f"{number}-labels.png")
        lines.append(f"{number}.png,{number}-labels.png,p{number // 2},0.5")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return made_images(tmp_path_factory.mktemp("images"))


def study_of(source, *settings):
    return studies.parse_study(STUDY.format(source=source), settings=settings)


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "made"
    studies.train(study_of(source), place)
    return place


def test_a_run_leaves_what_every_run_leaves(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "study.toml", "split.json", "history.csv", "images.csv", "metrics.json", "report.html", "bundle"
    }  # fmt: skip
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["dice"]["value"] > 0.85
    assert metrics["test"]["aji"]["groups"] == 3
    assert len(metrics["images"]) == 6
    assert studies.read_study(folder / "study.toml").data.kind == "nuclei"
    page = (folder / "report.html").read_text()
    assert page.count("data:image/jpeg") == 3
    assert "not a medical device" in page


def test_every_image_is_tested_once_by_a_network_that_has_not_seen_its_patient(folder):
    split = json.loads((folder / "split.json").read_text())
    groups = np.repeat(["p0", "p1", "p2"], 2)
    assert sorted(row for fold in split["folds"] for row in fold["test"]) == list(range(6))
    for fold in split["folds"]:
        assert not set(groups[fold["test"]]) & set(groups[fold["train"]])


def test_the_bundle_outlines_new_images_at_other_resolutions(folder):
    labels, nucleus, _ = drawn_nuclei(100, 100, count=14, seed=77)
    image = np.where(nucleus[..., None] > 0, (90, 60, 150), (230, 180, 210)).astype(np.uint8)
    double = np.repeat(np.repeat(image, 2, 0), 2, 1)
    with NetworkSegmenter(folder / "bundle") as segmenter:
        assert segmenter.model.card.decision.outlining.rows.endswith("by networks of other folds")
        assert instance_scores(labels, segmenter.labels(image, mpp=0.5)).dice > 0.85
        fine = segmenter.labels(double, mpp=0.25)
    assert instance_scores(np.repeat(np.repeat(labels, 2, 0), 2, 1), fine).dice > 0.85


def true_maps(field, *, nucleus=1.0):
    """Return the maps that a perfect network would give, its probabilities lowered."""
    maps = make_targets(field.classes, field.things, count=2).astype(np.float32) / 255
    maps[..., 0] *= nucleus
    return maps


def test_thresholds_of_a_fold_are_chosen_on_the_images_of_other_folds(source):
    """Where a network is unsure of nuclei they need a low threshold, but not that of the fold they are in."""
    plan = make_nuclei_plan(study_of(source, "split.folds=3"))
    asked = [
        ImageMaps(row, place, true_maps(plan.fields[row], nucleus=0.45 if place == 0 else 1.0))
        for place, fold in enumerate(plan.split.folds)
        for row in fold.test.tolist()
    ]
    cross = choose_outlines(plan, asked, Progress())
    assert cross.tested == tuple(asked)
    assert [one.threshold for one in cross.outlinings[1:]] == [0.4, 0.4]
    sure = [one for one in asked if one.fold != 0]
    alone = [score_outlinings(one.maps, plan.fields[one.field].things, mpp=0.5) for one in sure]
    assert cross.outlinings[0] == best_outlining(alone, rows="4 images by networks of other folds")
    assert cross.outlining.threshold == 0.4
    assert cross.outlining.rows == "6 images by networks of other folds"


def test_where_there_is_one_fold_thresholds_are_chosen_on_its_training_images(source):
    plan = make_nuclei_plan(studies.parse_study(STUDY.replace("folds = 2", "test = 0.34").format(source=source)))
    (fold,) = plan.split.folds
    asked = [ImageMaps(int(row), 0, true_maps(plan.fields[row], nucleus=0.45)) for row in fold.test]
    shown = [ImageMaps(int(row), 0, true_maps(plan.fields[row])) for row in fold.train]
    cross = choose_outlines(plan, [*asked, *shown], Progress())
    assert cross.tested == tuple(asked)
    assert cross.outlinings[0].rows == "4 training images of the fold"
    assert cross.outlining.threshold == 0.4


def test_an_image_whose_score_is_not_defined_decides_nothing():
    count = len(score_outlinings(np.zeros((8, 8, 2), np.float32), np.zeros((8, 8), np.int32), mpp=0.5))
    undefined, low, high = np.full(count, np.nan), np.zeros(count), np.zeros(count)
    low[3], high[5] = 0.2, 0.5
    assert best_outlining([undefined, low, high], rows="x") == best_outlining([high], rows="x")
    assert best_outlining([undefined], rows="none").rows == "none"


@pytest.mark.slow
def test_an_interrupted_run_goes_on_with_its_finished_fits(source, tmp_path, monkeypatch):
    real, begun = SegmenterLearner.fit, []

    def fit(self, scenes, *, seed):
        begun.append(seed)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return real(self, scenes, seed=seed)

    monkeypatch.setattr(SegmenterLearner, "fit", fit)
    study = study_of(source, "training.epochs=1")
    with pytest.raises(KeyboardInterrupt):
        studies.train(study, tmp_path / "run")
    with pytest.raises(InvalidInput, match="interrupted"):
        studies.train(study, tmp_path / "run")
    studies.train(study, tmp_path / "run", resume=True)
    assert len(begun) == 4  # two before; then the other fold, and the network of the bundle
    assert begun[0] not in begun[1:]


def test_the_resolution_is_estimated_from_the_size_of_nuclei(source):
    study = study_of(source)
    data = study.data.model_copy(update={"mpp": None, "nucleus_um": 6.0})
    for field in read_fields(study.model_copy(update={"data": data}), Progress()):
        areas = np.bincount(field.things.ravel())[1:]
        assert 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi) * field.mpp == pytest.approx(6.0)


@pytest.mark.slow
def test_classes_are_measured_each(source, tmp_path):
    """Codes beyond the last class are background."""
    text = source.read_text().splitlines()
    for number in range(len(text) - 1):
        labels = np.array(Image.open(source.parent / f"{number}-labels.png"))
        codes = np.where(labels > 0, 2, 1).astype(np.uint8)
        codes[:5] = 3
        Image.fromarray(codes).save(tmp_path / f"{number}-labels.png")
        Image.open(source.parent / f"{number}.png").save(tmp_path / f"{number}.png")
    (tmp_path / "manifest.csv").write_text(source.read_text())
    settings = ('data.holds="classes"', 'task.classes=["background", "cytoplasm", "nucleus"]', "training.epochs=2")
    run = studies.train(study_of(tmp_path / "manifest.csv", *settings), tmp_path / "run")
    assert {"dice_cytoplasm", "dice_nucleus"} <= set(run.record.metrics)
    assert run.card.task.classes == ("background", "cytoplasm", "nucleus")
    assert (run.plan.fields[0].classes[:5] == 0).all()


def test_labels_of_another_size_and_unknown_resolutions_are_refused(source, tmp_path):
    made_images(tmp_path, count=4)
    Image.new("I;16", (5, 5)).save(tmp_path / "1-labels.png")
    with pytest.raises(InvalidInput, match="5 x 5 pixels"):
        make_nuclei_plan(study_of(tmp_path / "manifest.csv"))
    path = tmp_path / "manifest.csv"
    made_images(tmp_path, count=4)
    path.write_text(path.read_text().replace("p0,0.5", "p0,"))
    with pytest.raises(MissingResolution, match="2 images are unknown"):
        make_nuclei_plan(study_of(path))


def test_a_split_that_leaks_is_refused(source, folder, tmp_path):
    split = json.loads((folder / "split.json").read_text())
    first, second = split["folds"]
    first["test"][0], second["test"][0] = second["test"][0], first["test"][0]
    for fold in split["folds"]:
        fold["train"] = sorted(set(range(6)) - set(fold["test"]))
    (tmp_path / "split.json").write_text(json.dumps(split))
    study = study_of(source)
    own = study.split.model_copy(update={"folds": None, "file": str(tmp_path / "split.json")})
    with pytest.raises(LeakingSplit, match="trained on and tested"):
        make_nuclei_plan(study.model_copy(update={"split": own}))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('task.kind="multiclass"', "belong together"),
        ('data.nucleus_um=6.0', "give mpp"),
        ('task.classes=["a", "b", "c"]', "instances are of one class"),
        ("training.margin=24", "margin = 24 is a quarter or more of training.tile = 96"),
        ("training.tile=98", "tile = 98 is no multiple of 4"),
        ("training.crop=42", "crop = 42 is no multiple of 4"),
    ],
)  # fmt: skip
def test_sections_that_do_not_fit_are_refused(source, setting, message):
    with pytest.raises(InvalidInput, match=message):
        study_of(source, setting)


@pytest.mark.parametrize("name", ["nuclei", "monuseg", "cytology", "consep"])
def test_the_studies_of_the_benchmarks_can_be_read(name, monkeypatch):
    monkeypatch.setenv("CANCERNET_DATA", "data")
    study = studies.read_study(Path(__file__).parents[2] / "studies" / f"{name}.toml")
    assert study.name == name
