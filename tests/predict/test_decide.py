import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cancernet import bundle
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.predict import cases, decide, decide_parts, fill_missing, join_cases
from predict.made import ROWS, make_card, make_decision, training_values

LOG3 = float(np.log(3))
TASK = bundle.Task(kind="binary", classes=("B", "M"), positive="M")
FIRST = bundle.Task(kind="binary", classes=("M", "B"), positive="M")


def like_training(n):
    return np.repeat(training_values().mean(axis=0)[None], n, axis=0)


def test_by_hand():
    # temperature 2: p(M) = 1/4, 3/4, 1/10; threshold 0.3; a class is in the set from p = 0.2 on
    logits = np.array([[2 * LOG3, 0.0], [0.0, 2 * LOG3], [4 * LOG3, 0.0]])
    found = decide(make_card(), logits, values=like_training(3))
    assert found.probabilities == pytest.approx(np.array([[0.75, 0.25], [0.25, 0.75], [0.9, 0.1]]))
    assert found.predicted.tolist() == [0, 1, 0]
    assert found.labels.tolist() == ["B", "M", "B"]
    assert found.sets.tolist() == [[True, True], [True, True], [True, False]]
    assert found.abstained.tolist() == [True, True, False]
    assert found.ood.tolist() == [False] * 3
    assert found.ood_distance == pytest.approx(0, abs=1e-9)
    assert found.ood_reason.tolist() == [""] * 3


def test_positive_class_is_found_by_name_not_by_position():
    logits = np.array([[0.0, 2 * LOG3], [2 * LOG3, 0.0]])
    found = decide_parts(make_decision(), FIRST, logits=logits, values=like_training(2))
    assert found.labels.tolist() == ["B", "M"]


def test_threshold_itself_is_positive():
    half = make_decision(threshold=bundle.Threshold(value=0.5, rule="0.5", rows=ROWS))
    assert decide_parts(half, TASK, logits=np.zeros((1, 2)), values=like_training(1)).predicted[0] == 1
    assert decide_parts(half, FIRST, logits=np.zeros((1, 2)), values=like_training(1)).predicted[0] == 0


def test_set_holds_the_answer_when_the_threshold_is_low():
    decision = make_decision(
        threshold=bundle.Threshold(value=0.05, rule="sensitivity = 0.99", rows=ROWS),
        conformal=bundle.Conformal(quantile=0.3, coverage=0.9, rows=ROWS),
    )
    found = decide_parts(decision, TASK, logits=np.array([[4 * LOG3, 0.0]]), values=like_training(1))
    assert (found.predicted[0], found.sets.tolist()) == (1, [[True, True]])


def test_row_unlike_the_training_rows_abstains():
    values = np.array([[14.0, 19.0, 620.0], [60.0, 19.0, 620.0]])
    found = decide(make_card(), np.array([[20.0, 0.0], [20.0, 0.0]]), values=values)
    assert found.sets.sum(axis=1).tolist() == [1, 1]
    assert found.ood.tolist() == found.abstained.tolist() == [False, True]
    assert found.ood_reason[0] == ""
    assert found.ood_reason[1].startswith("radius is 15.")


def test_nothing_fitted_means_the_most_probable_class():
    logits = np.array([[0.0, 1.0, 0.5], [3.0, 1.0, 0.5]])
    task = bundle.Task(kind="multiclass", classes=("a", "b", "c"))
    found = decide_parts(bundle.Decision(), task, logits=logits, values=np.zeros((2, 1)))
    assert found.labels.tolist() == ["b", "a"]
    assert found.sets is None
    assert found.ood_distance is None
    assert not found.abstained.any()


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(2)), elements=st.floats(-1e4, 1e4, width=32)),
    st.floats(0.05, 20),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_properties_of_any_logits(logits, temperature, threshold, quantile):
    decision = make_decision(
        temperature=temperature,
        threshold=bundle.Threshold(value=threshold, rule="balanced", rows=ROWS),
        conformal=bundle.Conformal(quantile=quantile, coverage=0.9, rows=ROWS),
    )
    found = decide_parts(decision, TASK, logits=logits, values=like_training(len(logits)))
    rows = np.arange(len(logits))
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.sets[rows, found.predicted].all()
    assert found.sets[rows, found.probabilities.argmax(axis=1)].all()
    assert np.array_equal(found.predicted == 1, found.probabilities[:, 1] >= threshold)
    assert np.array_equal(found.abstained, (found.sets.sum(axis=1) > 1) | found.ood)


