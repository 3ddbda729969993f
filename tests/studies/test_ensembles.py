from dataclasses import replace

import numpy as np
import pytest

from cancernet import engine, explain, predict
from cancernet.errors import InvalidInput
from cancernet.patches import read_patches
from cancernet.studies.card import make_card, write_bundle
from cancernet.studies.decide import conclude, limits_of
from cancernet.studies.final import Final
from cancernet.studies.kept import KeptFold
from cancernet.studies.patches.folds import fit_folds
from cancernet.studies.patches.members import Fits, fit_alone, fit_ensemble
from cancernet.studies.patches.ways import Way, choose_way, ways_asked
from cancernet.studies.train import make_plan
from studies.patches import patch_study, write_patches


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_patches(tmp_path_factory.mktemp("patches"))


@pytest.fixture(scope="module")
def plan(source, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("CANCERNET_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield make_plan(patch_study(source, training={"epochs": 2, "ensemble": 2}))
    patch.undo()


@pytest.fixture(scope="module")
def learner(plan):
    return plan.learner()


@pytest.fixture(scope="module")
def folds(plan, learner, tmp_path_factory):
    """The folds, and how many fits were said to be done after each of them."""
    done = []
    work = tmp_path_factory.mktemp("work")
    found, fits = fit_folds(plan, learner, work=work, finished=done.append)
    return found, fits, done, work


def test_folds_keep_the_answers_of_every_way(plan, folds):
    found, fits, done, work = folds
    names = {way.name for way in ways_asked(plan)}
    assert names == {"none", "dihedral", "ensemble+none", "ensemble+dihedral"}
    assert all(names <= set(fold.tested) for fold in found)
    assert done == [3, 6, 9]
    assert plan.fits == 9 + 2
    assert {row["inner"] for row in found[0].history} == {0, 1, 2}
    assert len(fits.members) == 2
    assert not list(work.glob("*.fit.npz"))  # what finished fits could go on from


def test_members_average_to_the_answer_of_the_ensemble(plan, learner, folds):
    found, fits, _, _ = folds
    rows = plan.split.folds[-1].test
    apart = [learner.logits([fit], rows)["none"] for fit in fits.members]
    np.testing.assert_allclose(found[-1].tested["ensemble+none"], np.mean(apart, axis=0), atol=0.02)
    assert np.abs(apart[0] - apart[1]).max() > 0.02  # different rows, different networks


def test_what_was_kept_is_not_fitted_again(plan, folds):
    found, _, _, work = folds
    again, fits = fit_folds(plan, None, work=work, finished=lambda done: None)
    assert fits is None
    for old, new in zip(found, again, strict=True):
        np.testing.assert_array_equal(old.tested["ensemble+dihedral"], new.tested["ensemble+dihedral"])


@pytest.mark.parametrize(("better", "expected"), [("ensemble+none", True), ("none", False)])
def test_averaging_must_show_its_gain(plan, folds, better, expected):
    """Of answers that follow the truth loosely, one way follows it well."""
    found, _, _, _ = folds
    rng, made = np.random.default_rng(0), []
    for fold, kept in zip(plan.split.folds, found, strict=True):
        truth = np.where(plan.cohort.codes[fold.test] == 1, 1.0, -1.0)
        loose = truth + rng.normal(0, 3.0, len(truth))
        tested = dict(kept.tested) | {name: np.stack([-loose, loose], axis=1) for name in ("none", "dihedral")}
        tested["ensemble+none"] = tested["none"]
        tested[better] = np.stack([-truth, truth], axis=1)
        made.append(replace(kept, tested=tested))
    limits = limits_of(plan)
    way, _, tried = choose_way(plan, lambda way: conclude(plan, made, view=way.name, limits=limits))
    assert way == Way(expected, "none")
    assert [one.what for one in tried] == ["test_time", "ensemble"]
    assert [one.used for one in tried] == [False, expected]
    assert ("so it is used" in tried[1].words(2)) is expected
    assert "Averaging over 2 networks changes AUROC by" in tried[1].words(2)


def test_a_bundle_of_several_networks_predicts_and_explains(plan, learner, folds, source, tmp_path):
    found, _, _, _ = folds
    rows = np.arange(len(plan.table))
    fits = fit_ensemble(plan, learner, rows, seed=5, stem=None)
    results = conclude(plan, found, view="ensemble+none", limits=limits_of(plan))
    decision = results[0].answers["network"].decision
    final = Final(learner.model(fits), decision, rows, rows, epochs=2, networks=len(fits))
    write_bundle(tmp_path / "bundle", make_card(plan, final, {}), final.model, plan.sample(9))
    with engine.open(tmp_path / "bundle") as model:
        assert model.card.training.networks == 2
        images, cases, _ = predict.answer_patches(model, read_patches(source))
        expected = np.mean([learner.logits([fit], rows)["none"] for fit in fits], axis=0)
        np.testing.assert_allclose(model.run(images).logits, expected, atol=0.02)
        seen = explain.explain_patches(model, images[:2], cases=cases.take(np.arange(2)), out=tmp_path / "why")
    members = [explain.grad_cam(learner.model([fit]), images[:2], classes=seen_codes(cases)) for fit in fits]
    peaks = np.mean([cam.maps * cam.peaks[:, None, None] for cam in members], axis=0).max(axis=(1, 2))
    np.testing.assert_allclose(seen.peaks, peaks, rtol=1e-3, atol=1e-6)


def test_networks_on_all_rows_differ_by_their_seeds_alone(source, tmp_path, monkeypatch):
    """The first of three is the one that is asked alone, and is fitted once."""
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path / "cache"))
    plan = make_plan(patch_study(source, training={"epochs": 1, "ensemble": 3, "ensemble_rows": "all"}))
    assert plan.fits == 3 * 3 + 3
    assert plan.fits_of_fold == 3
    learner, rows = plan.learner(), plan.split.folds[0].train
    alone = fit_alone(learner, rows, seed=4, stem=None)
    members = fit_ensemble(plan, learner, rows, seed=4, stem=None, alone=alone)
    fits = Fits(alone, members)
    assert members[0] is alone
    assert fits.different == members
    assert fits.of(Way(True)) == members
    for one, other in ((0, 1), (0, 2), (1, 2)):
        pairs = zip(members[one].weights, members[other].weights, strict=True)
        assert any(np.abs(first - second).max() > 1e-3 for first, second in pairs)
    again = fit_ensemble(plan, learner, rows, seed=4, stem=None)
    for first, second in zip(members, again, strict=True):
        for old, new in zip(first.weights, second.weights, strict=True):
            np.testing.assert_array_equal(old, new)


