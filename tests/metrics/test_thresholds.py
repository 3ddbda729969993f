from contextlib import suppress

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput
from cancernet.metrics import RULES, Rule, choose_threshold, parse_rule
from metrics.made import binary, wdbc

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), min_size=2, max_size=50)


def both_classes(rows):
    truth, scores = np.array([row[0] for row in rows]), np.array([row[1] for row in rows]) / 30
    assume(truth.any() and not truth.all())
    return truth, scores


def best_by_trying(metric, truth, scores):
    marks = [*np.unique(scores), 1.1]
    return max(metric(truth, scores >= mark) for mark in marks)


def recall(truth, called, of):
    return np.mean(called[truth == of] == of)


def balanced_of(truth, called):
    return (recall(truth, called, True) + recall(truth, called, False)) / 2


def f1_of(truth, called):
    return 2 * (truth & called).sum() / (truth.sum() + called.sum())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("balanced", Rule("balanced")),
        ("F1", Rule("f1")),
        ("0.5", Rule("fixed", 0.5)),
        (0.25, Rule("fixed", 0.25)),
        ("sensitivity = 0.95", Rule("sensitivity", 0.95)),
        (" specificity=0.9 ", Rule("specificity", 0.9)),
    ],
)
def test_rules_are_read_and_written(text, rule):
    assert parse_rule(text) == rule
    assert parse_rule(str(rule)) == rule


def test_known_rules_are_read():
    assert [str(parse_rule(rule)) for rule in RULES] == list(RULES)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("balance", "Did you mean 'balanced'"),
        ("sensitivty = 0.9", "Did you mean 'sensitivity = 0.95'"),
        ("specificity", "Did you mean 'specificity = 0.95'"),
        ("sensitivity = 95", "above 0 and below 1"),
        ("1.0", "above 0 and below 1"),
        ("nan", "Known are"),
        ("", "Known are"),
    ],
)
def test_other_rules_are_refused_with_the_nearest(text, offered):
    with pytest.raises(InvalidInput, match=offered):
        parse_rule(text)


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_a_clear_refusal(text):
    with suppress(InvalidInput):
        assert parse_rule(text).kind in ("balanced", "f1", "fixed", "sensitivity", "specificity")


@given(ROWS)
def test_f1_is_the_best_of_all_thresholds(rows):
    truth, scores = both_classes(rows)
    called = scores >= choose_threshold("f1", truth, scores)
    assert f1_of(truth, called) == pytest.approx(best_by_trying(f1_of, truth, scores))


def standard_error_of_best(truth, scores):
    tried = [scores >= mark for mark in [0.0, *np.unique(scores), 1.1]]
    best = max(tried, key=lambda called: balanced_of(truth, called))
    parts = [
        recall(truth, best, side) * (1 - recall(truth, best, side)) / (truth == side).sum() for side in (True, False)
    ]
    return np.sqrt(sum(parts)) / 2


@given(ROWS)
def test_balanced_is_within_one_standard_error_of_the_best(rows):
    truth, scores = both_classes(rows)
    called = scores >= choose_threshold("balanced", truth, scores)
    best = best_by_trying(balanced_of, truth, scores)
    # Of several cuts that are the best, each has a standard error of its own; 0.5 bounds them all from above.
    assert balanced_of(truth, called) <= best + 1e-9
    assert balanced_of(truth, called) >= best - max(standard_error_of_best(truth, scores), 0.5 / np.sqrt(2)) - 1e-9


def test_balanced_is_the_share_of_positive_rows_where_probabilities_are_right():
    rng = np.random.default_rng(0)
    scores = rng.beta(0.5, 1.5, 20_000)
    truth = rng.random(20_000) < scores
    assert choose_threshold("balanced", truth, scores) == pytest.approx(truth.mean(), abs=0.001)


