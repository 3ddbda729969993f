"""Studies of slides: from a table and a folder of features to a run folder, and what a bundle says of other slides."""

import csv
import json
import shutil

import numpy as np
import pytest

from bags.made import made_features, write_needles, write_slide, write_table
from cancernet import bundle, engine, predict, studies
from cancernet.bags import BagOptions, read_bags
from cancernet.errors import BundleMismatch, InvalidInput, LeakingSplit
from cancernet.explain import attention_of
from cancernet.studies import study_from
from cancernet.studies.train import make_plan

ALL = {"auroc", "accuracy", "ece", "coverage", "abstained", "selective_accuracy", "brier_skill"}


def bag_study(source, **sections):
    """Return a study that takes seconds; sections are merged into it."""
    fields = {
        "name": "made-bags",
        "data": {"kind": "bags", "source": str(source / "slides.csv")},
        "split": {"folds": 3},
        "task": {"kind": "binary", "positive": "tumour"},
        "model": {"hidden": 8, "attention": 4},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "tiles": 16, "inner_folds": 2},
        "report": {"draws": 200, "coverage": 0.8, "prevalence": [0.1]},
    }
    return study_from({**fields, **{name: {**fields[name], **section} for name, section in sections.items()}})


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Forty-eight slides of twenty-four patients."""
    folder = tmp_path_factory.mktemp("slides")
    write_needles(folder, slides=48, tiles=24, strength=4.0)
    return folder


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
    """A finished run and its folder."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, studies.train(bag_study(source), folder)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Slides of other patients."""
    folder = tmp_path_factory.mktemp("others")
    write_needles(folder, slides=16, tiles=40, strength=4.0, seed=9)
    rows = [(slide, label, f"other-{patient}") for slide, label, patient in rows_of(folder)]
    write_table(folder / "slides.csv", rows)
    return folder


def rows_of(folder):
    with (folder / "slides.csv").open(newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_a_run_holds_what_every_run_holds(finished):
    folder, run = finished
    assert {path.name for path in folder.iterdir()} >= {
        *("study.toml", "split.json", "history.csv", "predictions.csv", "metrics.json", "report.html", "bundle")
    }
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["test"]) >= ALL
    assert set(metrics["baselines"]) == {"majority", "max", "mean"}
    assert len(run.record.folds) == 3
    assert len(run.pooled.rows) == 48
    assert sorted(run.pooled.rows.tolist()) == list(range(48))
    page = (folder / "report.html").read_text()
    for words in ("gated attention over tiles", "mean features", "The features are those of made", "by patient"):
        assert words in page, words


def test_no_patient_is_on_two_sides(finished):
    plan = finished[1].plan
    for fold in plan.split.folds:
        assert not set(plan.table.groups[fold.train]) & set(plan.table.groups[fold.test])


def test_the_study_that_is_written_can_be_repeated(finished):
    folder, run = finished
    assert studies.read_study(folder / "study.toml") == run.plan.study


def test_the_card_keeps_encoder_and_resolution(finished):
    folder, run = finished
    with engine.open(folder / "bundle") as model:
        card = model.card
    assert (card.input.kind, card.input.width, card.input.encoder) == ("bags", 16, "made")
    assert (card.input.pixel_size.status, card.input.pixel_size.mpp) == ("known", 0.5)
    assert len(card.decision.novelty.mean) == len(card.input.statistics) == 16
    assert len(card.training.group_hashes) == 24
    assert len(card.training.row_hashes) == 48
    assert card.decision.temperature_rows == "out-of-fold rows of all folds (48)"
    assert {entry.runtime for entry in card.engine.parity} == set(engine.RUNTIMES)
    assert run.final.epochs == 3


