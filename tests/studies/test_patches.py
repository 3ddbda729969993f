import json

import numpy as np
import pytest

from cancernet import engine, predict, studies
from cancernet.bundle import PatchInput
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.patches import read_patches
from cancernet.report import rival
from cancernet.studies import EvaluateOptions
from cancernet.studies.decide import out_of_fold
from cancernet.studies.record import strongest_baseline
from cancernet.studies.train import make_plan
from cancernet.tasks import probabilities
from studies.patches import SIZE, patch_study, write_patches

GRADES = ("0", "1", "2")


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_patches(tmp_path_factory.mktemp("patches"))


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
    """A finished run folder, and what `train` returned."""
    place = tmp_path_factory.mktemp("runs") / "made"
    study = patch_study(source, data={"site": "site", "mpp": 0.5}, training={"test_time": "auto"})
    return place, studies.train(study, place)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A run of three ordered grades with an auxiliary number."""
    folder = write_patches(tmp_path_factory.mktemp("grades"), classes=GRADES)
    study = patch_study(
        folder,
        data={"auxiliary": ["share"]},
        task={"kind": "ordinal", "positive": None, "classes": list(GRADES)},
        training={"test_time": "none", "epochs": 6},
    )
    return studies.run(study)


def test_a_run_leaves_what_the_contract_says(finished):
    place, _ = finished
    names = {path.name for path in place.iterdir()}
    assert {"study.toml", "split.json", "history.csv", "predictions.csv", "metrics.json", "report.html"} <= names
    assert {path.name for path in (place / "bundle").iterdir()} >= {"card.json", "model.keras", "model.onnx"}
    written = json.loads((place / "metrics.json").read_text())
    assert set(written["baselines"]) == {"majority", "darkness", "colour", "statistics"}
    assert set(written["sites"]) == {"s0", "s1"}
    assert written["test_time"]["used"] in ("none", "dihedral")
    assert (place / "figures" / "sheet-samples.png").is_file()


def test_every_patient_is_tested_once_and_calibrated_on_others(finished):
    _, run = finished
    assert sorted(run.pooled.rows.tolist()) == list(range(72))
    groups = run.plan.cohort.groups
    for fold in run.plan.split.folds:
        others = np.setdiff1d(np.arange(72), fold.test)
        assert not set(groups[others]) & set(groups[fold.test])


def test_darkness_tells_made_classes_apart_and_the_report_says_so(finished):
    _, run = finished
    assert run.record.baselines["darkness"]["auroc"].value > 0.8
    nearest = rival(strongest_baseline(run.record.differences, "auroc"))
    assert f"the {nearest} baseline" in run.record.statements[0]


def test_the_bundle_answers_as_the_run_was_calibrated(finished, source):
    place, run = finished
    with engine.open(place / "bundle") as model:
        card = model.card
        images, found, faults = predict.answer_patches(model, read_patches(source))
        logits = model.run(images).logits
    assert isinstance(card.input, PatchInput)
    assert (card.input.size, card.input.pixel_size.mpp, card.engine.precision) == (SIZE, 0.5, "bf16")
    assert card.engine.test_time == run.final.test_time
    assert not faults
    decision = card.decision
    expected = probabilities(logits, decision.temperature, bias=decision.bias)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-9)
    assert (len(decision.bias), sum(decision.bias)) == (2, pytest.approx(0))
    assert "out-of-fold rows of all folds (72)" in decision.temperature_rows


def test_cases_that_the_weights_have_seen_are_refused(finished, source, tmp_path):
    place, _ = finished
    options = EvaluateOptions(target="kind", group="row", draws=200)
    with pytest.raises(LeakingSplit, match="72 of 72"):
        studies.evaluate(place / "bundle", source / "manifest.csv", out=tmp_path / "e", options=options)
    assert not (tmp_path / "e").exists()


def test_other_cases_are_evaluated(finished, tmp_path):
    place, _ = finished
    other = write_patches(tmp_path / "other", patients=12, seed=5)
    options = EvaluateOptions(target="kind", group="patient", layout="manifest", draws=200)
    manifest = other / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",p", ",q").replace("qatient", "patient").replace("qath", "path"))
    record = studies.evaluate(place / "bundle", manifest, out=tmp_path / "e", options=options)
    assert len(record.scored) == 36
    assert record.sheets
    assert (tmp_path / "e" / "report.html").is_file()


def test_grades_are_measured_as_grades(graded):
    assert {"quadratic_kappa", "mean_absolute_error"} <= set(graded.record.metrics)
    assert graded.pooled.cases.logits.shape == (72, 2)
    assert graded.pooled.cases.probabilities.shape == (72, 3)
    assert set(graded.record.baselines) == {"majority", "darkness", "colour", "statistics", "measured"}
    assert graded.record.baselines["measured"]["quadratic_kappa"].value > 0.5
    assert graded.final.test_time == "none"


def test_no_fold_learns_its_test_labels(source):
    """Other labels in the test rows of a fold leave its logits and its baselines' as they are."""
    from dataclasses import replace

    from cancernet.studies.patches.folds import fit_folds

    plan = make_plan(patch_study(source, training={"epochs": 1, "test_time": "none"}, split={"folds": 2}))
    codes = plan.cohort.codes.copy()
    codes[plan.split.folds[0].test] = 1 - codes[plan.split.folds[0].test]
    flipped = replace(plan, cohort=replace(plan.cohort, codes=codes))
    first = [
        fit_folds(found, found.learner(), work=None, finished=lambda done: None)[0][0] for found in (plan, flipped)
    ]
    for name, logits in first[0].tested.items():
        np.testing.assert_array_equal(logits, first[1].tested[name])


