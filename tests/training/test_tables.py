import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cancernet.models import Linear
from cancernet.training import TableLearner, TrainingOptions, choose_epochs, seed_of
from cancernet.training.network import row_losses
from cancernet.training.tables import Standard
from training.made import COLUMNS, assert_same_weights, clouds, small_learner


def holes(values, share: float, seed: int = 0):
    """Return the values with some missing."""
    values = values.astype(np.float64)
    values[np.random.default_rng(seed).random(values.shape) < share] = np.nan
    return values


@pytest.fixture(scope="module")
def table():
    inputs, codes = clouds(60)
    return holes(inputs * [1.0, 10.0, 1e3, 1e-3] + [0.0, 50.0, 1e3, 1.0], 0.05), codes


@pytest.fixture(scope="module")
def learner(table):
    return small_learner(*table)


TRAIN, TEST = np.arange(0, 60, 2), np.arange(1, 60, 2)


def test_standard_is_imputer_and_scaler(table):
    values, _ = table
    twin = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit(values[TRAIN])
    found = Standard.fit(values[TRAIN]).apply(values[TEST])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, twin.transform(values[TEST]), rtol=1e-4, atol=1e-4)


def test_fitted_rows_have_mean_zero_and_spread_one():
    values = np.random.default_rng(0).normal(7, 3, (500, 3))
    found = Standard.fit(values).apply(values)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-5)


@given(st.floats(-1e6, 1e6, width=32), st.integers(2, 400))
def test_a_column_without_spread_is_not_blown_up(value, rows):
    """The mean of equal numbers may be off by a rounding, and a spread of 1e-17 would make giants of it."""
    standard = Standard.fit(np.full((rows, 1), value))
    assert standard.variance.tolist() == [1.0]
    assert np.abs(standard.apply(np.array([[value + 0.5]]))).max() <= 1.0


def test_a_column_that_float32_cannot_tell_apart_is_constant():
    values = 0.1 + np.random.default_rng(0).normal(0, 1e-12, (40, 1))
    assert Standard.fit(values).variance.tolist() == [1.0]


@pytest.fixture
def poison(table, learner, monkeypatch):
    """Make the rows of TEST absurd, when it is called."""

    def poison_test_rows():
        values, codes = (part.copy() for part in table)
        values[TEST], codes[TEST] = 1e9, 1 - codes[TEST]
        monkeypatch.setattr(learner, "values", values)
        monkeypatch.setattr(learner, "codes", codes)

    return poison_test_rows


@pytest.mark.parametrize(
    "fit",
    [
        lambda learner: learner.refit(TRAIN, epochs=2, seed=1),
        lambda learner: learner.fit_until(TRAIN[:20], TRAIN[20:], seed=1),
    ],
    ids=["refit", "fit_until"],
)
def test_other_rows_never_touch_a_fit(learner, poison, fit):
    clean = fit(learner)
    poison()
    dirty = fit(learner)
    assert_same_weights(clean.weights, dirty.weights)
    for name in ("medians", "mean", "variance"):
        np.testing.assert_array_equal(getattr(clean.standard, name), getattr(dirty.standard, name))


def test_stop_rows_give_neither_medians_nor_means(table, learner):
    fitted = learner.fit_until(TRAIN[:20], TRAIN[20:], seed=0)
    np.testing.assert_array_equal(fitted.standard.mean, Standard.fit(table[0][TRAIN[:20]]).mean)


def test_cross_fit_standardises_by_the_fitted_rows_of_each_fold(table, learner, monkeypatch):
    """Absurd values in an inner fold do not touch the fit that it is held out from."""
    folds = [np.arange(0, 15), np.arange(15, 30)]
    clean = learner.cross_fit(TRAIN, folds, seed=0)
    values = table[0].copy()
    values[TRAIN[:15]] *= 7
    monkeypatch.setattr(learner, "values", values)
    dirty = learner.cross_fit(TRAIN, folds, seed=0)
    inner_1 = [row["loss"] for row in clean.history if row["inner"] == 1]
    assert inner_1 == [row["loss"] for row in dirty.history if row["inner"] == 1]
    assert clean.logits.shape == (30, 2)


