import numpy as np
import pytest

from cancernet.models import keras_library
from cancernet.survival import Coding, NetworkModel, NetworkOptions, Outcome, fit_network, harrell, integrated_brier
from cancernet.survival.chances import chances
from cancernet.survival.losses import (
    causes_loss,
    hazard_loss,
    hazard_targets,
    interval_ends,
    partial_loss,
    partial_targets,
)
from cancernet.survival.partial import RiskSets
from survival.made import made_outcome, outcome_of

SMALL = {"hidden": (16,), "epochs": 25, "inner_folds": 2, "intervals": 8, "batch_size": 25, "dropout": 0.1}


def _number(tensor: object) -> np.ndarray:
    return np.asarray(keras_library().ops.convert_to_numpy(tensor), dtype=np.float64)


@pytest.mark.parametrize("ties", [False, True])
def test_the_partial_loss_is_that_of_cox_by_breslow(ties: bool) -> None:
    outcome, values = made_outcome(60, ties=ties)
    risk = values[:, :1].astype(np.float32)
    found = _number(partial_loss(partial_targets(outcome), risk)).mean()
    likelihood = RiskSets(outcome, ties="breslow").likelihood(risk[:, 0].astype(np.float64))
    assert found == pytest.approx(-likelihood / outcome.event.sum(), rel=1e-5)


def test_the_hazard_loss_is_the_likelihood_of_the_intervals() -> None:
    outcome, ends = outcome_of([3, 10, 14, 16, 25], [1, 1, 0, 0, 1]), np.array([10.0, 20.0, 30.0])
    targets = hazard_targets(outcome, ends)
    assert targets.tolist() == [[1, -1, -1], [1, -1, -1], [0, -1, -1], [0, 0, -1], [0, 0, 1]]
    logits = np.array([[0.3, -1.0, 2.0]] * 5, dtype=np.float32)
    chance = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
    expected = [
        -np.log(chance[0]),
        -np.log(chance[0]),
        -np.log(1 - chance[0]),
        -np.log((1 - chance[0]) * (1 - chance[1])),
        -np.log((1 - chance[0]) * (1 - chance[1]) * chance[2]),
    ]
    np.testing.assert_allclose(_number(hazard_loss(targets, logits)), expected, rtol=1e-5)


def test_the_loss_of_several_causes_is_the_likelihood_of_what_came_first() -> None:
    outcome, ends = (
        outcome_of([3, 14, 16, 25], [2, 0, 1, 0], coding=Coding("days", causes=("a", "b"))),
        np.array([10, 30]),
    )
    targets = hazard_targets(outcome, ends.astype(np.float64))
    assert targets.tolist() == [[2, -1], [0, -1], [0, 1], [0, 0]]
    logits = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    chance = chances(logits.astype(np.float64), 2)
    free = 1 - chance.sum(axis=2)
    expected = -np.log([chance[0, 0, 1], free[1, 0], free[2, 0] * chance[2, 1, 0], free[3].prod()])
    np.testing.assert_allclose(_number(causes_loss(targets, logits, causes=2)), expected, rtol=1e-5)


def test_intervals_hold_about_as_many_events_and_end_with_the_follow_up() -> None:
    outcome, _ = made_outcome(400)
    ends = interval_ends(outcome, 5)
    counts = np.histogram(outcome.time[outcome.event], np.append(0, ends))[0]
    assert ends[-1] == outcome.follow_up
    assert counts.max() - counts.min() <= 2
    assert len(interval_ends(outcome_of([0, 0, 0, 5], [1, 1, 1, 0]), 4)) == 1


@pytest.fixture(scope="module", params=["cox-network", "logistic-hazard"])
def fitted(request: pytest.FixtureRequest) -> tuple[NetworkModel, Outcome, np.ndarray]:
    outcome, values = made_outcome(300, seed=1)
    values = values * [1.0, 100.0, 0.01] + [0.0, 5000.0, 0.0]
    options = NetworkOptions(name=request.param, **SMALL)
    model = fit_network(values[:200], outcome.take(np.arange(200)), options=options, groups=np.arange(200), seed=3)
    return model, outcome.take(np.arange(200, 300)), values[200:]


