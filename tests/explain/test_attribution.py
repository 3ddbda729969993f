from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancernet.errors import CancerNetError, InvalidInput
from cancernet.explain import attribution, occlusion, reference_row, shapley
from cancernet.predict import cases
from cancernet.tasks import probabilities
from explain.conftest import LOG_ODDS
from predict.made import COLUMNS, make_card, make_decision, training_values

METHODS = pytest.mark.parametrize("method", [occlusion, shapley])
SCALES = pytest.mark.parametrize("scale", ["log-odds", "probability"])


@METHODS
def test_of_a_linear_model_by_hand(linear, method):
    values = training_values(20, seed=3)
    found = method(linear, values)
    assert found.contributions == pytest.approx((values - found.reference) * LOG_ODDS, abs=1e-4)
    assert found.output == pytest.approx(values @ LOG_ODDS - 8.5, abs=1e-4)
    assert found.columns == COLUMNS
    assert (found.explained == 1).all()


@SCALES
@pytest.mark.parametrize("draws", [1, 3])
def test_shapley_adds_up(curved, scale, draws):
    found = shapley(curved, training_values(30, seed=3), scale=scale, draws=draws)
    assert found.contributions.sum(axis=1) == pytest.approx(found.output - found.reference_output, abs=1e-12)
    assert np.abs(found.contributions).max() > 1e-3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.1, 10), st.integers(1, 4))
def test_shapley_adds_up_for_any_row_and_reference(curved, seed, spread, draws):
    generator = np.random.default_rng(seed)
    values = generator.normal(0, spread, (2, 3)) * [3, 4, 300] + [14, 19, 600]
    reference = generator.normal(0, spread, 3) * [3, 4, 300] + [14, 19, 600]
    found = shapley(curved, values, reference=reference, draws=draws, seed=seed)
    assert found.contributions.sum(axis=1) == pytest.approx(found.output - found.reference_output, abs=1e-9)


def exact(model, row, reference):
    """Shapley values over all orders, one evaluation after the other: the textbook."""

    def answer(values):
        logits = model.run(values[None]).logits
        p = probabilities(logits, model.card.decision.temperature)[0, 1]
        return np.log(p / (1 - p))

    gained = np.zeros(len(row))
    orders = list(permutations(range(len(row))))
    for order in orders:
        mixed = reference.copy()
        before = answer(mixed)
        for column in order:
            mixed[column] = row[column]
            after = answer(mixed)
            gained[column] += after - before
            before = after
    return gained / len(orders)


def test_shapley_agrees_with_all_orders(curved):
    values = training_values(4, seed=3)
    found = shapley(curved, values, draws=400)
    expected = [exact(curved, row, found.reference) for row in values]
    assert found.contributions == pytest.approx(np.array(expected), abs=0.05)
    assert np.abs(expected).max() > 0.3


def test_occlusion_agrees_with_one_column_at_a_time(curved):
    values = training_values(5, seed=3)
    found = occlusion(curved, values, scale="probability")
    before = cases(curved, values).probabilities[:, 1]
    for column in range(3):
        lacking = values.copy()
        lacking[:, column] = found.reference[column]
        after = cases(curved, lacking).probabilities[:, 1]
        assert found.contributions[:, column] == pytest.approx(before - after, abs=1e-6)


@METHODS
def test_reference_itself_has_no_contributions(curved, method):
    found = method(curved, reference_row(curved.card)[None])
    assert found.contributions == pytest.approx(0, abs=1e-5)


@METHODS
def test_small_batches_change_nothing(curved, method, monkeypatch):
    values = training_values(11, seed=3)
    whole, seen = method(curved, values), []
    monkeypatch.setattr(attribution, "_BATCH", 100)
    parts = method(curved, values, progress=seen.append)
    assert parts.contributions == pytest.approx(whole.contributions, abs=1e-5)
    assert seen[-1] == 11
    assert seen == sorted(set(seen))


def test_seed_decides(curved):
    values = training_values(3, seed=3)
    first, again, other = (shapley(curved, values, draws=1, seed=seed).contributions for seed in (0, 0, 3))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@METHODS
def test_several_classes_explain_the_predicted_one(three_classes, method):
    values = training_values(40, seed=3)
    values[0, 0] = np.nan
    found = method(three_classes, values)
    assert np.array_equal(found.explained, found.cases.predicted)
    assert found.probability == pytest.approx(found.cases.probabilities.max(axis=1))
    assert found.output == pytest.approx(np.log(found.probability / (1 - found.probability)), rel=1e-4)
    assert found.reference.tolist() == [14, 19, 600]
    assert found.values[0, 0] == 14
    assert found.contributions[0, 0] == pytest.approx(0, abs=1e-6)


def test_log_odds_stay_exact_next_to_one(linear):
    row = np.array([[2000.0, 19.0, 600.0]])
    found = occlusion(linear, row)
    assert found.probability[0] == 1.0
    assert found.output[0] == pytest.approx(row[0] @ LOG_ODDS - 8.5, rel=1e-5)


def test_reference_is_mean_then_medians():
    with_both = make_card()
    assert reference_row(with_both).tolist() == list(with_both.decision.novelty.mean)
    without = make_card(decision=make_decision(novelty=None))
    with pytest.raises(InvalidInput, match="no typical training row"):
        reference_row(without)


@METHODS
@pytest.mark.parametrize("reference", [np.zeros(2), np.zeros((1, 3)), np.array([1.0, np.nan, 2.0])])
def test_unusable_reference(linear, method, reference):
    with pytest.raises(InvalidInput, match="3 finite numbers"):
        method(linear, training_values(2), reference=reference)


@METHODS
def test_unusable_options(linear, method):
    with pytest.raises(CancerNetError, match="'log-odds'"):
        method(linear, training_values(2), scale="log-ods")


def test_no_draws(linear):
    with pytest.raises(InvalidInput, match="0 draws"):
        shapley(linear, training_values(2), draws=0)
