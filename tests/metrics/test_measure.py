import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics as sk

from cancernet.errors import InvalidInput
from cancernet.metrics import Scored, ece, measure, measure_answers, measure_at
from cancernet.metrics.intervals import wilson
from metrics.made import NAMES, binary, repeated, several, two_columns, wdbc

THRESHOLD_METRICS = {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "mcc"}
BINARY = THRESHOLD_METRICS | {
    "auroc",
    "average_precision",
    "brier",
    "nll",
    "brier_skill",
    "ece",
    "ece_of_perfect",
    "calibration_slope",
    "calibration_intercept",
}
SETS = {"coverage", "set_size", "abstained", "selective_accuracy"}
SEVERAL = {
    "macro_auroc",
    "macro_f1",
    "kappa",
    "accuracy",
    "balanced_accuracy",
    "brier",
    "nll",
    "brier_skill",
    "ece",
    "ece_of_perfect",
    *(f"auroc_{pair}" for pair in ("a_vs_b", "a_vs_c", "a_vs_d", "b_vs_c", "b_vs_d", "c_vs_d")),
}


def values(estimates):
    return {name: estimate.value for name, estimate in estimates.items()}


def by_scikit_learn(scored):
    truth, called = scored.positive_truth, scored.predicted == scored.positive_code
    brier = sk.brier_score_loss(truth, scored.p_positive)
    return {
        "auroc": sk.roc_auc_score(truth, scored.p_positive),
        "average_precision": sk.average_precision_score(truth, scored.p_positive),
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "sensitivity": sk.recall_score(truth, called),
        "specificity": sk.recall_score(truth, called, pos_label=False),
        "ppv": sk.precision_score(truth, called),
        "npv": sk.precision_score(truth, called, pos_label=False),
        "f1": sk.f1_score(truth, called),
        "mcc": sk.matthews_corrcoef(truth, called),
        "brier": brier,
        "nll": sk.log_loss(truth, scored.p_positive),
        "brier_skill": sk.d2_brier_score(truth, scored.p_positive),
        "ece": ece(scored.p_positive, truth),
    }


@pytest.mark.parametrize(
    "scored", [binary(150), binary(150, positive="B"), binary(200, digits=1), binary(200, groups=30), wdbc(), wdbc(5)]
)
def test_binary_values_are_scikit_learns(scored):
    found = values(measure(scored, draws=20))
    for name, expected in by_scikit_learn(scored).items():
        assert found[name] == pytest.approx(expected), name


@pytest.mark.parametrize("scored", [several(), several(200, classes=3, groups=40)])
def test_values_of_several_classes_are_scikit_learns(scored):
    found = values(measure(scored, draws=20))
    truth, answers, shares = scored.truth, scored.predicted, scored.probabilities
    expected = {
        "macro_auroc": sk.roc_auc_score(truth, shares, multi_class="ovr"),
        "macro_f1": sk.f1_score(truth, answers, average="macro"),
        "kappa": sk.cohen_kappa_score(truth, answers),
        "accuracy": sk.accuracy_score(truth, answers),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, answers),
        "brier": sk.brier_score_loss(truth, shares, scale_by_half=False),
        "nll": sk.log_loss(truth, shares),
        "brier_skill": sk.d2_brier_score(truth, shares),
        "ece": ece(shares.max(axis=1), shares.argmax(axis=1) == truth),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name


def test_names_are_those_of_the_design():
    assert set(measure(binary(60), draws=20)) == BINARY
    assert set(measure(wdbc(), draws=20)) == BINARY | SETS | {"coverage_B", "coverage_M"}
    assert set(measure(several(60), draws=20)) == SEVERAL
    classes = {f"coverage_{name}" for name in "abcd"}
    assert set(measure(several(60, sets=True), draws=20)) == SEVERAL | SETS | classes
    assert set(measure_at(binary(60), 0.3, draws=20)) == THRESHOLD_METRICS


