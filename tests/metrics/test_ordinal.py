"""Ordered grades through the whole room: metrics, intervals, differences, temperature, baselines, groups."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brute
from scipy.stats import logistic
from sklearn import metrics as sk
from sklearn.datasets import load_iris

from cancernet.errors import InvalidInput
from cancernet.metrics import (
    BASELINES,
    PATCH_BASELINES,
    Scored,
    baseline_logits,
    fit_temperature,
    measure,
    measure_answers,
    paired_difference,
)
from cancernet.metrics.curves import confusion
from cancernet.metrics.ordinal import mean_absolute_error, quadratic_kappa
from cancernet.metrics.paired import ORDERED_DIFFERENCES
from cancernet.tasks import nearest_grade, probabilities, softmax
from metrics.made import ordered, several

NAMES = {
    *("quadratic_kappa", "mean_absolute_error", "macro_auroc", "macro_f1", "kappa", "accuracy", "balanced_accuracy"),
    *("brier", "nll", "brier_skill", "ece", "ece_of_perfect"),
    *(f"auroc_from_{grade}" for grade in "bcd"),
}
SETS = {"coverage", "set_size", "abstained", "selective_accuracy", *(f"coverage_{name}" for name in "abcd")}
TABLES = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.integers(0, 30), min_size=k * k, max_size=k * k).map(
        lambda cells: np.array(cells, dtype=float).reshape(k, k)
    )
)


# The metrics of a table of counts.


def test_quadratic_kappa_by_hand():
    # Six rows; distances 0 0 1 0 0 2, so the squares sum to 5. By the margins (2, 2, 2) and (3, 2, 1) it is
    # (2 * 2 + 4 * 2) / 6 of grade 0, (3 * 2 + 1 * 2) / 6 of grade 1, (4 * 3 * 2 + 2 * 2) / 6 of grade 2: 48 / 6 = 8.
    table = np.array([[2.0, 0, 0], [0, 2, 0], [1, 0, 1]])
    table[1] = [0, 2, 0]
    assert quadratic_kappa(table) == pytest.approx(1 - 4 / (48 / 6))
    assert mean_absolute_error(table) == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    "scored", [ordered(), ordered(80, grades=3, seed=4), several(120, seed=2), ordered(60, grades=8)]
)
def test_agrees_with_scikit_learn(scored):
    table = confusion(scored).counts.astype(float)
    answers = scored.truth, scored.predicted
    assert quadratic_kappa(table) == pytest.approx(sk.cohen_kappa_score(*answers, weights="quadratic"))
    assert mean_absolute_error(table) == pytest.approx(sk.mean_absolute_error(*answers))


@given(TABLES)
def test_bounds_and_turns_of_the_scale(table):
    turned = table[::-1, ::-1]
    kappa, error = quadratic_kappa(table), mean_absolute_error(table)
    np.testing.assert_allclose(kappa, quadratic_kappa(turned), atol=1e-12)
    np.testing.assert_allclose(kappa, quadratic_kappa(table.T), atol=1e-12)
    np.testing.assert_allclose(error, mean_absolute_error(turned), atol=1e-12)
    assert np.isnan(error) == (table.sum() == 0)
    if np.isfinite(kappa):
        assert -1 - 1e-12 <= kappa <= 1 + 1e-12
        assert (kappa == 1) == (table.sum() == np.trace(table))


def test_a_constant_answer_has_no_agreement_and_one_grade_none_at_all():
    assert quadratic_kappa(np.array([[0.0, 4, 0], [0, 5, 0], [0, 6, 0]])) == pytest.approx(0)
    assert np.isnan(quadratic_kappa(np.diag([0.0, 7, 0])))
    assert quadratic_kappa(np.diag([1.0, 7, 0])) == 1


def test_a_far_miss_costs_more_than_a_near_one():
    near, far = np.diag([9.0, 9, 9]), np.diag([9.0, 9, 9])
    near[0, 1] = far[0, 2] = 3
    assert quadratic_kappa(near) > quadratic_kappa(far)
    assert mean_absolute_error(far) == 2 * mean_absolute_error(near)


# Scored and measure.


def test_measure_gives_exactly_these_names():
    assert set(measure(ordered(60), draws=20)) == NAMES
    assert set(measure(ordered(60, sets=True), draws=20)) == NAMES | SETS
    assert not {"quadratic_kappa", "mean_absolute_error"} & set(measure(several(60), draws=20))
    answers = {"accuracy", "balanced_accuracy", "macro_f1", "kappa", "quadratic_kappa", "mean_absolute_error"}
    assert set(measure_answers(ordered(60), draws=20)) == answers


@pytest.mark.parametrize("groups", [None, 40])
def test_measured_values_are_scikit_learns_and_stand_within_their_intervals(groups):
    scored = ordered(groups=groups)
    found = measure(scored, draws=200)
    answers = scored.truth, scored.predicted
    expected = {
        "quadratic_kappa": sk.cohen_kappa_score(*answers, weights="quadratic"),
        "mean_absolute_error": sk.mean_absolute_error(*answers),
        "kappa": sk.cohen_kappa_score(*answers),
        "macro_auroc": sk.roc_auc_score(scored.truth, scored.probabilities, multi_class="ovr"),
        "nll": sk.log_loss(scored.truth, scored.probabilities),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value), name
        assert found[name].low < value < found[name].high, name
        assert found[name].groups == scored.group_count
    assert found["quadratic_kappa"].method == "percentile bootstrap over groups, 200 draws"


def test_one_grade_leaves_kappa_undefined_and_the_error_zero():
    scored = ordered(60)
    alone = replace(scored.take(scored.truth == 1), predicted=np.ones(int((scored.truth == 1).sum()), dtype=int))
    found = measure(alone, draws=20)
    assert found["quadratic_kappa"].reason == "all rows are, and were called, of one grade"
    assert found["quadratic_kappa"].value is None
    assert found["mean_absolute_error"].value == 0
    assert "does not vary" in found["mean_absolute_error"].reason


def test_a_grade_of_one_group_leaves_the_interval_of_the_distances():
    scored = ordered(120, groups=30)
    groups = np.where(scored.truth == 3, "one patient", scored.groups)
    found = measure(replace(scored, groups=groups), draws=50)
    assert found["macro_auroc"].reason == found["kappa"].reason == "it rests on a single group"
    for name in ("quadratic_kappa", "mean_absolute_error"):
        assert found[name].low < found[name].value < found[name].high


def test_the_order_goes_with_the_rows():
    scored = ordered(40, groups=8, sets=True)
    assert scored.take(np.arange(10)).ordered
    assert scored.take([]).ordered
    assert replace(scored, sets=None).ordered
    assert not several(20).ordered


def test_grades_have_no_positive_class():
    with pytest.raises(InvalidInput, match="Ordered grades and the positive class 'M'"):
        Scored([0, 1], [[0.5, 0.5]] * 2, [0, 1], ["x", "y"], ("B", "M"), "M", ordered=True)


def test_a_group_is_of_the_grade_nearest_to_the_mean_of_its_rows():
    shares = [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0], [0.0, 0.4, 0.6]]
    scored = Scored([1, 1, 1, 2], shares, [0, 0, 2, 2], ["p", "p", "p", "q"], ("a", "b", "c"), ordered=True)
    grouped = scored.by_group()
    np.testing.assert_allclose(grouped.probabilities, [[0.6, 0.2 / 3, 1 / 3], [0, 0.4, 0.6]])
    assert grouped.predicted.tolist() == [1, 2]  # a vote would say 0: the mean grade of p is 0.73
    assert replace(scored, ordered=False).by_group().predicted.tolist() == [0, 2]
    assert grouped.ordered


def test_group_metrics_are_those_of_averaged_rows():
    scored = ordered(200, groups=None)
    twice = Scored(
        np.repeat(scored.truth, 2),
        np.repeat(scored.probabilities, 2, axis=0),
        np.repeat(scored.predicted, 2),
        np.repeat(scored.groups, 2),
        scored.classes,
        ordered=True,
    )
    found, once = measure(twice, draws=50), measure(scored, draws=50)
    assert {name.removeprefix("group_") for name in found if name.startswith("group_")} == NAMES
    for name in ("quadratic_kappa", "mean_absolute_error"):
        assert found[f"group_{name}"].value == pytest.approx(once[name].value)
        assert found[f"group_{name}"].groups == found[name].groups == 200


def latent(rng, groups, each):
    """Return answers from a noisy look at a severity that the rows of a group share in part."""
    cuts = (-1.0, 0.5, 2.0)  # the last grade has 5 % of the rows
    shared = np.repeat(rng.normal(0, 1, groups), each)
    severity = shared + rng.normal(0, 0.7, groups * each)
    truth = np.searchsorted(cuts, severity)
    predicted = np.searchsorted(cuts, severity + np.repeat(rng.normal(0, 0.5, groups), each))
    shares = (np.eye(4)[predicted] + 0.1) / 1.4
    return Scored(truth, shares, predicted, np.repeat(np.arange(groups), each).astype(str), tuple("abcd"), ordered=True)


@pytest.mark.parametrize(("groups", "each"), [(150, 1), (60, 3)])
def test_the_interval_holds_the_true_value_as_often_as_it_says(groups, each):
    rng = np.random.default_rng(0)
    huge = latent(rng, 300_000, 1)
    true = {
        "quadratic_kappa": sk.cohen_kappa_score(huge.truth, huge.predicted, weights="quadratic"),
        "mean_absolute_error": sk.mean_absolute_error(huge.truth, huge.predicted),
    }
    held = {name: [] for name in true}
    for seed in range(200):
        found = measure_answers(latent(rng, groups, each), draws=200, seed=seed)
        for name, value in true.items():
            held[name].append(found[name].low <= value <= found[name].high)
    for name, inside in held.items():
        assert 0.90 < np.mean(inside) < 0.98, name


# Paired differences.


def test_differences_are_first_minus_second():
    first, second = ordered(200, groups=50), ordered(200, groups=50, noise=1.5)
    assert (first.truth == second.truth).all()
    found = paired_difference(first, second, draws=200)
    assert tuple(found) == ORDERED_DIFFERENCES
    one, other = measure(first, draws=20), measure(second, draws=20)
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(one[name].value - other[name].value), name
    assert found["quadratic_kappa"].low > 0
    assert found["mean_absolute_error"].high < 0


def test_a_model_does_not_differ_from_itself():
    for estimate in paired_difference(ordered(80), ordered(80), draws=50).values():
        assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_grades_and_classes_are_different_questions():
    scored = ordered(50)
    with pytest.raises(InvalidInput, match="different questions"):
        paired_difference(scored, replace(scored, ordered=False))
    with pytest.raises(InvalidInput, match="Unknown metric 'quadratic_kappa'"):
        paired_difference(several(50), several(50), metrics=("quadratic_kappa",))


# Temperature.


def logits_and_truth(rows, seed=0, cuts=(-2.0, 0.0, 1.0)):
    rng = np.random.default_rng(seed)
    logits = np.array(cuts) - rng.normal(0, 2, size=(rows, 1))
    shares = probabilities(logits, kind="ordinal")
    return logits, (rng.random((rows, 1)) > np.cumsum(shares, axis=1)).sum(axis=1)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(true_temperature):
    logits, truth = logits_and_truth(20_000)
    found = fit_temperature(logits * true_temperature, truth, kind="ordinal")
    assert found == pytest.approx(true_temperature, rel=0.03)


def test_temperature_is_that_of_a_search_by_brute_force():
    logits, truth = logits_and_truth(150, seed=5)
    rows, cuts = np.arange(150), np.pad(logits * 1.7, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))

    def loss(log_temperature):
        scaled = cuts / np.exp(log_temperature)
        return -np.log(logistic.cdf(scaled[rows, truth + 1]) - logistic.cdf(scaled[rows, truth])).sum()

    best = np.exp(brute(loss, [slice(-1, 2, 0.01)])[0])
    assert fit_temperature(logits * 1.7, truth, kind="ordinal") == pytest.approx(best, rel=1e-4)


def test_temperature_of_grades_that_are_all_certain_leaves_the_logits():
    # Every true grade lies between a cut-point below zero and one above it.
    assert fit_temperature([[1.0, 2.0], [-1.0, 1.0], [-2.0, -1.0]], [0, 1, 2], kind="ordinal") == 1.0
    assert fit_temperature([[1.0, 2.0], [-1.0, 1.0], [-2.0, 1.0]], [0, 1, 2], kind="ordinal") != 1.0
    assert fit_temperature([[0.0, 2.0], [-1.0, 1.0]], [0, 1], kind="ordinal") != 1.0


@pytest.mark.parametrize("logits", [np.empty((0, 2)), [[np.nan, 1.0]], [[0.0, np.inf]]])
def test_temperature_refuses_what_is_no_logit(logits):
    with pytest.raises(InvalidInput, match="Finite logits"):
        fit_temperature(logits, np.zeros(len(logits), dtype=int), kind="ordinal")


def test_temperature_refuses_logits_that_fall():
    with pytest.raises(InvalidInput, match="fall"):
        fit_temperature([[1.0, 0.0], [0.0, 1.0]], [2, 1], kind="ordinal")


# Baselines.


@pytest.mark.parametrize("name", [*BASELINES, *PATCH_BASELINES])
def test_baselines_answer_in_cumulative_logits_with_the_same_probabilities(name):
    data = load_iris()
    train, test = np.arange(150) % 3 > 0, np.arange(150) % 3 == 0
    parts = name, data.data[train], data.target[train], data.data[test]
    plain = baseline_logits(*parts, classes=("a", "b", "c"))
    grades = baseline_logits(*parts, classes=("a", "b", "c"), kind="ordinal")
    assert grades.shape == (50, 2)
    np.testing.assert_allclose(probabilities(grades, kind="ordinal"), softmax(plain), atol=1e-12)


def test_the_majority_of_grades_answers_their_middle():
    logits = baseline_logits("majority", np.zeros((5, 1)), [0, 0, 2, 2, 2], [[0.0]], classes="abc", kind="ordinal")
    assert nearest_grade(probabilities(logits, kind="ordinal")).tolist() == [1]


def test_darkness_and_colour_are_logistic_regression_on_other_columns():
    rng = np.random.default_rng(0)
    values, codes = rng.normal(size=(60, 1)), rng.integers(0, 2, size=60)
    expected = baseline_logits("logistic", values, codes, values, classes=("B", "M"))
    for name in PATCH_BASELINES[1:]:
        np.testing.assert_array_equal(baseline_logits(name, values, codes, values, classes=("B", "M")), expected)


def test_grades_far_away_have_finite_logits():
    values = np.arange(9.0)[:, None]
    logits = baseline_logits("darkness", values, np.arange(9) // 3, [[1e6], [-1e6]], classes="abc", kind="ordinal")
    assert np.isfinite(logits).all()
    assert nearest_grade(probabilities(logits, kind="ordinal")).tolist() == [2, 0]
    with pytest.raises(InvalidInput, match="Did you mean 'darkness'"):
        baseline_logits("darknes", [[0.0]], [0], [[0.0]], classes="abc", kind="ordinal")
