import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput
from cancernet.metrics import Scored
from metrics.made import binary, several

HALF = [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]


def scored(**changes):
    fields = {
        "truth": [0, 1, 0],
        "probabilities": HALF,
        "predicted": [0, 1, 1],
        "groups": ["x", "y", "y"],
        "classes": ("B", "M"),
        "positive": "M",
    }
    return Scored(**(fields | changes))


def test_fields_become_read_only_arrays_of_their_kinds():
    made = scored(groups=[1, 2, 2], sets=[[1, 0], [1, 1], [0, 1]])
    assert made.truth.dtype == np.int64
    assert made.groups.tolist() == ["1", "2", "2"]
    assert made.abstained.tolist() == [False, True, False]
    with pytest.raises(ValueError, match="read-only"):
        made.truth[0] = 1


def test_the_callers_arrays_stay_writable():
    truth = np.array([0, 1, 0])
    scored(truth=truth)
    truth[0] = 1


def test_positive_class_is_found_by_name():
    assert scored().positive_code == 1
    assert scored(positive="B").positive_code == 0
    np.testing.assert_array_equal(scored(positive="B").p_positive, [0.5, 0.2, 0.9])
    assert scored(positive="B").positive_truth.tolist() == [True, False, True]


def test_no_positive_class_is_no_binary_task():
    made = scored(positive=None)
    assert not made.binary
    with pytest.raises(InvalidInput, match="no positive class"):
        _ = made.positive_code


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": [0, 2, 0]}, "'truth' holds the code 2"),
        ({"predicted": [0, -1, 0]}, "'predicted' holds the code -1"),
        ({"truth": [0, 1]}, "'probabilities' has the shape|'predicted' has the shape"),
        ({"groups": ["a"]}, "'groups' has the shape"),
        ({"sets": [[True, True]]}, "'sets' has the shape"),
        ({"probabilities": [[0.5, 0.6], [0.2, 0.8], [0.9, 0.1]]}, "Row 0 has the probabilities"),
        ({"probabilities": [[0.5, 0.5], [np.nan, 0.8], [0.9, 0.1]]}, "Row 1 has the probabilities"),
        ({"probabilities": [[0.5, 0.5], [0.2, 0.8], [1.1, -0.1]]}, "Row 2 has the probabilities"),
        ({"positive": "m"}, "Did you mean 'M'"),
        ({"classes": ("M", "M")}, "two different names"),
        ({"classes": ("a", "b", "M"), "probabilities": np.full((3, 3), 1 / 3)}, "3 classes and a positive one"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        scored(**changes)


def test_take_by_mask_by_index_and_none():
    made = scored(sets=[[1, 0], [1, 1], [0, 1]])
    assert made.take([2, 0]).truth.tolist() == [0, 0]
    assert made.take([False, True, False]).sets.tolist() == [[True, True]]
    assert len(made.take([])) == 0


def test_at_another_threshold():
    assert scored().at(0.8).predicted.tolist() == [0, 1, 0]
    assert scored(positive="B").at(0.5).predicted.tolist() == [0, 1, 0]


def test_by_group_averages_probabilities_and_counts_votes():
    made = scored(truth=[0, 1, 1], predicted=[0, 1, 1], probabilities=[[0.5, 0.5], [0.4, 0.6], [0.8, 0.2]])
    grouped = made.by_group()
    assert grouped.groups.tolist() == ["x", "y"]
    np.testing.assert_allclose(grouped.probabilities, [[0.5, 0.5], [0.6, 0.4]])
    assert grouped.predicted.tolist() == [0, 1]  # by vote, although B is more probable on average


def test_equal_votes_go_to_the_more_probable_class():
    made = scored(truth=[0, 1, 1], predicted=[0, 1, 0], probabilities=[[0.5, 0.5], [0.4, 0.6], [0.5, 0.5]])
    assert made.by_group().predicted.tolist() == [0, 1]


def test_by_group_refuses_a_group_of_two_classes():
    with pytest.raises(InvalidInput, match="group 'y'"):
        scored().by_group()


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_group_codes_follow_the_sorted_names(seed, groups):
    made = binary(40, seed=seed, groups=groups)
    names = np.unique(made.groups)
    assert (names[made.group_codes] == made.groups).all()
    assert made.group_count == len(names)


def test_one_row_per_group_and_one_truth_per_group():
    assert several(20).one_row_per_group
    assert scored().one_truth_per_group.tolist() == [True, False]
    assert not scored().one_row_per_group