def test_new_slides_are_answered_as_the_network_answers(finished, others, tmp_path):
    folder, run = finished
    bags = read_bags(others / "slides.csv", options=BagOptions(target="label", group="patient"))
    with engine.open(folder / "bundle") as model:
        summary = predict.predict_bags(model, bags, out=tmp_path / "p.csv")
        cases = predict.answer_bags(model, bags)
        weights = attention_of(model, made_features(9, 16))
    assert summary.rows == len(cases) == 16
    with (tmp_path / "p.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == bags.ids.tolist()
    assert set(rows[0]) >= {"p_normal", "p_tumour", "predicted", "set", "abstained", "ood", "ood_reason"}
    np.testing.assert_allclose([float(row["p_tumour"]) for row in rows], cases.probabilities[:, 1], atol=1e-6)
    from cancernet.bags import pad_bags, read_bag

    keras = np.concatenate([run.final.model.predict_on_batch(pad_bags([read_bag(p).features])) for p in bags.paths])
    np.testing.assert_allclose(cases.logits, keras, atol=1e-4)
    np.testing.assert_allclose(cases.probabilities, run.final.decision.calibrated(keras, kind="binary"), atol=1e-5)
    assert weights.sum() == pytest.approx(1, abs=1e-5)


def test_a_slide_unlike_the_training_ones_abstains(finished, tmp_path):
    write_slide(tmp_path / "features", "far", made_features(20, 16) + 30)
    with engine.open(finished[0] / "bundle") as model:
        found = predict.answer_bags(model, read_bags(write_table(tmp_path / "t.csv", [("far",)], head=("slide",))))
    assert found.ood.tolist() == found.abstained.tolist() == [True]
    assert "mean of feature" in found.ood_reason[0]


def test_slides_that_cannot_be_read_are_set_aside_and_named(finished, others, tmp_path):
    shutil.copytree(others / "features", tmp_path / "features")
    (tmp_path / "features" / "s003.npz").write_bytes(b"nothing")
    (tmp_path / "features" / "s004.npz").unlink()
    write_table(tmp_path / "slides.csv", rows_of(others))
    bags = read_bags(tmp_path / "slides.csv")
    with engine.open(finished[0] / "bundle") as model:
        summary = predict.predict_bags(model, bags)
        with pytest.raises(InvalidInput, match=r"1 of 16 slides .* 's004'"):
            predict.answer_bags(model, bags)
    assert summary.rows == 14
    assert [fault.path.name for fault in summary.faults] == ["s004", "s003.npz"]


@pytest.mark.parametrize(
    ("width", "encoder", "words"), [(16, "conch", "of the encoder 'conch'"), (12, "made", "holds 12 features per tile")]
)
def test_features_of_another_encoder_are_refused(finished, tmp_path, width, encoder, words):
    write_slide(tmp_path, "s", made_features(4, width), encoder=encoder)
    with engine.open(finished[0] / "bundle") as model, pytest.raises(BundleMismatch, match=words):
        predict.predict_bags(model, read_bags(tmp_path))


def test_features_of_another_resolution_are_refused(finished, tmp_path):
    from bags.made import made_places
    from cancernet.bags import Bag, write_bag
    from cancernet.bundle import PixelSize

    size = PixelSize(status="known", mpp=0.25)
    write_bag(tmp_path / "s.npz", Bag(made_features(4, 16), "made", size, made_places(4)))
    with engine.open(finished[0] / "bundle") as model, pytest.raises(BundleMismatch, match=r"saw 0\.25 microns"):
        predict.predict_bags(model, read_bags(tmp_path))


def test_other_slides_are_evaluated_and_seen_ones_refused(finished, source, others, tmp_path):
    folder = finished[0] / "bundle"
    options = studies.EvaluateOptions(target="label", group="patient", draws=200)
    record = studies.evaluate(folder, others / "slides.csv", out=tmp_path / "e", options=options)
    assert set(record.metrics) >= ALL
    assert record.importance == ()
    assert "None of these cases was among the training data, by group and by values." in record.statements
    assert (tmp_path / "e" / "report.html").is_file()
    with pytest.raises(LeakingSplit, match="48 of 48 rows were in the training data"):
        studies.evaluate(folder, source / "slides.csv", out=tmp_path / "f", options=options)


def test_the_same_slide_under_another_name_is_known(finished, source, tmp_path):
    """By its features, in whatever order its tiles stand."""
    for number, name in enumerate(("s000", "s001", "s002", "s003")):
        with np.load(source / "features" / f"{name}.npz") as file:
            write_slide(tmp_path / "features", f"x{number}", file["features"][::-1])
    write_table(tmp_path / "slides.csv", [(f"x{n}", ("normal", "tumour")[n % 2], f"q{n}") for n in range(4)])
    options = studies.EvaluateOptions(target="label", group="patient", draws=200)
    with pytest.raises(LeakingSplit, match="4 of 4 rows were in the training data"):
        studies.evaluate(finished[0] / "bundle", tmp_path / "slides.csv", out=tmp_path / "e", options=options)


def test_a_slide_that_stands_twice_leaks(source, tmp_path):
    shutil.copytree(source / "features", tmp_path / "features")
    shutil.copy(tmp_path / "features" / "s000.npz", tmp_path / "features" / "copy.npz")
    write_table(tmp_path / "slides.csv", [*rows_of(source), ("copy", "normal", "someone")])
    study = bag_study(tmp_path, split={"seed": 0})
    with pytest.raises(LeakingSplit, match="have the same values in all 16 features on two sides"):
        make_plan(study)


def test_an_interrupted_run_goes_on(finished, source, tmp_path):
    whole, _ = finished
    study = bag_study(source)
    seen = []

    class Stopping(studies.Progress):
        def reach(self, done):
            super().reach(done)
            seen.append((self.what, done))
            if self.what == "Training" and done == 7:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studies.train(study, tmp_path / "run", progress=Stopping())
    assert sorted(path.name for path in (tmp_path / ".run.partial" / "work").glob("fold-*.json")) == [
        "fold-0-0.json",
        "fold-0-1.json",
    ]
    studies.train(study, tmp_path / "run", resume=True)
    for name in ("predictions.csv", "history.csv"):
        assert (tmp_path / "run" / name).read_text() == (whole / name).read_text()


def test_a_held_out_split_calibrates_on_validation_rows(source):
    held = {"folds": None, "test": 0.25, "validation": 0.25}
    run = studies.run(study_from({**bag_study(source).to_dict(), "split": {k: v for k, v in held.items() if v}}))
    plan = run.plan
    fold = plan.split.folds[0]
    np.testing.assert_array_equal(run.final.calibration_rows, fold.validation)
    np.testing.assert_array_equal(run.final.rows, fold.train)
    assert run.record.validation is not None
    assert plan.fits == 1


def test_held_out_bags_need_rows_to_calibrate_on(source):
    with pytest.raises(InvalidInput, match=r"bags with a held-out test need validation = 0\.2 too"):
        study_from({**bag_study(source).to_dict(), "split": {"test": 0.25}})


def test_three_grades(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(30):
        write_slide(tmp_path / "features", f"s{number}", rng.normal(number % 3, 1, (12, 40)).astype(np.float32))
    write_table(tmp_path / "slides.csv", [(f"s{number}", "abc"[number % 3], f"p{number}") for number in range(30)])
    task = {"kind": "ordinal", "classes": ["a", "b", "c"]}
    run = studies.run(study_from({**bag_study(tmp_path).to_dict(), "task": task}))
    assert run.record.metrics["quadratic_kappa"].value > 0.5
    assert run.record.baselines["mean"]["quadratic_kappa"].value > 0.8
    assert run.pooled.cases.logits.shape == (30, 2)
    assert len(run.plan.table.features) == 32


def test_features_may_lie_elsewhere(source, tmp_path):
    """A relative folder starts at the study file."""
    shutil.copytree(source / "features", tmp_path / "elsewhere")
    shutil.copy(source / "slides.csv", tmp_path)
    data = 'data = { kind = "bags", source = "slides.csv", features = "elsewhere" }'
    (tmp_path / "study.toml").write_text(f'name = "x"\n{data}\n[task]\npositive = "tumour"\n')
    study = studies.read_study(tmp_path / "study.toml")
    assert study.data.features == str(tmp_path / "elsewhere")
    assert len(make_plan(study).table) == 48


def test_what_cannot_be_a_study_of_bags(source):
    with pytest.raises(InvalidInput, match="A leak is allowed for images only"):
        make_plan(bag_study(source), allow_leak=True)
    with pytest.raises(InvalidInput, match="Class 'normal' has 12 groups for 13 folds"):
        make_plan(bag_study(source, split={"folds": 13}))
    with pytest.raises(InvalidInput, match=r"'model\.hiden'.*Did you mean 'model\.hidden'"):
        bag_study(source, model={"hiden": 3})


@pytest.mark.realdata
@pytest.mark.slow
def test_mosaics_of_real_patches_by_patient(realdata, tmp_path, monkeypatch):
    """Is there cancer in a mosaic of 15 breast patches, 2 of them cancer or none, both of the same patient?

    The encoder is the shipped network for lung, which has seen none of these patients; that for breast has seen them
    all, and its features would tell what it was taught. Seen: AUROC 0.679 (0.628 to 0.744) for attention, 0.581 (0.533
    to 0.641) for logistic regression on the mean, and 0.582 (0.529 to 0.646) on the largest features.
    """
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path / "cache"))
    rows = write_mosaics(realdata / "idc", tmp_path)
    assert len(rows) > 200
    run = studies.run(bag_study(tmp_path, split={"folds": 5}, model={"hidden": 128, "attention": 64}, training=REAL))
    found, baselines = run.record.metrics["auroc"], run.record.baselines
    assert found.low > 0.55
    assert found.value > 0.63
    for name in ("mean", "max"):
        assert found.value > baselines[name]["auroc"].value + 0.03, name
    assert run.record.metrics["coverage"].high > 0.8