def test_turning_the_positive_class_round_swaps_what_is_named_after_it():
    scored = wdbc()
    turned = values(measure(replace(scored, positive="B"), draws=20))
    found = values(measure(scored, draws=20))
    for one, other in (("sensitivity", "specificity"), ("ppv", "npv")):
        assert turned[one] == found[other]
        assert turned[other] == found[one]
    for same in ("auroc", "mcc", "brier", "accuracy", "balanced_accuracy", "calibration_slope"):
        assert turned[same] == pytest.approx(found[same])


def test_the_order_of_classes_changes_nothing():
    scored = binary(120)
    turned = Scored(
        1 - scored.truth, scored.probabilities[:, ::-1], 1 - scored.predicted, scored.groups, ("M", "B"), "M"
    )
    first, second = measure(scored, draws=50), measure(turned, draws=50)
    for name in BINARY:
        assert first[name].value == pytest.approx(second[name].value)
        assert first[name].low == pytest.approx(second[name].low)


def test_sets_are_measured_over_groups():
    scored = Scored(
        truth=[0, 0, 0, 1],
        probabilities=two_columns(np.array([0.1, 0.6, 0.4, 0.9])),
        predicted=[0, 1, 0, 1],
        groups=["p", "p", "p", "q"],
        classes=NAMES,
        positive="M",
        sets=[[1, 0], [0, 1], [1, 1], [0, 1]],
    )
    found = measure(scored, draws=50)
    assert found["coverage"].value == pytest.approx((2 / 3 + 1) / 2)
    assert found["coverage_B"].value == pytest.approx(2 / 3)
    assert found["set_size"].value == pytest.approx(5 / 4)
    assert found["abstained"].value == pytest.approx(1 / 4)
    assert found["selective_accuracy"].value == pytest.approx(2 / 3)
    assert found["coverage_B"].reason == "it rests on a single group"


def test_measure_at_answers_anew():
    scored = wdbc()
    called = scored.p_positive >= 0.2
    found = measure_at(scored, 0.2, draws=20)
    assert found["sensitivity"].value == pytest.approx(sk.recall_score(scored.positive_truth, called))
    assert found["ppv"].value == pytest.approx(sk.precision_score(scored.positive_truth, called))
    with pytest.raises(InvalidInput, match="no positive class"):
        measure_at(several(), 0.5)


def test_measure_answers_takes_the_answers_as_they_are():
    scored = wdbc()
    marks = np.where(np.arange(len(scored)) % 2, 0.2, 0.7)  # another threshold in every other fold
    answered = replace(scored, predicted=(scored.p_positive >= marks).astype(int))
    found, all_metrics = measure_answers(answered, draws=50), measure(answered, draws=50)
    assert found == {name: all_metrics[name] for name in found}
    assert set(found) == THRESHOLD_METRICS
    assert measure_answers(scored.at(0.3), draws=50) == measure_at(scored, 0.3, draws=50)


def test_methods_follow_the_groups():
    alone, together = measure(binary(100), draws=50), measure(binary(100, groups=20), draws=50)
    assert alone["accuracy"].method == "wilson"
    assert alone["auroc"].method == "delong"
    assert alone["balanced_accuracy"].method == "wilson, square-and-add"
    assert "bootstrap over groups, 50 draws" in alone["brier"].method
    for name in THRESHOLD_METRICS | {"auroc", "brier", "nll", "average_precision"}:
        assert together[name].method == "percentile bootstrap over groups, 50 draws"
    scored = binary(100)
    right = (scored.truth == scored.predicted).sum()
    np.testing.assert_allclose((alone["accuracy"].low, alone["accuracy"].high), wilson(right, 100))


def test_rows_and_groups_are_those_a_number_rests_on():
    scored = binary(100, groups=20)
    found = measure(scored, draws=20)
    positives = scored.positive_truth
    assert (found["accuracy"].n, found["accuracy"].groups) == (100, scored.group_count)
    assert found["sensitivity"].n == positives.sum()
    assert found["sensitivity"].groups == len(np.unique(scored.groups[positives]))
    assert found["ppv"].n == (scored.predicted == 1).sum()


