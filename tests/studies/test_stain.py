"""A study in normalised colours: what was trained so is used so, whatever the laboratory."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from cancernet import engine, predict, studies
from cancernet.patches import PatchOptions, read_image, read_patches
from cancernet.stain import combine, separate
from cancernet.studies import EvaluateOptions
from studies.patches import patch_study, write_patches

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_patches(tmp_path_factory.mktemp("patches"))


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "made"
    return place, studies.train(patch_study(source, data={"stain": "macenko"}), place)


@pytest.fixture(scope="module")
def elsewhere(source, tmp_path_factory):
    """The same patches, with twice the eosin and two thirds of the haematoxylin, of patients with other names."""
    folder = tmp_path_factory.mktemp("elsewhere") / "patches"
    shutil.copytree(source, folder)
    for path in folder.glob("tiles/*.png"):
        amounts = separate(read_image(path))
        Image.fromarray(combine(amounts * [0.67, 2, 1])).save(path)
    manifest = folder / "manifest.csv"
    manifest.write_text(re.sub(r",p(\d)", r",q\1", manifest.read_text()))
    return folder


def probabilities_of(bundle, manifest, **options):
    patches = read_patches(manifest / "manifest.csv", options=PatchOptions(**options))
    with engine.open(bundle) as model:
        _, cases, _ = predict.answer_patches(model, patches)
        summary = predict.predict_patches(model, patches)
    return cases.probabilities[:, 1], summary


def test_the_card_and_the_report_say_it(finished):
    place, run = finished
    card = engine.open(place / "bundle").card
    assert card.input.stain == "macenko"
    assert "one fit for each patient (24)" in (place / "report.html").read_text()
    assert run.plan.study.data.stain == "macenko"


def test_predictions_are_those_of_the_pack_and_say_what_shared_a_fit(finished, source):
    place, run = finished
    found, summary = probabilities_of(place / "bundle", source, group="patient")
    with engine.open(place / "bundle") as model:
        logits = model.run(np.asarray(run.plan.pack.images)).logits
        expected = predict.decide(model.card, logits, values=run.plan.table.values).probabilities[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert summary.notes == ("Colours were normalised by the method of Macenko, one fit for each patient (24).",)
    _, together = probabilities_of(place / "bundle", source)
    assert "taken as one slide" in together.notes[0]


def test_other_stains_change_the_answers_less_than_without(finished, source, elsewhere, tmp_path):
    plain = tmp_path / "plain"
    studies.train(patch_study(source), plain)
    moved = []
    for bundle in (finished[0] / "bundle", plain / "bundle"):
        here, there = (probabilities_of(bundle, folder, group="patient")[0] for folder in (source, elsewhere))
        moved.append(np.abs(here - there).mean())
    assert moved[0] < 0.5 * moved[1]


def test_evaluating_normalises_as_well(finished, elsewhere, tmp_path):
    options = EvaluateOptions(target="kind", group="patient", draws=200)
    record = studies.evaluate(finished[0] / "bundle", elsewhere / "manifest.csv", out=tmp_path / "e", options=options)
    with_predict, _ = probabilities_of(finished[0] / "bundle", elsewhere, group="patient")
    truth = read_patches(elsewhere / "manifest.csv", options=PatchOptions(target="kind")).target == "cancer"
    higher = (with_predict[truth][:, None] > with_predict[~truth]).mean()
    assert record.metrics["auroc"].value == pytest.approx(higher, abs=0.01)