REAL = {"epochs": 40, "batch_size": 16, "learning_rate": 1e-3, "inner_folds": 4}


def write_mosaics(patches, folder, *, tiles: int = 15, cancer: int = 2) -> list[tuple[str, str, str]]:
    """Write two bags of each patient: patches without cancer, and others of them with two patches of cancer."""
    from cancernet.engine.runtimes import load
    from cancernet.patches import PatchOptions, fit_image, open_pack, read_patches

    found = read_patches(patches, options=PatchOptions(layout="idc"))
    labels, rng, chosen = np.asarray(found.target), np.random.default_rng(0), []
    for patient in np.unique(found.groups):
        of = [rng.permutation(np.flatnonzero((found.groups == patient) & (labels == label))) for label in "01"]
        if len(of[0]) >= 2 * tiles and len(of[1]) >= cancer:
            chosen.append((patient, "tumour", np.concatenate([of[0][: tiles - cancer], of[1][:cancer]])))
            chosen.append((patient, "normal", of[0][tiles : 2 * tiles]))
    pack = open_pack(found.take(np.concatenate([rows for *_, rows in chosen])), size=50, fit="crop")
    place = {name: row for row, name in enumerate(pack.patches.ids.tolist())}
    with engine.open("lung") as model:
        network, size = (
            load(bundle.read_onnx_file(model.folder / "model.onnx"), model.card.engine),
            model.card.input.size,
        )
    for patient, label, rows in chosen:
        images = pack.images[[place[str(found.ids[row])] for row in rows]]
        seen = np.stack([fit_image(image, size, fit="resize") for image in images])
        write_slide(folder / "features", f"{patient}-{label}", network.run(seen).features, encoder="lung")
    table = [(f"{patient}-{label}", label, str(patient)) for patient, label, _ in chosen]
    write_table(folder / "slides.csv", table)
    return table