def test_balanced_follows_the_rows_where_probabilities_are_wrong():
    rng = np.random.default_rng(0)
    right = rng.beta(0.5, 1.5, 20_000)
    truth = rng.random(20_000) < right
    scores = right**3  # far too low: the best threshold is the cube of the share
    found = choose_threshold("balanced", truth, scores)
    assert found == pytest.approx(truth.mean() ** 3, abs=0.02)
    assert balanced_of(truth, scores >= found) > balanced_of(truth, scores >= truth.mean()) + 0.02


def test_balanced_is_steadier_and_better_on_new_rows_than_the_greatest_value():
    rng = np.random.default_rng(0)
    new = rng.beta(0.3, 0.6, 20_000)
    new_truth = rng.random(20_000) < new
    ours, greatest = [], []
    for _ in range(60):
        scores = rng.beta(0.3, 0.6, 400)
        truth = rng.random(400) < scores
        ours.append(choose_threshold("balanced", truth, scores))
        greatest.append(max(np.unique(scores), key=lambda mark: balanced_of(truth, scores >= mark)))
    assert np.std(ours) < 0.6 * np.std(greatest)
    gains = [
        balanced_of(new_truth, new >= a) - balanced_of(new_truth, new >= b) for a, b in zip(ours, greatest, strict=True)
    ]
    assert np.mean(gains) > 0.002


@given(ROWS, st.floats(0.05, 0.95))
def test_a_share_is_reached_with_as_much_of_the_other_as_there_is(rows, level):
    truth, scores = both_classes(rows)
    marks = [0.0, *np.unique(scores), 1.1]
    for rule, goal, other in (("sensitivity", True, False), ("specificity", False, True)):
        called = scores >= choose_threshold(f"{rule} = {level!r}", truth, scores)
        if scores.max() == 1 and not goal:  # a probability of 1 is positive at every threshold
            continue
        tried = [(recall(truth, scores >= mark, goal), recall(truth, scores >= mark, other)) for mark in marks]
        assert recall(truth, called, goal) >= level
        assert recall(truth, called, other) == max(pair[1] for pair in tried if pair[0] >= level)


@given(ROWS, st.sampled_from(RULES))
def test_thresholds_are_probabilities_off_the_rows_and_free_of_order(rows, rule):
    truth, scores = both_classes(rows)
    found = choose_threshold(rule, truth, scores)
    assert 0 <= found <= 1
    assert choose_threshold(rule, truth[::-1], scores[::-1]) == found


def test_threshold_stands_in_the_middle_of_its_gap_on_the_logit_scale():
    truth = [False, False, True, True]
    assert choose_threshold("f1", truth, [0.1, 0.2, 0.8, 0.9]) == pytest.approx(0.5)
    low, high = 0.2, 0.6
    found = choose_threshold("f1", truth, [0.1, low, high, 0.9])
    assert found / (1 - found) == pytest.approx(np.sqrt(low / (1 - low) * high / (1 - high)))


def test_of_equal_gaps_the_calmer_neighbourhood_is_taken():
    # One stray positive at 0.03 makes a second gap as good as the main one, but its neighbours are bad.
    scores = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.7, 0.8, 0.9, 0.95, 0.6, 0.65])
    truth = np.array([0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1], dtype=bool)
    found = choose_threshold("f1", truth, scores)
    assert 0.08 < found < 0.6


@pytest.mark.parametrize("scored", [wdbc(), wdbc(5), binary(500)])
def test_balanced_is_fair_on_real_rows(scored):
    found = choose_threshold("balanced", scored.positive_truth, scored.p_positive)
    assert 0.2 < found < 0.7


def test_many_equally_good_cuts_are_no_burden():
    truth = np.arange(20_000) % 2 == 0
    assert 0 <= choose_threshold("balanced", truth, np.linspace(0.01, 0.99, 20_000)) <= 1


def test_rows_of_one_class_are_refused():
    with pytest.raises(InvalidInput, match="of one class"):
        choose_threshold("balanced", [True, True], [0.1, 0.9])


def test_a_number_needs_no_rows():
    assert choose_threshold("0.3", [], []) == 0.3
