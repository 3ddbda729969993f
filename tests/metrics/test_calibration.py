import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from cancernet.errors import InvalidInput
from cancernet.metrics import ece, ece_of_perfect, fit_temperature
from cancernet.metrics.calibration import bin_shares, weighted_ece
from cancernet.metrics.ranking import Ranking
from cancernet.tasks import softmax
from metrics.made import binary, wdbc

ROWS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60)


def binned_ece(scores, events, bins=10):
    """Return ECE by sorting and cutting into equal parts, as most write it."""
    parts = np.array_split(np.argsort(scores), bins)
    gaps = [abs(scores[part].mean() - events[part].mean()) * len(part) for part in parts]
    return sum(gaps) / len(scores)


@pytest.mark.parametrize("rows", [100, 400])
def test_ece_is_that_of_equal_parts_where_rows_divide_evenly(rows):
    scored = binary(rows)
    assert ece(scored.p_positive, scored.positive_truth) == pytest.approx(
        binned_ece(scored.p_positive, scored.positive_truth)
    )


def test_ece_agrees_with_scikit_learns_quantile_bins():
    scored = binary(1000)
    observed, promised = calibration_curve(scored.positive_truth, scored.p_positive, n_bins=10, strategy="quantile")
    expected = np.abs(observed - promised).mean()
    assert ece(scored.p_positive, scored.positive_truth) == pytest.approx(expected, abs=1e-9)


def test_ece_of_real_rows_is_near_that_of_equal_parts():
    scored = wdbc().take(np.arange(569))  # not a multiple of ten
    expected = binned_ece(scored.p_positive, scored.positive_truth)
    assert ece(scored.p_positive, scored.positive_truth) == pytest.approx(expected, abs=2e-3)


@given(ROWS, st.randoms())
def test_ece_does_not_depend_on_the_order_of_rows(rows, random):
    mixed = random.sample(rows, len(rows))
    values = [ece(np.array([r[0] for r in part]) / 20, [r[1] for r in part]) for part in (rows, mixed)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    assert 0 <= values[0] <= 1


def test_a_constant_predictor_of_the_prevalence_has_no_ece():
    events = np.arange(50) < 20
    assert ece(np.full(50, 0.4), events) == pytest.approx(0)


@given(ROWS)
def test_bins_hold_equal_mass_and_all_rows(rows):
    shares = bin_shares([row[0] for row in rows])
    np.testing.assert_allclose(shares.sum(axis=1), len(rows) / 10)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    assert (shares >= 0).all()


@pytest.mark.parametrize("digits", [1, None])
def test_weighted_ece_is_that_of_repeated_rows(digits):
    scored = binary(130, groups=20, digits=digits)
    ranking = Ranking.of(scored.p_positive, scored.positive_truth, scored.group_codes)
    counts = np.random.default_rng(0).integers(0, 4, size=(5, scored.group_count)).astype(float)
    found = weighted_ece(ranking, counts)
    for value, weights in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(len(scored)), weights[scored.group_codes].astype(int))
        assert value == pytest.approx(ece(scored.p_positive[rows], scored.positive_truth[rows]))


def test_ece_of_perfect_is_what_perfect_models_show():
    scores = binary(300).p_positive
    rng = np.random.default_rng(5)
    seen = np.array([binned_ece(scores, rng.random(300) < scores) for _ in range(2000)])
    found = ece_of_perfect(scores, np.arange(300), draws=2000, groups=300)
    assert found.value == pytest.approx(seen.mean(), abs=0.002)
    assert found.low == pytest.approx(np.quantile(seen, 0.05), abs=0.003)
    assert found.high == pytest.approx(np.quantile(seen, 0.95), abs=0.003)
    assert "95th percentile" in found.method


def test_repeats_of_a_case_do_not_make_a_perfect_model_look_better():
    scores = np.tile(binary(200).p_positive, 5)
    once = ece_of_perfect(scores[:200], np.arange(200), groups=200)
    repeats = ece_of_perfect(scores, np.tile(np.arange(200), 5), groups=200)
    apart = ece_of_perfect(scores, np.arange(1000), groups=1000)
    assert repeats.value == pytest.approx(once.value, abs=0.004)
    assert apart.value < 0.7 * once.value


def test_ece_of_perfect_comes_again_by_its_seed():
    arguments = binary(50).p_positive, np.arange(50)
    first, second, third = (ece_of_perfect(*arguments, draws=200, groups=50, seed=seed) for seed in (1, 1, 2))
    assert first == second != third


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(true_temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, size=(20_000, 3))
    truth = (rng.random((20_000, 1)) > np.cumsum(softmax(logits), axis=1)).sum(axis=1)
    assert fit_temperature(logits * true_temperature, truth) == pytest.approx(true_temperature, rel=0.03)


def test_temperature_solves_the_equation_of_the_minimum():
    scored = wdbc()
    logits = np.log(scored.probabilities)
    found = fit_temperature(logits, scored.truth)
    difference = logits[:, 1] - logits[:, 0]

    def slope(inverse):
        return ((scored.truth - expit(difference * inverse)) * difference).sum()

    assert 1 / found == pytest.approx(brentq(slope, 0.01, 100), rel=1e-5)
    losses = [log_loss(scored.truth, softmax(logits / t)) for t in (found, found * 1.01, found / 1.01)]
    assert losses[0] == min(losses)


def test_temperature_of_rows_that_are_all_right_leaves_the_logits():
    assert fit_temperature([[3.0, 0.0], [0.0, 2.0]], [0, 1]) == 1.0


def test_temperature_of_logits_that_say_nothing_is_at_its_bound():
    assert fit_temperature([[3.0, 0.0], [3.0, 0.0]], [0, 1]) == pytest.approx(100, rel=1e-3)


@pytest.mark.parametrize("logits", [np.empty((0, 2)), [[np.nan, 1.0]], [[np.inf, 1.0]]])
def test_temperature_refuses_what_is_no_logit(logits):
    with pytest.raises(InvalidInput, match="Finite logits"):
        fit_temperature(logits, np.zeros(len(logits), dtype=int))
