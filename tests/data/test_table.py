import numpy as np
import pytest

from cancernet.data import Feature, Table
from cancernet.errors import InvalidInput
from data.made import table_of


def test_values_are_frozen_and_the_callers_array_is_not():
    values = np.zeros((2, 1))
    table = Table("t", (Feature("a"),), values, np.array(["x", "y"]), np.array(["x", "y"]))
    values[0, 0] = 7
    assert table.values[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 1


def test_questions_about_a_table():
    table = table_of(["M", "B", "M"])
    assert len(table) == 3
    assert table.feature_names == ("f0", "f1")
    assert table.classes == ("B", "M")
    assert table.codes(("M", "B")).tolist() == [0, 1, 0]


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True])])
def test_take_keeps_rows_together(rows):
    table = table_of(["M", "B", "C"])
    taken = table.take(rows)
    expected = np.arange(3)[rows]
    assert taken.ids.tolist() == [f"case-{row}" for row in expected]
    assert taken.target.tolist() == table.target[expected].tolist()
    np.testing.assert_array_equal(taken.values, table.values[expected])


def test_take_nothing():
    assert len(table_of(["M", "B"]).take([])) == 0


def test_select_matches_by_name():
    table = table_of(["M", "B"], values=[[1, 2, 3], [4, 5, 6]])
    assert table.select(["f2", "f0", "f1"]).values.tolist() == [[3, 1, 2], [6, 4, 5]]
    assert table.select(["f2"], exact=False).feature_names == ("f2",)


def test_select_names_what_is_missing_and_what_is_extra():
    table = table_of(["M", "B"])
    with pytest.raises(InvalidInput, match=r"lacks the column 'f11'.*Did you mean 'f1'\?"):
        table.select(["f0", "f11"])
    with pytest.raises(InvalidInput, match=r"has the column 'f1' too many"):
        table.select(["f0"])


def test_an_unknown_label_is_named():
    with pytest.raises(InvalidInput, match=r"Row 'case-1' .* the label 'benigm'.*Did you mean 'benign'\?"):
        table_of(["malignant", "benigm"]).codes(("benign", "malignant"))


def test_codes_need_a_target():
    table = Table("t", (), np.zeros((1, 0)), np.array(["x"]), np.array(["x"]))
    assert table.classes == ()
    with pytest.raises(InvalidInput, match="no target"):
        table.codes(("a", "b"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.zeros((3, 1))}, r"'values' has the shape \(3, 1\)"),
        ({"groups": np.array(["x"])}, "'groups' has the shape"),
        ({"target": np.array(["M", "B", "M"])}, "'target' has the shape"),
        ({"values": np.array([[0.0], [np.inf]])}, "Row 'y', column 'a' of table 't' is infinite"),
        ({"features": (Feature("a"), Feature("a")), "values": np.zeros((2, 2))}, "same name: 'a'"),
    ],
)
def test_a_table_that_cannot_be_is_refused(changes, message):
    fields = {
        "name": "t",
        "features": (Feature("a"),),
        "values": np.zeros((2, 1)),
        "ids": np.array(["x", "y"]),
        "groups": np.array(["x", "y"]),
    }
    with pytest.raises(InvalidInput, match=message):
        Table(**{**fields, **changes})
