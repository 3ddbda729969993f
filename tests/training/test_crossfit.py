import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cancernet.training import Fit, choose_epochs, cross_fit

EPOCHS = 4


def curve_logits(best: int, codes) -> np.ndarray:
    """Return logits (EPOCHS, n, 2) whose loss is lowest after `best` epochs (from 1), whatever the codes are."""
    margins = 3.0 - np.abs(np.arange(1, EPOCHS + 1) - best)
    signs = np.where(codes == 1, 1.0, -1.0)
    right = margins[:, None] * signs
    return np.stack([-right, right], axis=2).astype(np.float32)


def fake(best_of, codes, calls=None):
    """Return a fit function whose curves are known; the logits carry the fold's number in their fourth digit."""

    def fit_fold(fitted, held, number):
        if calls is not None:
            calls.append((fitted, held, number))
        logits = curve_logits(best_of[number], codes[held]) + np.float32(number * 1e-3)
        return Fit([], EPOCHS, tuple({"epoch": epoch} for epoch in range(1, EPOCHS + 1)), logits)

    return fit_fold


CODES = np.array([0, 1, 0, 1, 1, 0])
FOLDS = [np.array([4, 0]), np.array([1, 5]), np.array([2, 3])]


def test_positions_and_rows_are_right():
    calls = []
    found = cross_fit(fake([2, 2, 2], CODES, calls), CODES, folds=FOLDS)
    for (fitted, held, number), rows in zip(calls, FOLDS, strict=True):
        np.testing.assert_array_equal(held, rows)
        np.testing.assert_array_equal(np.sort(np.concatenate([fitted, held])), np.arange(6))
        expected = curve_logits(2, CODES[rows])[1] + np.float32(number * 1e-3)
        np.testing.assert_array_equal(found.logits[rows], expected)
    assert found.epochs == 2
    assert [(row["inner"], row["epoch"]) for row in found.history] == [(i, e) for i in (1, 2, 3) for e in (1, 2, 3, 4)]


def test_the_epoch_of_a_fold_is_chosen_by_the_others():
    """Folds 1 and 2 are best after one epoch, fold 3 after four: its own logits are those after one epoch."""
    found = cross_fit(fake([1, 1, 4], CODES), CODES, folds=FOLDS)
    expected = curve_logits(4, CODES[FOLDS[2]])[0] + np.float32(2e-3)
    np.testing.assert_array_equal(found.logits[FOLDS[2]], expected)


@given(st.integers(0, 2), st.integers(0, 10_000))
def test_labels_of_a_fold_never_choose_its_epoch(number, seed):
    """Only the labels of one fold change, its network stays: its logits stay too."""
    rng = np.random.default_rng(seed)
    outputs = [rng.normal(size=(EPOCHS, 2, 2)).astype(np.float32) for _ in FOLDS]

    def fit_fold(fitted, held, fold):
        return Fit([], EPOCHS, (), outputs[fold])

    codes = rng.integers(0, 2, 6)
    other = codes.copy()
    other[FOLDS[number]] = 1 - other[FOLDS[number]]
    first, second = (cross_fit(fit_fold, truth, folds=FOLDS) for truth in (codes, other))
    np.testing.assert_array_equal(first.logits[FOLDS[number]], second.logits[FOLDS[number]])


def test_two_folds_choose_for_each_other():
    folds = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    found = cross_fit(fake([1, 3], CODES), CODES, folds=folds)
    np.testing.assert_array_equal(found.logits[folds[0]], curve_logits(1, CODES[folds[0]])[2])
    np.testing.assert_array_equal(found.logits[folds[1]], curve_logits(3, CODES[folds[1]])[0] + np.float32(1e-3))


def test_a_clear_minimum_is_taken():
    losses = np.array([[0.5, 0.6, 0.4], [0.2, 0.3, 0.1], [0.9, 0.9, 0.9]])
    assert choose_epochs(losses) == 2


def test_of_epochs_that_differ_by_chance_the_last_is_taken():
    rng = np.random.default_rng(0)
    common = rng.exponential(size=200)
    noise = rng.normal(0, 0.1, 200)
    losses = np.array([common + 0.5, common, common + noise - noise.mean() + 0.001, common + 0.5])
    assert choose_epochs(losses) == 3


def test_equal_epochs_give_the_last():
    assert choose_epochs(np.ones((4, 7))) == 4


@given(arrays(np.float64, (5, 20), elements=st.floats(0, 10)))
def test_the_choice_is_within_one_standard_error_of_the_lowest(losses):
    best = losses.mean(axis=1).argmin()
    chosen = choose_epochs(losses) - 1
    difference = losses[chosen] - losses[best]
    assert chosen >= best
    assert difference.mean() <= difference.std() / np.sqrt(20) + 1e-12


def test_fits_that_watched_nothing_are_a_mistake():
    with pytest.raises(ValueError, match="watched"):
        cross_fit(lambda *_: Fit([], 1, (), None), CODES, folds=FOLDS)
