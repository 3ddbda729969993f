import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput
from cancernet.metrics import Marks, free_response, free_response_curve
from cancernet.metrics.intervals import percentile, wilson


def marks_of(found, found_on, false, false_on, slides):
    return Marks(
        np.array(found, float), np.array(found_on, int), np.array(false, float), np.array(false_on, int), slides
    )


def made(seed, slides=12):
    rng = np.random.default_rng(seed)
    targets, false = rng.integers(1, 25), rng.integers(0, 60)
    found = np.where(rng.random(targets) < 0.2, -np.inf, rng.integers(0, 30, targets) / 30 + 0.2)
    return Marks(
        found, rng.integers(0, slides, targets), rng.integers(0, 30, false) / 30, rng.integers(0, slides, false), slides
    )


def plain(marks, allowed):
    """The best sensitivity of all cuts that keep to the number of false marks, by a plain loop."""
    best = 0.0
    for cut in [*marks.found, *marks.false, np.inf]:
        if cut == -np.inf:
            continue
        if sum(score >= cut for score in marks.false) / marks.slides <= allowed:
            best = max(best, sum(score >= cut for score in marks.found) / len(marks.found))
    return best


@given(seed=st.integers(0, 10_000), allowed=st.sampled_from([0, 0.1, 0.5, 1, 2, 4]))
def test_as_the_best_cut_of_a_plain_loop(seed, allowed):
    marks = made(seed)
    assert free_response(marks, at=(allowed,), draws=2)[allowed].value == pytest.approx(plain(marks, allowed))


def test_a_worked_example():
    """Two slides, three targets; a false mark of 0.8 on one slide, of 0.3 and 0.2 on the other."""
    marks = marks_of([0.9, 0.5, -np.inf], [0, 0, 1], [0.8, 0.3, 0.2], [0, 1, 1], 2)
    found = free_response(marks, at=(0, 0.5, 1, 4))
    assert [found[at].value for at in (0, 0.5, 1, 4)] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert (found[1].n, found[1].groups) == (3, 2)


def test_equal_scores_stand_or_fall_together():
    marks = marks_of([0.5, 0.5], [0, 1], [0.5, 0.5, 0.5], [0, 0, 1], 2)
    found = free_response(marks, at=(1, 1.5))
    assert found[1].value == 0
    assert found[1.5].value == 1


def test_more_false_marks_find_no_less():
    marks = made(3)
    values = [estimate.value for estimate in free_response(marks, at=(0, 0.5, 1, 2, 4, 100), draws=2).values()]
    assert values == sorted(values)
    assert values[-1] == np.isfinite(marks.found).mean()


def test_the_interval_is_that_of_resampled_slides():
    """Twin: copy the marks of the drawn slides one by one."""
    marks, rng, drawn = made(5, slides=30), np.random.default_rng(1), []
    for _ in range(1500):
        slides = rng.integers(0, 30, 30)
        found = np.concatenate([marks.found[marks.found_on == slide] for slide in slides])
        false = np.concatenate([marks.false[marks.false_on == slide] for slide in slides])
        if len(found):
            one = Marks(found, np.zeros(len(found), int), false, np.zeros(len(false), int), 30)
            drawn.append(plain(one, 1))
    estimate = free_response(marks, at=(1,), draws=3000)[1]
    low, high = percentile(np.array(drawn), len(np.unique(marks.found_on)))
    assert estimate.low == pytest.approx(low, abs=0.06)
    assert estimate.high == pytest.approx(high, abs=0.06)
    assert estimate.low <= estimate.value <= estimate.high


def test_the_curve_passes_through_the_sensitivities():
    marks = made(7)
    false, share = free_response_curve(marks)
    assert (np.diff(false) >= 0).all()
    assert (np.diff(share) >= 0).all()
    for allowed in (0.5, 1, 2):
        assert share[false <= allowed].max() == pytest.approx(
            free_response(marks, at=(allowed,), draws=2)[allowed].value
        )


def test_nothing_to_be_found_has_no_sensitivity():
    estimate = free_response(marks_of([], [], [0.4], [0], 3))[1]
    assert estimate.value is None
    assert "nothing" in estimate.reason


@pytest.mark.parametrize(
    "fields",
    [([0.1], [0, 1], [], [], 2), ([0.1], [2], [], [], 2), ([np.nan], [0], [], [], 1), ([], [], [0.1], [-1], 2)],
)
def test_marks_that_cannot_be_are_refused(fields):
    with pytest.raises(InvalidInput):
        marks_of(*fields)


def test_when_everything_is_found_the_interval_is_that_of_a_proportion_of_slides():
    targets = np.repeat(np.arange(20), 2)
    marks = Marks(np.full(40, 0.9), targets, np.array([0.1]), np.array([3]), 20)
    found = free_response(marks, at=(1,))[1]
    low, high = wilson(20, 20)
    assert (found.value, found.low, found.high) == (1.0, pytest.approx(float(low)), pytest.approx(float(high)))
    assert found.low == pytest.approx(0.839, abs=0.001)