def test_a_network_learns_the_order_and_the_curves(fitted: tuple[NetworkModel, Outcome, np.ndarray]) -> None:
    model, outcome, values = fitted
    assert harrell(outcome, model.risk(values)) > 0.62
    times = np.linspace(5, 60, 12)
    chances = model.survival(values, times)
    assert (np.diff(chances, axis=1) <= 1e-12).all()
    assert integrated_brier(outcome, chances, times=times) < 0.23
    halves = model.median(values)
    for row in np.flatnonzero(np.isfinite(halves))[:5]:
        before, after = model.survival(values[[row]], [halves[row] * (1 - 1e-9), halves[row]])[0]
        assert after <= 0.5 + 1e-9 <= before + 2e-9


def test_the_network_of_the_bundle_gives_the_same_logits(fitted: tuple[NetworkModel, Outcome, np.ndarray]) -> None:
    model, _, values = fitted
    found = np.asarray(model.network().predict(values, verbose=0), dtype=np.float64)
    np.testing.assert_allclose(found, model.logits(values), atol=1e-4)


def test_the_same_seed_gives_the_same_network() -> None:
    outcome, values = made_outcome(80)
    options = NetworkOptions(name="cox-network", **SMALL | {"epochs": 3})
    one, two, other = (
        fit_network(values, outcome, options=options, groups=np.arange(80), seed=seed).risk(values)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1e-3


def test_as_many_events_are_expected_as_were_seen_in_spite_of_dropout() -> None:
    outcome, values = made_outcome(300, seed=2)
    options = NetworkOptions(name="logistic-hazard", **SMALL | {"dropout": 0.5, "epochs": 8})
    model = fit_network(values, outcome, options=options, groups=np.arange(300), seed=0)
    targets = hazard_targets(outcome, np.array(model.part.times))
    expected = (chances(model.logits(values))[:, :, 0] * (targets >= 0)).sum()
    assert (targets == 1).sum() / expected == pytest.approx(1, abs=0.03)  # 1.09 without the levels


def test_each_cause_has_its_share_and_all_of_them_are_what_is_not_survived() -> None:
    outcome, values = made_outcome(300, seed=3, causes=2)
    options = NetworkOptions(name="competing-hazards", **SMALL)
    model = fit_network(values[:200], outcome.take(np.arange(200)), options=options, groups=np.arange(200), seed=1)
    assert (model.part.causes, model.part.logit_width) == (("a", "b"), 16)
    times = np.linspace(5, model.part.end, 7)
    shares = model.incidence(values[200:], times)
    np.testing.assert_allclose(shares.sum(axis=2), 1 - model.survival(values[200:], times), atol=1e-12)
    assert (np.diff(shares, axis=1) >= -1e-12).all()
    assert harrell(outcome.take(np.arange(200, 300)).of_any_cause(), model.risk(values[200:])) > 0.6
    assert shares[:, -1, 0].mean() > 1.4 * shares[:, -1, 1].mean()  # the hazard of the first is twice as high
    found = np.asarray(model.network().predict(values[:9], verbose=0), dtype=np.float64)
    np.testing.assert_allclose(found, model.logits(values[:9]), atol=1e-4)


def test_convolutions_go_over_the_nuclear_features_and_other_columns_join() -> None:
    outcome, values = made_outcome(120, seed=4)
    generator = np.random.default_rng(0)
    wide = np.column_stack([values[:, 0], generator.normal(size=(120, 29)), 50 + 9 * values[:, 1]])
    options = NetworkOptions(name="cox-network", body="conv1d", **SMALL | {"epochs": 12})
    model = fit_network(wide, outcome, options=options, groups=np.arange(120), seed=0)
    network = model.network()
    names = {layer.name for member in network.layers[1:3] for layer in member.layers}
    assert {"nuclear", "others", "convolution1", "pool1", "features"} <= names
    np.testing.assert_allclose(network.predict(wide[:9], verbose=0), model.logits(wide[:9]), atol=1e-4)
    moved = wide.copy()
    moved[:, 30] += 9.0
    assert np.abs(model.risk(moved) - model.risk(wide)).max() > 1e-3
