import random

import numpy as np
import pytest
from sklearn.metrics import log_loss

from cancernet.tasks import softmax
from cancernet.training import TrainingOptions
from cancernet.training.network import Watched, nll
from training.made import assert_same_weights, clouds, small_network


@pytest.fixture(scope="module")
def network():
    return small_network()


@pytest.fixture
def stopping(network, monkeypatch):
    """The network with options that overfit."""
    options = TrainingOptions(epochs=30, patience=4, learning_rate=0.05, schedule="constant", batch_size=16)
    monkeypatch.setattr(network, "options", options)
    return network


@pytest.fixture(scope="module")
def balanced():
    return small_network(class_weights="balanced")


@pytest.fixture(scope="module")
def problem():
    inputs, codes = clouds()
    held, held_codes = clouds(40, seed=1)
    return inputs, codes, Watched(held, held_codes)


def test_the_same_seed_gives_the_same_numbers_whatever_was_fitted_before(network, problem):
    inputs, codes, watched = problem
    first = network.fit(inputs, codes, seed=5, watched=watched)
    network.fit(-inputs[:31], codes[:31], seed=6, epochs=2)
    network.logits([weight * 0 + 1 for weight in first.weights], inputs)
    again = network.fit(inputs, codes, seed=5, watched=watched)
    assert_same_weights(first.weights, again.weights)
    np.testing.assert_array_equal(first.watched_logits, again.watched_logits)
    assert first.history == again.history


def test_a_fresh_network_gives_the_same_numbers_and_tells_every_epoch(network, problem):
    """Fits of other numbers of rows went before in one of them: TensorFlow must not take another graph for it."""
    inputs, codes, _ = problem
    told = []
    fresh = small_network(advance=lambda: told.append(1))
    network.fit(inputs, codes, seed=3, epochs=1)  # batches of 15
    for rows in (37, 49, 60):  # batches of 18 and 19, of 16 and 17, of 15
        fits = [found.fit(inputs[:rows], codes[:rows], seed=2) for found in (fresh, network)]
        assert_same_weights(fits[0].weights, fits[1].weights)
    assert len(told) == 3 * 5


def test_watching_rows_changes_nothing(network, problem):
    inputs, codes, watched = problem
    alone, seen = network.fit(inputs, codes, seed=1), network.fit(inputs, codes, seed=1, watched=watched)
    assert_same_weights(alone.weights, seen.weights)
    assert alone.watched_logits is None
    assert "val_loss" not in alone.history[0]


