"""Logits, probabilities and grades: against SciPy's logistic distribution, by hand, and their properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax
from scipy.stats import logistic

from cancernet.errors import InvalidInput
from cancernet.tasks import (
    TASK_KINDS,
    cumulative_logits,
    expected_grade,
    grade_between,
    log_probabilities,
    logit_width,
    matched_cuts,
    nearest_grade,
    probabilities,
    softmax,
)

LOG3 = float(np.log(3))
WIDTHS = st.tuples(st.integers(1, 8), st.integers(1, 6))


def rows(limit):
    """Return tables of cumulative logits that rise along each row."""
    return hnp.arrays(np.float64, WIDTHS, elements=st.floats(-limit, limit)).map(lambda table: np.sort(table, axis=1))


def shares(smallest=0.0):
    """Return tables of probabilities."""
    weights = hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=st.floats(smallest, 1))
    return weights.filter(lambda table: (table.sum(axis=1) > 0.1).all()).map(lambda t: t / t.sum(axis=1, keepdims=True))


def test_kinds_and_their_widths():
    assert TASK_KINDS == ("binary", "multiclass", "ordinal", "segmentation", "survival")
    assert [logit_width(kind, 5) for kind in ("multiclass", "ordinal")] == [5, 4]
    assert logit_width("binary", 2) == 2
    assert logit_width("segmentation", 2) == 2  # the nucleus, and the distance to its edge


def test_maps_are_sigmoids_each_of_its_own():
    maps = np.array([[[0.0, LOG3], [-LOG3, 800.0]]])
    np.testing.assert_allclose(probabilities(maps, kind="segmentation"), [[[0.5, 0.75], [0.25, 1.0]]])


def test_ordinal_by_hand():
    # P(grade <= k) = 1/4, 1/2, 3/4; at temperature 2 the logits are halved: 1 / (1 + sqrt 3), 1/2, the rest
    logits = np.array([[-LOG3, 0.0, LOG3]])
    np.testing.assert_allclose(probabilities(logits, kind="ordinal"), [[0.25] * 4])
    side = 1 / (1 + np.sqrt(3))
    np.testing.assert_allclose(probabilities(logits, 2.0, kind="ordinal"), [[side, 0.5 - side, 0.5 - side, side]])
    np.testing.assert_allclose(log_probabilities(logits, "ordinal"), np.log([[0.25] * 4]))


@given(rows(30))
def test_ordinal_agrees_with_differences_of_the_logistic_distribution(logits):
    cumulative = np.pad(logistic.cdf(logits), ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
    np.testing.assert_allclose(probabilities(logits, kind="ordinal"), np.diff(cumulative, axis=1), atol=1e-15)


@given(rows(1e4), st.floats(0.01, 100))
def test_ordinal_probabilities_are_probabilities(logits, temperature):
    found = probabilities(logits, temperature, kind="ordinal")
    assert found.shape == (len(logits), logits.shape[1] + 1)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    logarithms = log_probabilities(logits / temperature, "ordinal")
    assert np.isfinite(logarithms).all()
    np.testing.assert_array_equal(np.exp(logarithms), found)


def test_small_differences_are_not_cancelled():
    # Far out in both tails the sigmoids agree in all their digits on one side, and their difference must not.
    for centre in (-60.0, 0.0, 60.0):
        found = probabilities(np.array([[centre, centre + 1e-9]]), kind="ordinal")[0, 1]
        assert found == pytest.approx(logistic.pdf(centre) * 1e-9, rel=1e-4)
    assert log_probabilities(np.array([[2000.0, 2001.0]]), "ordinal")[0, 1] == pytest.approx(
        -2000 + np.log1p(-np.exp(-1))
    )


@given(rows(50), st.floats(0, 20))
def test_more_severe_rows_have_higher_grades(logits, more):
    mild, severe = (expected_grade(probabilities(table, kind="ordinal")) for table in (logits, logits - more))
    assert (severe >= mild - 1e-9).all()


def test_falling_logits_are_refused_and_rounding_is_borne():
    with pytest.raises(InvalidInput, match=r"\[0\.5, 0\.0\] fall"):
        probabilities(np.array([[0.0, 0.5], [0.5, 0.0]]), kind="ordinal")
    with pytest.raises(InvalidInput, match="fall"):
        log_probabilities(np.array([[[0.0, 0.5], [0.5, 0.0]]]), "ordinal")
    for below in (np.nextafter(np.float32(1), np.float32(0)), 1 - 2**-8):  # a step of float32, of bfloat16
        found = probabilities(np.array([[1.0, below]]), kind="ordinal")
        np.testing.assert_allclose(found, [[logistic.cdf(1), 0, 1 - logistic.cdf(1)]], atol=1e-300)
        assert found.sum() == pytest.approx(1, abs=1e-15)


def test_shapes_before_the_last_axis_are_kept():
    logits = np.sort(np.random.default_rng(0).normal(size=(2, 3, 5, 4)), axis=-1)
    found = probabilities(logits, kind="ordinal")
    assert found.shape == (2, 3, 5, 5)
    np.testing.assert_allclose(found[1, 2], probabilities(logits[1, 2], kind="ordinal"))
    assert expected_grade(found).shape == nearest_grade(found).shape == (2, 3, 5)
    assert cumulative_logits(found).shape == logits.shape
    np.testing.assert_allclose(cumulative_logits(found), logits, atol=1e-9)


@given(rows(15))
def test_cumulative_logits_turn_probabilities_round(logits):
    np.testing.assert_allclose(cumulative_logits(probabilities(logits, kind="ordinal")), logits, atol=1e-6)


@given(shares())
def test_probabilities_turn_cumulative_logits_round(table):
    logits = cumulative_logits(table)
    assert np.isfinite(logits).all()
    assert (np.diff(logits, axis=1) >= 0).all()
    np.testing.assert_allclose(probabilities(logits, kind="ordinal"), table, atol=1e-12)


def test_certain_grades_have_finite_logits():
    certain = np.eye(4)
    np.testing.assert_allclose(probabilities(cumulative_logits(certain), kind="ordinal"), certain, atol=1e-300)
    np.testing.assert_allclose(cumulative_logits([[0.25] * 4]), [[-LOG3, 0, LOG3]], atol=1e-12)
    assert np.isfinite(cumulative_logits(certain).astype(np.float32)).all()


@pytest.mark.parametrize("wrong", [[0.5, -0.5, 1.0], [np.nan, 0.5, 0.5]])
def test_what_is_no_probability_has_no_logits(wrong):
    with pytest.raises(InvalidInput, match="below zero or not a number"):
        cumulative_logits([wrong])


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=st.floats(-1e4, 1e4)))
def test_log_probabilities_of_classes_are_scipys(logits):
    np.testing.assert_allclose(log_probabilities(logits), log_softmax(logits, axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(log_probabilities(logits, "binary"), log_probabilities(logits, "multiclass"))
    np.testing.assert_array_equal(probabilities(logits, 2.0), softmax(logits / 2.0))


@given(rows(1e6))
def test_log_probabilities_are_finite_where_probabilities_are_zero(logits):
    found = log_probabilities(logits, "ordinal")
    assert np.isfinite(found).all()
    assert (found <= 0).all()


def test_expected_grade_by_hand():
    table = np.array([[0.5, 0.0, 0.5], [0.0, 0.4, 0.6], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(expected_grade(table), [1.0, 1.6, 0.0, 2.0])
    assert nearest_grade(table).tolist() == [1, 2, 0, 2]  # the first is never the most probable grade


def test_half_way_is_the_lower_grade_in_spite_of_rounding():
    assert nearest_grade(np.array([[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5]])).tolist() == [0, 1, 2]
    table = np.array([[0.1, 0.4, 0.4, 0.1, 0.0]])
    assert expected_grade(table) > 1.5
    assert nearest_grade(table).tolist() == [1]


@given(shares())
def test_the_nearest_grade_has_the_least_squared_distance(table):
    grades = np.arange(table.shape[1])
    risk = ((grades[:, None] - grades) ** 2 @ table.T).T  # (n, answers)
    chosen = risk[np.arange(len(table)), nearest_grade(table)]
    np.testing.assert_allclose(chosen, risk.min(axis=1), atol=1e-7)


def test_survival_is_the_logistic_function_of_each_logit():
    found = probabilities(np.array([[0.0, LOG3, -800.0, 800.0]]), kind="survival")
    np.testing.assert_allclose(found, [[0.5, 0.75, 0.0, 1.0]], atol=1e-12)


def test_grades_between_cut_points():
    shares = np.array(
        [[0.9, 0.1, 0.0], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.0, 0.1, 0.9]]
    )  # expected 0.1, 0.7, 1.3, 1.9
    assert nearest_grade(shares).tolist() == [0, 1, 1, 2]
    assert grade_between(shares, cuts=(0.5, 1.5)).tolist() == [0, 1, 1, 2]
    assert grade_between(shares, cuts=(0.7, 1.2)).tolist() == [0, 0, 2, 2]  # at a cut point the lower one
    assert grade_between(shares, cuts=[(2.0, 2.0)] * 2 + [(0.0, 0.0)] * 2).tolist() == [0, 0, 2, 2]


@given(st.integers(0, 2**32 - 1), st.integers(3, 6))
def test_matched_cuts_answer_each_grade_as_often_as_it_is_true(seed, grades):
    rng = np.random.default_rng(seed)
    shares, codes = rng.dirichlet(np.ones(grades), 500), rng.integers(0, grades, 500)
    cuts = matched_cuts(shares, codes)
    answered = np.bincount(grade_between(shares, cuts=cuts), minlength=grades)
    assert np.abs(answered - np.bincount(codes, minlength=grades)).max() <= 1
    assert list(cuts) == sorted(cuts)
