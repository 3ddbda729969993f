import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cancernet.data import load
from cancernet.data.resolution import resolution_of, row_codes

RNG = np.random.default_rng(0)


CASES = {
    "measured": (RNG.normal(size=(500, 3)), True),
    "copied rows": (np.repeat(RNG.normal(size=(30, 4)), 20, axis=0), True),
    "scores": (RNG.integers(1, 11, (500, 9)), False),
    "flags": (RNG.integers(0, 2, (500, 40)), False),
    "age": (RNG.integers(30, 80, (500, 1)), False),
    "one decimal": (np.round(RNG.uniform(0, 50, (500, 1)), 1), False),
    "scores and age": (np.column_stack([RNG.integers(1, 11, (500, 9)), RNG.integers(30, 90, 500)]), False),
    "scores and measured": (np.column_stack([RNG.integers(1, 11, (500, 9)), RNG.normal(size=(500, 3))]), True),
    "two decimals, many rows": (np.round(RNG.normal(size=(20_000, 6)), 2), True),
    "wdbc": (load("wdbc").values, True),
    "constant": (np.zeros((5, 2)), False),
    "no row": (np.zeros((0, 2)), False),
    "no feature": (np.zeros((3, 0)), False),
}


@pytest.mark.parametrize(("values", "continuous"), CASES.values(), ids=CASES)
def test_what_is_continuous(values, continuous):
    assert resolution_of(np.asarray(values, dtype=float)).continuous is continuous


CELLS = st.sampled_from([0, -0.0, 1, np.nan])


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=1), elements=CELLS))
def test_codes_agree_with_comparing_each_pair(values):
    values = values.astype(float)
    codes = row_codes(values)
    for i, j in np.ndindex(len(values), len(values)):
        assert (codes[i] == codes[j]) == np.array_equal(values[i], values[j], equal_nan=True)
