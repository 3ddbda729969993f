import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput
from cancernet.metrics import fit_conformal, prediction_sets
from cancernet.tasks import softmax
from metrics.made import binary, several, two_columns, wdbc


def names(rows):
    return np.arange(rows).astype(str)


def test_quantile_of_rows_is_the_one_of_the_textbook():
    rng = np.random.default_rng(0)
    shares = two_columns(rng.random(99))
    truth = rng.integers(0, 2, size=99)
    scores = np.sort(1 - shares[np.arange(99), truth])
    assert fit_conformal(shares, truth, coverage=0.9, groups=names(99)) == scores[90 - 1]  # ceil(100 x 0.9)-th smallest
    assert fit_conformal(shares, truth, coverage=0.991, groups=names(99)) == 1.0


def test_too_few_groups_give_all_classes():
    shares = two_columns(np.full(8, 0.3))
    quantile = fit_conformal(shares, np.zeros(8, dtype=int), coverage=0.9, groups=names(8))
    assert quantile == 1.0
    assert prediction_sets(shares, quantile, np.zeros(8)).all()


def test_rows_of_a_group_weigh_as_one():
    scored = binary(60)
    rows = np.repeat(np.arange(60), np.random.default_rng(0).integers(1, 9, size=60))
    once = fit_conformal(scored.probabilities, scored.truth, coverage=0.8, groups=names(60))
    often = fit_conformal(scored.probabilities[rows], scored.truth[rows], coverage=0.8, groups=rows.astype(str))
    assert once == often


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_new_rows_are_covered_at_least_as_promised(coverage):
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        logits = rng.normal(size=(160, 3))
        truth = (rng.random((160, 1)) > np.cumsum(softmax(1.5 * logits), axis=1)).sum(axis=1)
        shares = softmax(logits)  # badly calibrated; coverage does not need calibration
        quantile = fit_conformal(shares[:60], truth[:60], coverage=coverage, groups=names(60))
        answers = shares[60:].argmax(axis=1)
        held.append(prediction_sets(shares[60:], quantile, answers)[np.arange(100), truth[60:]].mean())
    assert np.mean(held) >= coverage - 0.005


def test_new_groups_are_covered_although_rows_of_a_group_are_alike():
    rng = np.random.default_rng(2)
    held = []
    for _ in range(400):
        sizes = rng.integers(1, 30, size=50)
        hard = rng.random(50) < 0.3  # a group is easy or hard as a whole, and hard ones are large
        groups = np.repeat(np.arange(50), sizes + 40 * hard)
        p_true = np.where(hard[groups], rng.random(len(groups)) * 0.6, 0.5 + rng.random(len(groups)) * 0.5)
        shares, truth = two_columns(p_true), np.ones(len(groups), dtype=int)
        known = groups < 40
        quantile = fit_conformal(shares[known], truth[known], coverage=0.85, groups=groups[known])
        covered = (1 - p_true <= quantile)[~known]
        held.append((np.bincount(groups[~known], weights=covered)[40:] / np.bincount(groups[~known])[40:]).mean())
    assert 0.85 - 0.005 <= np.mean(held) <= 0.90


@given(st.integers(0, 1000), st.floats(0, 1), st.sampled_from([binary, several]))
def test_sets_hold_the_top_class_and_the_answer(seed, quantile, make):
    scored = make(20, seed=seed)
    answers = np.random.default_rng(seed).integers(0, len(scored.classes), size=20)
    sets = prediction_sets(scored.probabilities, quantile, answers)
    rows = np.arange(20)
    assert sets[rows, scored.probabilities.argmax(axis=1)].all()
    assert sets[rows, answers].all()
    wider = prediction_sets(scored.probabilities, min(1.0, quantile + 0.1), answers)
    assert (wider | ~sets).all()


def test_rows_it_was_fitted_on_are_held_at_the_edge():
    scored = wdbc()
    quantile = fit_conformal(scored.probabilities, scored.truth, coverage=0.99, groups=scored.groups)
    sets = prediction_sets(scored.probabilities, quantile, scored.predicted)
    assert sets[np.arange(len(scored)), scored.truth].mean() >= 0.99


@pytest.mark.parametrize("coverage", [0, 1, 90, float("nan")])
def test_a_coverage_that_is_no_share_is_refused(coverage):
    with pytest.raises(InvalidInput, match="The coverage is"):
        fit_conformal([[0.5, 0.5]], [0], coverage=coverage, groups=["a"])


def test_no_rows_are_refused():
    with pytest.raises(InvalidInput, match="no rows"):
        fit_conformal(np.empty((0, 2)), [], coverage=0.9, groups=[])