def test_repeats_of_cases_do_not_narrow_intervals():
    # Copies of the same answers: the bootstrap over groups must be as wide as that of the rows once.
    scored = wdbc(3)
    rows = np.tile(np.arange(len(scored)), 5)
    once, often = measure(scored), measure(scored.take(rows))
    for name in ("auroc", "accuracy", "sensitivity", "brier", "ppv", "f1", "mcc", "coverage"):
        assert often[name].value == pytest.approx(once[name].value)
        assert often[name].high - often[name].low == pytest.approx(once[name].high - once[name].low, rel=0.2), name
        assert often[name].groups == once[name].groups
        assert often[name].n == 5 * once[name].n
        assert often[f"group_{name}"] == once[name] if name != "coverage" else "group_coverage" not in often


def test_group_metrics_are_those_of_averaged_rows():
    scored = repeated(wdbc(4))
    found = measure(scored, draws=50)
    averaged = scored.probabilities.reshape(3, 569, 2).mean(axis=0)[:, 1]
    truth = scored.truth[:569] == 1
    assert found["group_auroc"].value == pytest.approx(sk.roc_auc_score(truth, averaged))
    assert found["group_brier"].value == pytest.approx(sk.brier_score_loss(truth, averaged))
    votes = (scored.predicted.reshape(3, 569) == 1).mean(axis=0) > 0.5
    assert found["group_accuracy"].value == pytest.approx((votes == truth).mean())
    assert {name.removeprefix("group_") for name in found if name.startswith("group_")} == BINARY


def test_groups_of_mixed_truth_have_no_group_metrics():
    assert not [name for name in measure(binary(100, groups=10), draws=20) if name.startswith("group_")]


def test_one_class_leaves_comparisons_undefined_with_the_reason():
    scored = wdbc()
    found = measure(scored.take(scored.truth == 0), draws=30)
    for name in ("sensitivity", "auroc", "average_precision", "balanced_accuracy", "brier_skill", "calibration_slope"):
        assert found[name].value is None, name
        assert found[name].reason, name
        assert found[name].method == "undefined"
    assert "positive class 'M'" in found["sensitivity"].reason
    assert found["coverage_M"].reason == "class 'M' has no rows"
    assert found["auroc"].reason == "no row is of class 'M'"
    assert found["specificity"].value is not None


def test_a_majority_answer_leaves_ppv_and_mcc_undefined():
    scored = binary(60)
    constant = replace(scored, probabilities=np.tile([0.7, 0.3], (60, 1)), predicted=np.zeros(60, dtype=int))
    found = measure(constant, draws=50)
    assert found["ppv"].reason == "no row was called 'M'"
    assert found["mcc"].reason == "all rows are, or were called, of one class"
    assert found["auroc"].value == 0.5
    assert found["auroc"].low < 0.5 < found["auroc"].high
    assert found["calibration_slope"].reason == "all rows have the same probability"


@pytest.mark.parametrize("groups", [None, 12])
def test_a_perfect_model_still_has_honest_intervals(groups):
    scored = binary(40, groups=groups)
    shares = np.where(scored.positive_truth, 0.9, 0.1) + np.linspace(0, 0.05, 40)
    perfect = replace(scored, probabilities=two_columns(shares), predicted=scored.truth)
    found = measure(perfect, draws=100)
    for name in ("auroc", "accuracy", "sensitivity", "specificity"):
        assert found[name].value == 1
        assert found[name].low < 0.95, name
        assert found[name].high == 1
    assert found["mcc"].value == 1
    assert found["mcc"].low is None
    assert "does not vary" in found["mcc"].reason
    assert found["brier"].low < found["brier"].value < found["brier"].high


def test_a_class_of_one_group_gives_no_interval():
    scored = binary(60, groups=10)
    groups = np.where(scored.positive_truth, "one patient", scored.groups)
    found = measure(replace(scored, groups=groups), draws=50)
    for name in ("sensitivity", "auroc", "mcc", "balanced_accuracy"):
        assert found[name].value is not None
        assert found[name].low is None
        assert found[name].reason == "it rests on a single group"
    assert found["specificity"].low is not None