def test_cross_fit_equals_its_parts(table, learner):
    """Out-of-fold logits are those of a fit on the other rows for the number of epochs that the other fold chose."""
    folds = [np.arange(0, 30, 2), np.arange(1, 30, 2)]
    crossed = learner.cross_fit(TRAIN, folds, seed=4)
    watched = []  # by fold: logits of its rows after each epoch, by fits on the other fold
    for number in (0, 1):
        fits = [learner.refit(TRAIN[folds[1 - number]], epochs=e, seed=seed_of(4, number)) for e in (1, 2, 3)]
        watched.append(np.array([learner.logits(fit, table[0][TRAIN[folds[number]]]) for fit in fits]))
    for number in (0, 1):
        other = 1 - number
        epochs = choose_epochs(row_losses(watched[other], table[1][TRAIN[folds[other]]]))
        np.testing.assert_allclose(crossed.logits[folds[number]], watched[number][epochs - 1], atol=1e-5)


def test_missing_values_are_the_median(table, learner):
    fitted = learner.refit(TRAIN, epochs=1, seed=0)
    gaps = np.full((1, COLUMNS), np.nan)
    np.testing.assert_array_equal(learner.logits(fitted, gaps), learner.logits(fitted, fitted.standard.medians[None]))


@pytest.mark.parametrize(
    ("scale", "offset"),
    [([1, 1, 1, 1], 0.0), ([1, 10, 1, 1], 1e7), ([1e-9, 1e-3, 1e3, 1e9], 1e4), ([1e-15, 1e15, 1, 1], 0.0)],
    ids=["plain", "far from zero", "units", "strange units"],
)
def test_the_model_of_the_bundle_says_what_was_tested(learner, monkeypatch, scale, offset):
    """The network of raw columns in float32 is the one whose logits were calibrated, whatever the units are."""
    inputs, _ = clouds(60)
    values = (inputs + offset) * np.array(scale, dtype=np.float64)
    monkeypatch.setattr(learner, "values", values)
    fitted = learner.refit(np.arange(60), epochs=1, seed=0)
    raw = np.asarray(learner.model(fitted).predict_on_batch(values.astype(np.float32)))
    np.testing.assert_allclose(raw, learner.logits(fitted, values), atol=1e-5)


def test_the_model_of_the_bundle_keeps_its_weights(table, learner):
    first = learner.refit(TRAIN, epochs=1, seed=0)
    model = learner.model(first)
    learner.refit(TRAIN, epochs=1, seed=1)
    filled = np.where(np.isnan(table[0]), first.standard.medians, table[0]).astype(np.float32)
    np.testing.assert_allclose(np.asarray(model.predict_on_batch(filled)), learner.logits(first, table[0]), atol=1e-5)


def test_seeds_of_folds_differ(learner):
    crossed = learner.cross_fit(TRAIN, [np.arange(15), np.arange(15, 30)], seed=0)
    first = [[row["loss"] for row in crossed.history if row["inner"] == number] for number in (1, 2)]
    assert first[0] != first[1]


def test_a_linear_network_is_the_logistic_regression_of_scikit_learn():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]
    codes = (rng.random(300) < 1 / (1 + np.exp(-(values[:, 0] + 0.2 * (values[:, 1] - 5))))).astype(np.int64)
    options = TrainingOptions(epochs=60, learning_rate=0.05)
    network = TableLearner(values, codes, task=("multiclass", 2), model=(Linear(l2=0.0), "columns"), options=options)
    logits = network.logits(network.refit(np.arange(300), epochs=60, seed=0), values)
    twin = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf)).fit(values, codes)
    assert logits[:, 1] - logits[:, 0] == pytest.approx(twin.decision_function(values), abs=0.1)