@given(hnp.arrays(np.float64, (8, 2), elements=st.floats(-15, 15)), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_prevalence_moves_probabilities_and_nothing_else(logits, first, second):
    values = like_training(8)
    plain = decide(make_card(), logits, values=values)
    low, high = (decide(make_card(), logits, values=values, prevalence=p) for p in sorted((first, second)))
    assert (low.probabilities[:, 1] <= high.probabilities[:, 1] + 1e-12).all()
    odds = high.probabilities[:, 1] / high.probabilities[:, 0]
    ratio = max(first, second) / (1 - max(first, second)) / (0.4 / 0.6)
    assert odds == pytest.approx(plain.probabilities[:, 1] / plain.probabilities[:, 0] * ratio)
    for same in ("predicted", "sets", "abstained", "logits"):
        assert np.array_equal(getattr(low, same), getattr(plain, same))


def test_prior_of_the_card_as_prevalence_changes_nothing():
    logits = np.array([[1.0, 2.0], [5.0, 0.0]])
    plain = decide(make_card(), logits, values=like_training(2))
    same = decide(make_card(), logits, values=like_training(2), prevalence=0.4)
    assert same.probabilities == pytest.approx(plain.probabilities)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 1.5, float("nan")])
def test_prevalence_that_cannot_be(model, prevalence):
    with pytest.raises(InvalidInput, match="Prevalence"):
        cases(model, like_training(1), prevalence=prevalence)


def test_prevalence_wants_a_positive_class(three_classes):
    with pytest.raises(InvalidInput, match="no positive class"):
        cases(three_classes, like_training(1), prevalence=0.1)


def test_cases_runs_the_engine(model):
    values = training_values(5)
    found = cases(model, values, ids=np.array(list("abcde")))
    assert found.logits[:, 1] == pytest.approx(values @ [0.8, 0.1, -0.002] - 10, abs=1e-4)
    assert found.ids.tolist() == list("abcde")
    assert np.array_equal(found.probabilities, decide(model.card, found.logits, values=values).probabilities)


def test_missing_values_become_medians(lenient):
    values = np.array([[np.nan, 20.0, 500.0], [15.0, np.nan, np.nan]])
    filled = fill_missing(lenient.card, values)
    assert filled.tolist() == [[14.0, 20.0, 500.0], [15.0, 19.0, 600.0]]
    assert np.isnan(values[0, 0]), "the values of the user are kept"
    assert np.array_equal(cases(lenient, values).logits, cases(lenient, filled).logits)


def test_missing_values_are_refused_by_row_and_column(model):
    with pytest.raises(InvalidInput, match="Row 2 has no value in column 'area'"):
        cases(model, np.array([[1.0, 2.0, 3.0], [1.0, 2.0, np.nan]]))


def test_row_without_any_value_is_refused(lenient):
    with pytest.raises(InvalidInput, match="Row 8 has no value at all"):
        fill_missing(lenient.card, np.array([[1.0, np.nan, 2.0], [np.nan] * 3]), first_row=7)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_values_that_float32_cannot_hold(lenient, value):
    with pytest.raises(InvalidInput, match="Row 1 has a value that is infinite or too large in column 'texture'"):
        fill_missing(lenient.card, np.array([[1.0, value, np.nan]]))


def test_logits_that_are_no_numbers():
    with pytest.raises(InvalidInput, match="no finite answer for row 12"):
        decide(make_card(), np.array([[0.0, 1.0], [np.nan, 1.0]]), values=like_training(2), first_row=11)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 3, 1)])
def test_another_shape_is_refused(model, shape):
    with pytest.raises(BundleMismatch, match="one column per name"):
        cases(model, np.zeros(shape))


def test_take_and_join_are_inverse(model):
    found = cases(model, training_values(9))
    joined = join_cases([found.take(slice(4)), found.take(np.arange(4, 9))])
    for name in ("logits", "probabilities", "predicted", "sets", "abstained", "ood", "ood_distance", "ood_reason"):
        assert np.array_equal(getattr(joined, name), getattr(found, name)), name
    assert len(joined) == 9


def test_join_leaves_out_what_only_some_have():
    logits, values = np.zeros((2, 2)), like_training(2)
    with_sets = decide_parts(make_decision(), TASK, logits=logits, values=values)
    without = decide_parts(make_decision(conformal=None), TASK, logits=logits, values=values)
    joined = join_cases([with_sets, without])
    assert joined.sets is None
    assert len(joined.ood_distance) == 4


def test_join_refuses_other_classes():
    logits, values = np.zeros((2, 2)), like_training(2)
    parts = [decide_parts(make_decision(), task, logits=logits, values=values) for task in (TASK, FIRST)]
    with pytest.raises(InvalidInput, match="same classes"):
        join_cases(parts)
    with pytest.raises(InvalidInput, match="same classes"):
        join_cases([])
