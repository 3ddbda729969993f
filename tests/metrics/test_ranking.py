import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from cancernet.metrics import auroc, average_precision, delong
from cancernet.metrics.ranking import Ranking, area, perfect_area, precision_area
from metrics.made import binary, wdbc


@pytest.mark.parametrize("scored", [binary(50), binary(300, digits=1), wdbc(), wdbc(3), binary(90, positive="B")])
def test_agrees_with_scikit_learn(scored):
    rows = scored.positive_truth, scored.p_positive
    assert auroc(*rows) == pytest.approx(roc_auc_score(*rows))
    assert average_precision(*rows) == pytest.approx(average_precision_score(*rows))


@pytest.mark.parametrize("digits", [1, 2, None])
def test_weights_are_repeated_rows(digits):
    scored = binary(120, groups=25, digits=digits)
    ranking = Ranking.of(scored.p_positive, scored.positive_truth, scored.group_codes)
    counts = np.random.default_rng(0).integers(0, 4, size=(6, scored.group_count)).astype(float)
    curve = ranking.curve(counts)
    for draw, weights in enumerate(counts):
        rows = np.repeat(np.arange(len(scored)), weights[scored.group_codes].astype(int))
        picked = scored.positive_truth[rows], scored.p_positive[rows]
        assert area(*curve)[draw] == pytest.approx(roc_auc_score(*picked))
        assert precision_area(*curve)[draw] == pytest.approx(average_precision_score(*picked))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_auroc_is_the_share_of_pairs_in_order(rows):
    truth, scores = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)
    pairs = scores[truth][:, None] - scores[~truth]
    found = auroc(truth, scores)
    if pairs.size:
        assert found == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
        assert auroc(truth, -scores) == pytest.approx(1 - found)
    else:
        assert found is None


def test_nothing_is_undefined_not_nan():
    assert auroc([], []) is None
    assert average_precision([False], [0.3]) is None


def slow_delong(truth, scores):
    """Return AUROC and its variance by the textbook's sums over pairs."""
    pairs = scores[truth][:, None] - scores[~truth]
    order = (pairs > 0) + 0.5 * (pairs == 0)
    value, (m, n) = order.mean(), order.shape
    tens = ((order.mean(axis=1) - value) ** 2).sum() / (m - 1)
    ones = ((order.mean(axis=0) - value) ** 2).sum() / (n - 1)
    return value, tens / m + ones / n


@pytest.mark.parametrize("scored", [binary(150), binary(150, digits=1), wdbc(3)])
def test_delong_agrees_with_its_definition(scored):
    value, variance = slow_delong(scored.positive_truth, scored.p_positive)
    half = 1.959964 * np.sqrt(variance) / (value * (1 - value))
    logit = np.log(value / (1 - value))
    expected = 1 / (1 + np.exp(-np.array([logit - half, logit + half])))
    np.testing.assert_allclose(delong(scored.positive_truth, scored.p_positive), expected, atol=1e-6)


@pytest.mark.parametrize(("shift", "positives", "negatives"), [(1.0, 40, 80), (2.5, 60, 100)])
def test_delong_covers(shift, positives, negatives):
    rng = np.random.default_rng(0)
    truth = np.arange(positives + negatives) < positives
    bounds = [delong(truth, rng.normal(size=len(truth)) + shift * truth) for _ in range(2000)]
    true_area = norm.cdf(shift / np.sqrt(2))
    held = np.mean([low <= true_area <= high for low, high in bounds])
    assert 0.935 < held < 0.975


def test_delong_is_left_to_the_score_interval_where_it_has_no_variance():
    assert delong([False, False, True, True], [0.1, 0.2, 0.3, 0.4]) is None
    assert delong([False, False, True], [0.1, 0.4, 0.3]) is None


@given(st.floats(0, 1), st.integers(1, 200), st.integers(1, 200))
def test_score_interval_holds_the_value(value, positives, negatives):
    low, high = perfect_area(value, positives, negatives)
    assert 0 <= low <= value <= high <= 1
    assert low < high


def test_score_interval_of_a_perfect_ranking_solves_its_equation():
    low, high = perfect_area(1.0, 20, 30)
    assert high == 1
    mean = 25 - 1
    variance = low * (1 - low) / 600 * (1 + mean * ((1 - low) / (2 - low) + low / (1 + low)))
    assert (1 - low) / np.sqrt(variance) == pytest.approx(1.959964, abs=1e-5)


def test_score_interval_narrows_with_more_rows():
    lows = [perfect_area(1.0, rows, rows)[0] for rows in (2, 10, 100, 1000)]
    assert lows == sorted(lows)
    assert lows[-1] > 0.99
