import numpy as np
import pytest

from cancernet.data import Feature, Table, check_positive, check_trainable, refuse_missing, require_groups
from cancernet.errors import InvalidInput
from data.made import patients, table_of


def test_a_good_table_passes():
    check_trainable(patients(), ("B", "M"), folds=5)


def test_missing_values_need_the_word_median():
    table = table_of(["M", "B"] * 3, values=[[1, 2], [3, np.nan], [5, 6], [7, 8], [1, 1], [2, 2]])
    with pytest.raises(InvalidInput, match="Row 'case-1', column 'f1' of table 'made' is missing, the first of 1"):
        check_trainable(table, ("B", "M"))
    check_trainable(table, ("B", "M"), missing="median")


def test_a_column_without_any_value_is_refused_in_either_case():
    table = table_of(["M", "B"] * 3, values=np.column_stack([np.arange(6.0), np.full(6, np.nan)]))
    with pytest.raises(InvalidInput, match=r"no value in any row: 'f1'.*drop = \[\"f1\"\]"):
        check_trainable(table, ("B", "M"), missing="median")


def test_a_constant_column_is_named():
    table = table_of(["M", "B"] * 3, values=np.column_stack([np.arange(6.0), [3, 3, np.nan, 3, 3, 3]]))
    with pytest.raises(InvalidInput, match="the same value in all rows: 'f1'"):
        check_trainable(table, ("B", "M"), missing="median")


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["M"] * 4, ("M",), "one class only, 'M'"),
        (["M"] * 4, ("B", "M"), "one class only, 'M'"),
        (["M", "B"] * 4, ("B", "M", "C"), "no row of 'C'"),
        (["M", "B"] * 4, ("B", "X"), "the label 'M'"),
    ],
)
def test_classes_that_cannot_be_are_refused(labels, classes, message):
    with pytest.raises(InvalidInput, match=message):
        check_trainable(table_of(labels), classes)


def test_fewer_groups_than_folds():
    table = table_of(["M"] * 4 + ["B"] * 9, ["a", "a", "b", "b", *"cdefghijk"])
    with pytest.raises(InvalidInput, match=r"Class 'M' has 2 groups for 5 folds.*Take at most 2 folds"):
        check_trainable(table, ("B", "M"), folds=5)
    check_trainable(table, ("B", "M"), folds=2)


def test_unknown_groups_are_refused_with_the_way_out():
    with pytest.raises(InvalidInput, match='group = "row"'):
        require_groups(table_of(["M", "B"], group_column=None))
    require_groups(table_of(["M", "B"], group_column="row"))


def test_positive_class():
    assert check_positive("M", ("B", "M")) == "M"
    with pytest.raises(InvalidInput, match=r"Unknown positive class 'malignent'.*'malignant'\?"):
        check_positive("malignent", ("benign", "malignant"))
    with pytest.raises(InvalidInput, match="No positive class is named"):
        check_positive(None, ("B", "M"))


def test_refuse_missing_passes_a_full_table():
    refuse_missing(Table("t", (Feature("a"),), np.zeros((2, 1)), np.array(["x", "y"]), np.array(["x", "y"])))
