import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from cancernet.data import Fold, Split, digest_of_ids, folds_by_group, load, part_by_group, rows_by_fold, split_by_group
from cancernet.errors import CancerNetError, InvalidInput
from data.made import patients, table_of


def test_every_group_is_tested_once_per_repeat():
    table = patients()
    split = folds_by_group(table, folds=5, repeats=3, seed=7)
    assert (split.kind, split.repeats, len(split.folds)) == ("k-fold", 3, 15)
    for repeat in range(3):
        tested = [set(table.groups[fold.test]) for fold in split.folds if fold.repeat == repeat]
        assert sum(len(groups) for groups in tested) == len(set.union(*tested)) == 60


def test_no_group_stands_on_two_sides():
    table = patients()
    for split in (folds_by_group(table), split_by_group(table, seed=3)):
        for fold in split.folds:
            parts = [set(table.groups[rows]) for rows in (fold.train, fold.validation, fold.test)]
            assert sum(len(part) for part in parts) == len(set.union(*parts)) == 60


def test_folds_are_stratified():
    table = load("wdbc")
    shares = [np.mean(table.target[fold.test] == "M") for fold in folds_by_group(table).folds]
    assert np.ptp(shares) < 0.01
    sizes = [len(fold.test) for fold in folds_by_group(table).folds]
    assert max(sizes) - min(sizes) <= 2


def test_the_first_repeat_is_scikit_learns_with_the_same_seed():
    table = patients()
    split = folds_by_group(table, folds=4, repeats=2, seed=11)
    for repeat in range(2):
        twin = StratifiedGroupKFold(4, shuffle=True, random_state=11 + repeat)
        tests = [test for _, test in twin.split(table.values, table.target, table.groups)]
        for ours, theirs in zip(split.folds[4 * repeat : 4 * repeat + 4], tests, strict=True):
            np.testing.assert_array_equal(ours.test, theirs)


def test_a_seed_is_a_split_and_another_seed_another():
    table = patients()
    first, again, other = (split_by_group(table, seed=seed).to_dict() for seed in (7, 7, 8))
    assert first == again
    assert first["folds"] != other["folds"]


@pytest.mark.parametrize(("test", "validation"), [(0.2, 0.2), (0.3, 0.0), (0.15, 0.25), (0.5, 0.25)])
def test_held_out_shares(test, validation):
    table = load("wdbc")
    (fold,) = split_by_group(table, test=test, validation=validation).folds
    assert len(fold.test) / 569 == pytest.approx(test, abs=0.01)
    assert len(fold.validation) / 569 == pytest.approx(validation, abs=0.01)
    for rows in (fold.train, fold.test):
        assert np.mean(table.target[rows] == "M") == pytest.approx(212 / 569, abs=0.02)


def test_few_groups_give_a_coarser_share():
    labels, groups = np.array(["M", "B"] * 3), np.arange(6).astype(str)
    assert len(part_by_group(labels, groups, share=0.01, seed=0)) == 2
    assert len(part_by_group(labels, groups, share=0.99, seed=0)) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: split_by_group(patients(), test=0), "test = 0"),
        (lambda: split_by_group(patients(), test=0.6, validation=0.4), "together below 1"),
        (lambda: folds_by_group(patients(), folds=1), "folds = 1"),
        (lambda: folds_by_group(patients(), repeats=0), "repeats = 0"),
        (lambda: folds_by_group(patients(4, positive_share=0.5)), "Class 'B' has 2 groups for 5 folds"),
        (lambda: folds_by_group(table_of(["M", "B"], group_column=None)), "belong to one patient"),
        (lambda: split_by_group(table_of(["M", "B", "B"])), "Class 'M' has 1 group for 2 folds"),
    ],
)
def test_what_cannot_be_split_is_refused(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()


def test_a_group_of_both_classes_is_kept_together():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 30, 200).astype(str)
    labels = rng.choice(["B", "M"], 200)
    tested = rows_by_fold(labels, groups, folds=5, seed=1)
    assert np.sort(np.concatenate(tested)).tolist() == list(range(200))
    assert sum(len(set(groups[rows])) for rows in tested) == len(set(groups))


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(st.sampled_from("BMC"), st.integers(0, 8)), min_size=1, max_size=40),
    folds=st.integers(-1, 6),
    seed=st.integers(0, 100),
)
def test_any_labels_and_groups_are_split_or_refused(rows, folds, seed):
    labels, groups = (np.array([str(row[part]) for row in rows]) for part in (0, 1))
    try:
        tested = rows_by_fold(labels, groups, folds=folds, seed=seed)
    except CancerNetError:
        return
    assert np.sort(np.concatenate(tested)).tolist() == list(range(len(rows)))
    for fold in tested:
        rest = np.setdiff1d(np.arange(len(rows)), fold)
        assert len(fold)
        assert set(labels[rest]) == set(labels)
        assert not set(groups[fold]) & set(groups[rest])


def fold_of(train, test, validation=(), repeat=0, number=0):
    return Fold(repeat, number, np.array(train), np.array(validation), np.array(test))


@pytest.mark.parametrize(
    ("kind", "folds", "message"),
    [
        ("held-out", [fold_of([0, 1], [2, 4])], "rows out of range"),
        ("held-out", [fold_of([0, -1], [2])], "rows out of range"),
        ("held-out", [fold_of([0, 1], [1, 2])], "a row twice"),
        ("held-out", [fold_of([0, 1], [2], [1])], "a row twice"),
        ("held-out", [fold_of([], [2])], "trains on 0 and tests 1"),
        ("held-out", [], "with 0 folds"),
        ("held-out", [fold_of([0], [1]), fold_of([1], [0])], "with 2 folds"),
        ("k-fold", [fold_of([0, 1], [2, 3]), fold_of([2, 3], [1], number=1)], "tests 3 of 4 rows"),
    ],
)
def test_a_split_that_cannot_be_is_refused(kind, folds, message):
    with pytest.raises(InvalidInput, match=message):
        Split(kind, tuple(folds), 0, "row", 4, "")


def test_rows_are_sorted_and_frozen():
    fold = fold_of([3, 1], [2, 0])
    assert (fold.train.tolist(), fold.test.tolist()) == ([1, 3], [0, 2])
    with pytest.raises(ValueError, match="read-only"):
        fold.train[0] = 0


def test_the_digest_knows_order_and_borders():
    digests = {digest_of_ids(ids) for ids in (["a", "b"], ["b", "a"], ["ab"], ["a,b"], ["a", "b", ""])}
    assert len(digests) == 5