def test_all_abstained_leaves_selective_accuracy_undefined():
    scored = replace(binary(20), sets=np.ones((20, 2), dtype=bool))
    found = measure(scored, draws=20)
    assert found["abstained"].value == 1
    assert found["selective_accuracy"].reason == "every row was abstained"


def test_no_rows_are_refused():
    with pytest.raises(InvalidInput, match="no rows"):
        measure(binary(20).take([]))


@hypothesis_settings(max_examples=40)
@given(st.integers(1, 25), st.integers(1, 6), st.integers(0, 10_000), st.sampled_from([0, 1, None]), st.booleans())
def test_any_rows_give_finite_numbers_or_a_reason(rows, groups, seed, digits, multiclass):
    if multiclass:
        scored = several(max(rows, 8), classes=3, seed=seed, groups=groups, sets=True)
    else:
        scored = binary(max(rows, 4), seed=seed, groups=groups, digits=digits)
    scored = scored.take(np.random.default_rng(seed).permutation(len(scored))[:rows])
    for name, estimate in measure(scored, draws=20, seed=seed).items():
        json.dumps(estimate.to_dict(), allow_nan=False)
        if estimate.value is None or estimate.low is None:
            assert estimate.reason, name
        else:
            assert all(math.isfinite(number) for number in (estimate.value, estimate.low, estimate.high)), name
            assert estimate.low <= estimate.high


def test_the_seed_decides_all_numbers():
    scored = repeated(wdbc(3), 2)
    assert measure(scored, draws=50, seed=3) == measure(scored, draws=50, seed=3)
    assert measure(scored, draws=50, seed=3) != measure(scored, draws=50, seed=4)


def covered(make, truths, *, samples, draws):
    """Return how often the interval of each metric holds its true value, over samples of `make(rng)`."""
    rng = np.random.default_rng(0)
    held = {name: [] for name in truths}
    for seed in range(samples):
        found = measure(make(rng), draws=draws, seed=seed)
        for name, true in truths.items():
            held[name].append(found[name].low <= true <= found[name].high)
    return {name: float(np.mean(values)) for name, values in held.items()}


def normal_rows(rng, groups, each, between, stretch=1.0):
    """Return scores of two normal populations whose groups are shifted as a whole, calibrated at stretch 1."""
    positive = np.repeat(rng.random(groups) < 0.4, each)
    spread = np.repeat(rng.normal(0, between, size=groups), each)
    scores = 2 * positive - 1 + spread + rng.normal(0, np.sqrt(1 - between**2), size=groups * each)
    shares = expit(stretch * (2 * scores + np.log(0.4 / 0.6)))
    names = np.repeat(np.arange(groups), each).astype(str)
    return Scored(positive.astype(int), two_columns(shares), (shares >= 0.5).astype(int), names, NAMES, "M")


def truth_of(each_metric, stretch=1.0):
    """Return the numbers of a sample so large that it is the population."""
    huge = by_scikit_learn(normal_rows(np.random.default_rng(9), 400_000, 1, 0.0, stretch))
    return {name: huge[name] for name in each_metric}


@pytest.mark.parametrize(("groups", "each", "between"), [(150, 1, 0.0), (80, 4, 0.7)])
def test_intervals_hold_the_truth_as_often_as_they_say(groups, each, between):
    true = truth_of(["sensitivity", "balanced_accuracy", "f1", "mcc", "ppv", "brier", "nll", "brier_skill"])
    true |= {"auroc": norm.cdf(np.sqrt(2)), "calibration_slope": 1.0, "calibration_intercept": 0.0, "ece": 0.0}
    found = covered(lambda rng: normal_rows(rng, groups, each, between), true, samples=130, draws=120)
    assert all(share > 0.885 for share in found.values()), found
    assert 0.925 < np.mean(list(found.values())) < 0.975


def test_intervals_of_a_model_that_is_too_sure_hold_the_truth():
    true = truth_of(["ece", "nll", "brier"], 2.5) | {"calibration_slope": 0.4}
    found = covered(lambda rng: normal_rows(rng, 150, 1, 0.0, 2.5), true, samples=130, draws=120)
    assert all(share > 0.885 for share in found.values()), found