def test_ways_of_grades_are_told_apart_by_a_loss(tmp_path, monkeypatch):
    """Kappa only knows the answers; here one way to average follows the truth more closely than the other."""
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path / "cache"))
    graded = {"kind": "ordinal", "positive": None, "classes": list("abc")}
    source = write_patches(tmp_path / "graded", patients=30, classes=tuple("abc"))
    plan = make_plan(patch_study(source, task=graded))
    rng, cuts = np.random.default_rng(0), np.asarray([0.5, 1.5])
    made = []
    for fold in plan.split.folds:
        truth = plan.cohort.codes[fold.test]
        noise = rng.normal(0, 1, len(truth))
        found = {name: 4 * (cuts - (truth + by * noise)[:, None]) for name, by in (("none", 0.9), ("dihedral", 0.3))}
        tested = found | {name: found["none"] for name in plan.baselines}
        made.append(KeptFold(0, fold.number, tested, {}, 1, ()))
    limits = limits_of(plan)
    way, _, tried = choose_way(plan, lambda way: conclude(plan, made, view=way.name, limits=limits))
    assert way == Way(False, "dihedral")
    assert tried[0].metric == "nll"
    assert tried[0].gain.high < 0
    assert "Averaging over the 8 rotations and flips changes the logarithmic loss by -" in tried[0].words(1)
    assert "so it is used" in tried[0].words(1)


def test_too_few_groups_for_an_ensemble_are_told_before_anything_is_fitted(plan, source):
    """Of 12 patients of each class 8 train in a fold."""
    with pytest.raises(InvalidInput, match="Class 'benign' has 8 groups for 9 folds"):
        make_plan(patch_study(source, training={"ensemble": 9}))


def seen_codes(cases):
    """Return the predicted classes of the first two cases."""
    return cases.predicted[:2]
