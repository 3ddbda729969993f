"""F1 of things that are found and named at once, against plain code after the published definition."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cancernet.errors import InvalidInput
from cancernet.metrics import DETECTION, Named, count_named, measure_named

RADIUS, NAMES = 3.0, ("a", "b", "c")


def made(seed, things=40):
    """Return true and found things of an image: some moved, some lost, some renamed, some made up."""
    rng = np.random.default_rng(seed)
    true = Named(rng.uniform(0, 100, (things, 2)), rng.integers(0, 3, things))
    kept = rng.random(things) < 0.8
    moved = true.centres[kept] + rng.normal(0, 1.5, (kept.sum(), 2))
    types = np.where(rng.random(kept.sum()) < 0.7, true.types[kept], rng.integers(0, 3, kept.sum()))
    return true, Named(np.vstack([moved, rng.uniform(0, 100, (6, 2))]), np.append(types, rng.integers(0, 3, 6)))


def by_hand(images, code):
    """Return the F1 of a class (None: of detection), one pair after the other."""
    right = given = missed = false = absent = 0
    for true, found in images:
        apart = np.sqrt(((true.centres[:, None] - found.centres[None]) ** 2).sum(axis=2))
        pairs = [(i, j) for i, j in zip(*linear_sum_assignment(apart), strict=True) if apart[i, j] <= RADIUS]
        for i, j in pairs:
            truth, named = true.types[i], found.types[j]
            right += code is None or truth == named == code
            given += code is not None and named == code != truth
            missed += code is not None and truth == code != named
        alone = set(range(len(true.types))) - {i for i, _ in pairs}
        extra = set(range(len(found.types))) - {j for _, j in pairs}
        absent += sum(code is None or true.types[i] == code for i in alone)
        false += sum(code is None or found.types[j] == code for j in extra)
    return 2 * right / (2 * right + 2 * given + 2 * missed + false + absent)


def test_it_agrees_with_plain_code():
    images = [made(seed) for seed in range(6)]
    counts = [count_named(true, found, classes=3, radius=RADIUS) for true, found in images]
    measured = measure_named(counts, [f"p{seed // 2}" for seed in range(6)], names=NAMES)
    assert measured[DETECTION].value == pytest.approx(by_hand(images, None))
    for code, name in enumerate(NAMES):
        found = measured[name]
        assert found.value == pytest.approx(by_hand(images, code))
        assert found.low < found.value < found.high
        assert (found.n, found.groups) == (6, 3)


def test_all_found_and_named_is_one():
    true, _ = made(3)
    measured = measure_named([count_named(true, true, classes=3, radius=RADIUS)], ["p"], names=NAMES)
    assert {one.value for one in measured.values()} == {1.0}


def test_what_is_not_there_is_undefined():
    nothing = Named(np.empty((0, 2)), np.empty(0, np.int64))
    one = Named(np.array([[1.0, 2.0]]), np.array([0]))
    measured = measure_named([count_named(one, nothing, classes=2, radius=RADIUS)], ["p"], names=("a", "b"))
    assert measured["a"].value == 0.0
    assert measured["b"].value is None


def test_what_does_not_fit_is_refused():
    true, found = made(1)
    for wrong in ({"classes": 2, "radius": RADIUS}, {"classes": 3, "radius": 0.0}):
        with pytest.raises(InvalidInput, match="a radius above 0"):
            count_named(true, found, **wrong)
    with pytest.raises(InvalidInput, match="0 images"):
        measure_named([], [], names=NAMES)
