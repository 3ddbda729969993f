import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from cancernet.metrics import calibration_line
from metrics.made import binary, wdbc


def logit(shares):
    return np.log(shares / (1 - shares))


def lines(truth, shares, groups=None):
    found = calibration_line(truth, shares, groups=np.arange(len(truth)) if groups is None else groups)
    return found["calibration_slope"], found["calibration_intercept"]


@pytest.mark.parametrize("scored", [binary(300), binary(300, positive="B"), wdbc(), wdbc(5)])
def test_slope_and_intercept_agree_with_independent_fits(scored):
    slope, intercept = lines(scored.positive_truth, scored.p_positive)
    x = logit(scored.p_positive)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x[:, None], scored.positive_truth)
    assert slope.value == pytest.approx(model.coef_[0, 0], rel=1e-4)
    expected = brentq(lambda shift: (scored.positive_truth - expit(x + shift)).sum(), -20, 20)
    assert intercept.value == pytest.approx(expected, abs=1e-6)


def test_too_extreme_and_too_high_probabilities_are_told():
    scored = binary(20_000)
    x = logit(scored.p_positive)
    slope, _ = lines(scored.positive_truth, expit(2 * x))
    _, intercept = lines(scored.positive_truth, expit(x + 0.7))
    assert slope.value == pytest.approx(0.5, abs=0.03)
    assert intercept.value == pytest.approx(-0.7, abs=0.06)


@pytest.mark.parametrize("copies", [1, 4])
def test_wald_covers_for_rows_and_for_groups(copies):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        x = rng.normal(0, 1.5, size=150)
        truth = np.tile(rng.random(150) < expit(x), copies)
        held.append(
            [
                e.low <= true <= e.high
                for e, true in zip(
                    lines(truth, expit(np.tile(x, copies)), np.tile(np.arange(150), copies)), (1, 0), strict=True
                )
            ]
        )
    assert (np.mean(held, axis=0) > 0.925).all()
    assert (np.mean(held, axis=0) < 0.98).all()


def test_copies_of_rows_do_not_narrow_the_interval():
    scored = binary(200)
    once = lines(scored.positive_truth, scored.p_positive, np.arange(200))
    rows = np.tile(np.arange(200), 5)
    often = lines(scored.positive_truth[rows], scored.p_positive[rows], rows)
    for first, second in zip(once, often, strict=True):
        assert second.value == pytest.approx(first.value, abs=1e-8)
        assert second.high - second.low == pytest.approx(first.high - first.low, rel=0.15)
        assert second.groups == 200
        assert second.method == "wald, robust to groups"


@pytest.mark.parametrize(
    ("truth", "shares", "reason"),
    [
        ([True, True, True], [0.2, 0.3, 0.4], "all rows are of one class"),
        ([True, False, True], [0.3, 0.3, 0.3], "all rows have the same probability"),
        ([True, False, True], [0.8, 0.3, 0.9], "separate the classes perfectly"),
        ([False, True, False], [0.8, 0.3, 0.9], "separate the classes perfectly"),
        ([False, True, False, True], [0.3, 0.3, 0.2, 0.9], "separate the classes perfectly"),
    ],
)
def test_a_slope_that_does_not_exist_says_why(truth, shares, reason):
    slope, _ = lines(truth, shares)
    assert slope.value is None
    assert reason in slope.reason


def test_an_intercept_exists_where_the_slope_does_not():
    _, intercept = lines([True, False, True], [0.8, 0.3, 0.9])
    assert intercept.low < 0.5 < intercept.high


def test_rows_of_one_group_have_no_interval():
    slope, intercept = lines(binary(60).positive_truth, binary(60).p_positive, np.zeros(60, dtype=int))
    assert slope.low is None
    assert intercept.reason == "the rows are of one group"


def test_probabilities_of_zero_and_one_are_borne():
    _, intercept = lines([True, False, True, False], [1.0, 0.0, 1.0, 0.0])
    assert intercept.value == pytest.approx(0, abs=1e-6)
    assert intercept.reason == "the probabilities are all next to 0 or 1"
