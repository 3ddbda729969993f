import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.impute import SimpleImputer

from cancernet.data import Medians
from cancernet.errors import InvalidInput

FULL = arrays(np.float64, (7, 3), elements=st.floats(-1e6, 1e6))


@given(values=FULL, holes=arrays(np.bool_, (7, 3)))
def test_agrees_with_scikit_learn(values, holes):
    holes[0] = False
    values = np.where(holes, np.nan, values)
    ours = Medians.fit(values).apply(values)
    np.testing.assert_allclose(ours, SimpleImputer(strategy="median").fit_transform(values))


def test_test_rows_do_not_move_the_medians():
    medians = Medians.fit(np.array([[1.0], [2.0], [3.0]]))
    new = np.array([[100.0], [np.nan]])
    assert medians.apply(new).tolist() == [[100.0], [2.0]]
    assert np.isnan(new[1, 0])


def test_a_column_without_any_value_is_named():
    with pytest.raises(InvalidInput, match="training rows: 'area'"):
        Medians.fit(np.array([[1.0, np.nan], [2.0, np.nan]]), ["radius", "area"])
    with pytest.raises(InvalidInput, match="'number 2'"):
        Medians.fit(np.array([[1.0, np.nan]]))


def test_another_number_of_columns_is_refused():
    with pytest.raises(InvalidInput, match="Expected 1 columns"):
        Medians.fit(np.ones((2, 1))).apply(np.ones((2, 2)))
