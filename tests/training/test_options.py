import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.utils.class_weight import compute_class_weight

from cancernet.training import TrainingOptions
from cancernet.training.options import class_weights


def test_cosine_falls_from_the_rate_to_nearly_nothing():
    options = TrainingOptions(epochs=4, learning_rate=0.1)
    root = math.sqrt(0.5)
    expected = [0.1, 0.05 * (1 + root), 0.05, 0.05 * (1 - root)]
    assert [options.rate(epoch) for epoch in range(4)] == pytest.approx(expected)


def test_constant_stays():
    options = TrainingOptions(epochs=3, learning_rate=0.1, schedule="constant")
    assert [options.rate(epoch) for epoch in range(3)] == [0.1] * 3


@given(epochs=st.integers(1, 500), rate=st.floats(1e-6, 1.0))
def test_rates_fall_and_stay_above_zero(epochs, rate):
    options = TrainingOptions(epochs=epochs, learning_rate=rate)
    rates = [options.rate(epoch) for epoch in range(epochs)]
    assert rates[0] == rate
    assert all(before > after > 0 for before, after in pairwise(rates))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60).filter(lambda codes: len(set(codes)) == 4))
def test_class_weights_are_those_of_scikit_learn(codes):
    found = class_weights(np.array(codes), 4)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=codes)
    assert [found[code] for code in range(4)] == pytest.approx(expected.tolist())
    assert sum(found[code] for code in codes) == pytest.approx(len(codes))


def test_an_absent_class_has_no_weight():
    assert class_weights(np.array([0, 0, 2]), 3) == {0: 0.5, 2: 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"learning_rate": float("inf")},
        {"learning_rate": float("nan")},
        {"schedule": "linear"},
        {"patience": 0},
        {"inner_folds": 1},
        {"class_weights": "auto"},
        {"seed": -1},
        {"seed": 2**32},
        {"momentum": 0.9},
    ],
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        TrainingOptions(**wrong)