def test_other_seeds_give_other_numbers(network, problem):
    inputs, codes, _ = problem
    kernels = [network.fit(inputs, codes, seed=seed, epochs=1).weights[0] for seed in (0, 1)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-3


def test_the_loss_falls_and_the_fit_beats_chance(network, problem):
    inputs, codes, watched = problem
    fit = network.fit(inputs, codes, seed=0, watched=watched)
    assert fit.history[-1]["loss"] < fit.history[0]["loss"]
    assert fit.history[-1]["val_loss"] < np.log(2)


def test_history_says_what_it_means(network, problem):
    inputs, codes, watched = problem
    fit = network.fit(inputs, codes, seed=3, watched=watched)
    assert [row["epoch"] for row in fit.history] == [1, 2, 3, 4, 5]
    assert [row["learning_rate"] for row in fit.history] == [network.options.rate(epoch) for epoch in range(5)]
    assert [list(row) for row in fit.history] == [["epoch", "learning_rate", "loss", "val_loss"]] * 5
    assert fit.epochs == 5
    assert fit.watched_logits.shape == (5, 40, 2)
    last = network.logits(fit.weights, watched.inputs)
    np.testing.assert_allclose(last, fit.watched_logits[-1], atol=1e-5)
    expected = log_loss(watched.codes, softmax(last.astype(np.float64)))
    assert fit.history[-1]["val_loss"] == pytest.approx(expected, abs=1e-5)
    for row, logits in zip(fit.history, fit.watched_logits, strict=True):
        assert row["val_loss"] == pytest.approx(log_loss(watched.codes, softmax(logits.astype(np.float64))), abs=1e-6)


def test_early_stopping_returns_the_weights_of_the_best_epoch(stopping, problem):
    inputs, codes, _ = problem
    held, held_codes = clouds(30, seed=4)
    upside_down = Watched(held, np.where(np.arange(30) % 3 == 0, 1 - held_codes, held_codes))
    fit = stopping.fit(inputs, codes, seed=0, watched=upside_down, patience=4)
    losses = [row["val_loss"] for row in fit.history]
    assert fit.epochs == int(np.argmin(losses)) + 1
    assert len(losses) == min(fit.epochs + 4, 30)
    assert len(losses) < 30
    assert nll(stopping.logits(fit.weights, upside_down.inputs), upside_down.codes) == pytest.approx(
        min(losses), abs=1e-6
    )


def test_early_stopping_equals_a_fit_of_that_length(stopping, problem):
    inputs, codes, watched = problem
    stopped = stopping.fit(inputs, codes, seed=8, watched=watched, patience=4)
    assert stopped.epochs < len(stopped.history)
    assert_same_weights(stopped.weights, stopping.fit(inputs, codes, seed=8, epochs=stopped.epochs).weights)


def test_balanced_weights_raise_the_rare_class(network, balanced):
    inputs, codes = clouds(80, positive_share=0.15)
    fits = [found.fit(inputs, codes, seed=0) for found in (network, balanced)]
    means = [softmax(network.logits(fit.weights, inputs).astype(float))[:, 1].mean() for fit in fits]
    assert means[1] > means[0] + 0.1


def test_balanced_weights_of_a_balanced_table_change_nothing(network, balanced):
    inputs, codes = clouds(40)
    fits = [found.fit(inputs, codes, seed=0, epochs=2) for found in (network, balanced)]
    for one, other in zip(fits[0].weights, fits[1].weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("rows", [2, 15, 17, 24, 33])
def test_any_number_of_rows_is_fitted(network, rows):
    inputs, codes = clouds(rows)
    assert np.isfinite(network.fit(inputs, codes, seed=0, epochs=1).history[0]["loss"])


def test_weights_move_to_a_network_of_their_own(network, problem):
    inputs, codes, _ = problem
    fit = network.fit(inputs, codes, seed=0, epochs=1)
    own = network.with_weights(fit.weights)
    before = np.asarray(own.predict_on_batch(inputs))
    network.fit(inputs, codes, seed=1, epochs=1)
    np.testing.assert_array_equal(np.asarray(own.predict_on_batch(inputs)), before)


def test_nll_is_the_log_loss_and_survives_certainty():
    logits = np.array([[2.0, -1.0], [0.0, 0.5], [1.0, 1.0]], dtype=np.float32)
    codes = np.array([0, 1, 1])
    assert nll(logits, codes) == pytest.approx(log_loss(codes, softmax(logits)))
    assert np.isfinite(nll(np.array([[0.0, 5000.0]], dtype=np.float32), np.array([0])))


def test_a_fit_leaves_the_random_numbers_of_the_caller_alone(network, problem):
    inputs, codes, _ = problem
    random.seed(3)
    np.random.seed(3)  # noqa: TID251  (the state that Keras sets)
    expected = random.Random(3).random(), np.random.RandomState(3).random()
    network.fit(inputs, codes, seed=1, epochs=1)
    assert (random.random(), np.random.random()) == expected


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_the_loss_of_an_epoch_is_that_of_all_its_rows(weights):
    """With weights that barely move it is the loss of the network as it was. Keras tells that of the last batch."""
    from cancernet.models import keras_library
    from cancernet.training import Network
    from cancernet.training.options import class_weights

    keras = keras_library()
    inputs, codes = clouds(100, positive_share=0.2)
    options = TrainingOptions(
        epochs=1, batch_size=16, learning_rate=1e-9, schedule="constant", warmup=0, class_weights=weights
    )
    network = Network(lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), options)
    fit = network.fit(inputs, codes, seed=1)
    logits = network.logits(fit.weights, inputs).astype(float)
    by_class = class_weights(codes, 2) if weights == "balanced" else {0: 1.0, 1: 1.0}
    shares = [by_class[code] for code in codes.tolist()]
    expected = log_loss(codes, softmax(logits)[:, 1], sample_weight=shares)
    assert fit.history[0]["loss"] == pytest.approx(expected, abs=1e-4)
