import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics import predictive_values, reweight
from cancernet.metrics.intervals import wilson
from metrics.made import binary, several

SHARES = st.floats(0.01, 0.99)


def test_reweighted_probabilities_are_those_of_the_other_mixture():
    # Two normal populations: the posterior is known at every prior.
    x = np.linspace(-4, 6, 50)
    densities = np.exp(-0.5 * np.stack([x**2, (x - 2) ** 2], axis=1))
    posterior = {prior: densities * [1 - prior, prior] for prior in (0.4, 0.01)}
    posterior = {prior: values / values.sum(axis=1, keepdims=True) for prior, values in posterior.items()}
    np.testing.assert_allclose(reweight(posterior[0.4], [0.6, 0.4], [0.99, 0.01]), posterior[0.01])


@given(st.integers(0, 100), SHARES, SHARES)
def test_there_and_back_again(seed, prior, new):
    shares = binary(10, seed=seed).probabilities
    there = reweight(shares, [1 - prior, prior], [1 - new, new])
    np.testing.assert_allclose(there.sum(axis=1), 1)
    np.testing.assert_allclose(reweight(there, [1 - new, new], [1 - prior, prior]), shares, rtol=1e-6)
    assert (np.sign(there[:, 1] - shares[:, 1]) * np.sign(new - prior) >= 0).all() or abs(new - prior) < 1e-6


def test_the_same_prior_changes_nothing():
    shares = several(20).probabilities
    np.testing.assert_allclose(reweight(shares, [0.25] * 4, [0.25] * 4), shares)


def test_a_class_that_is_gone_gets_nothing():
    changed = reweight([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]], [0.3, 0.3, 0.4], [0.5, 0.5, 0.0])
    np.testing.assert_allclose(changed, [[0.4, 0.6, 0.0], [0.5, 0.5, 0.0]])


@pytest.mark.parametrize("prior", [[0.5, 0.6], [0.5], [1.2, -0.2], [0.0, 1.0], [np.nan, 1.0]])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(InvalidInput, match="The prior"):
        reweight([[0.5, 0.5]], prior, [0.5, 0.5])


def test_predictive_values_of_the_textbook():
    ppv, npv = predictive_values(0.9, 0.95, 0.01)
    assert ppv == pytest.approx(0.009 / (0.009 + 0.0495))
    assert npv == pytest.approx(0.9405 / (0.9405 + 0.001))


def test_predictive_values_at_the_prevalence_of_the_rows_are_their_own():
    scored = binary(500)
    truth, called = scored.positive_truth, scored.predicted == 1
    ppv, npv = predictive_values(called[truth].mean(), (~called)[~truth].mean(), truth.mean())
    assert ppv == pytest.approx(truth[called].mean())
    assert npv == pytest.approx((~truth)[~called].mean())


def test_where_none_is_called_so_there_is_no_predictive_value():
    assert predictive_values(0.0, 1.0, 0.3) == (None, 0.7)


def share(hits, total):
    low, high = wilson(hits, total)
    return Estimate(hits / total, float(low), float(high), total, total, "wilson")


def test_estimates_give_estimates_that_cover():
    rng = np.random.default_rng(0)
    true_ppv, true_npv = predictive_values(0.9, 0.95, 0.1)
    held = []
    for hits, rejections in zip(rng.binomial(80, 0.9, 500), rng.binomial(200, 0.95, 500), strict=True):
        ppv, npv = predictive_values(share(hits, 80), share(rejections, 200), 0.1)
        held.append((ppv.low <= true_ppv <= ppv.high, npv.low <= true_npv <= npv.high))
    assert (np.mean(held, axis=0) >= 0.94).all()


@given(st.integers(0, 20), st.integers(0, 20), SHARES)
def test_bounds_hold_the_value(hits, rejections, prevalence):
    for estimate in predictive_values(share(hits, 20), share(rejections, 20), prevalence):
        if estimate.value is not None:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_undefined_rates_give_undefined_values_with_the_reason():
    missing = Estimate.undefined("no row is of the positive class 'M'")
    for estimate in predictive_values(missing, share(9, 10), 0.1):
        assert estimate.value is None
        assert "positive class 'M'" in estimate.reason


def test_a_rate_without_an_interval_gives_none():
    bare = Estimate(0.9, None, None, 5, 1, "none", "it rests on a single group")
    ppv, _ = predictive_values(bare, share(9, 10), 0.1)
    assert ppv.value is not None
    assert ppv.low is None
    assert ppv.reason


@pytest.mark.parametrize("arguments", [(0.9, 0.9, 0), (0.9, 0.9, 1), (1.1, 0.9, 0.5), (0.9, -0.1, 0.5)])
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(InvalidInput):
        predictive_values(*arguments)


def test_a_number_with_an_estimate_is_refused():
    with pytest.raises(InvalidInput, match="two estimates"):
        predictive_values(0.9, share(9, 10), 0.1)