def test_out_of_fold_rows_leave_the_fold_out(finished):
    _, run = finished
    plan = run.plan
    fakes = [
        type("Fold", (), {"tested": {"x": np.full((len(fold.test), 2), fold.number)}})() for fold in plan.split.folds
    ]
    rows, logits = out_of_fold(plan, fakes, learner="x", without=plan.split.folds[1])
    assert not set(rows.tolist()) & set(plan.split.folds[1].test.tolist())
    assert set(logits[:, 0].tolist()) == {0, 2}
    rows, _ = out_of_fold(plan, fakes, learner="x")
    assert sorted(rows.tolist()) == list(range(72))


def test_an_interrupted_run_goes_on(source, tmp_path):
    study = patch_study(source, training={"epochs": 1, "test_time": "none"})
    whole = studies.train(study, tmp_path / "whole")

    class Stopping(studies.Progress):
        def reach(self, done):
            super().reach(done)
            if self.what == "Training" and done == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studies.train(study, tmp_path / "cut", progress=Stopping())
    assert (tmp_path / ".cut.partial" / "work" / "fold-0-0.json").is_file()
    again = studies.train(study, tmp_path / "cut", resume=True)
    np.testing.assert_array_equal(whole.pooled.cases.logits, again.pooled.cases.logits)


def test_copies_on_two_sides_are_refused_joined_or_priced(tmp_path):
    source = write_patches(tmp_path / "copies", copies=10)
    study = patch_study(source, training={"epochs": 1, "test_time": "none"})
    with pytest.raises(LeakingSplit, match=r"tiles/"):
        make_plan(study)
    joined = make_plan(patch_study(source, data={"copies": "join"}))
    assert len(np.unique(joined.cohort.groups)) < 24
    assert not joined.audit.leaks
    run = studies.train(study, tmp_path / "run", allow_leak=True)
    price = json.loads((tmp_path / "run" / "metrics.json").read_text())["price_of_leak"]
    assert set(price) == {"auroc", "accuracy"}
    assert any(sentence.startswith("The price of the leak") for sentence in run.record.statements)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"data": {"group": None}}, "belong to one patient"),
        ({"data": {"target": None}}, "have no labels"),
        ({"data": {"target": "kindd"}}, "kind"),
        ({"data": {"labels": {"x": "y"}}}, "Unknown label 'x'"),
        ({"data": {"labels": {"benign": "cancer"}}}, "holds one class only"),
        ({"task": {"positive": "tumour"}}, "positive class"),
        ({"split": {"folds": 15}}, "for 15 folds"),
        ({"data": {"size": 40}}, "size"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_fitted(source, sections, words):
    with pytest.raises(InvalidInput, match=words):
        make_plan(patch_study(source, **sections))


def test_grades_are_evaluated_as_grades(graded, tmp_path):
    graded.save_bundle(tmp_path / "bundle")
    other = write_patches(tmp_path / "other", patients=12, classes=GRADES, seed=6)
    manifest = other / "manifest.csv"
    text = manifest.read_text().replace(",p", ",q").replace("qatient", "patient")
    manifest.write_text(text)
    options = EvaluateOptions(target="kind", group="patient", layout="manifest", draws=200)
    record = studies.evaluate(tmp_path / "bundle", manifest, out=tmp_path / "e", options=options)
    assert record.scored.ordered
    assert set(record.baseline_scored["majority"].predicted.tolist()) == {1}  # the mean of three even grades
    assert {"quadratic_kappa", "group_quadratic_kappa"} <= set(record.metrics)
    assert "Expected grade" in (tmp_path / "e" / "report.html").read_text()
