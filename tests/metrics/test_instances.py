"""Each number against one written down from its paper with loops over things, and on images whose answer is known."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cancernet.errors import InvalidInput
from cancernet.metrics import INSTANCE_METRICS, InstanceScores, instance_scores, measure_instances, paired_instances


def squares(*boxes: tuple[int, int, int], size: int = 40) -> np.ndarray:
    """Return labels of squares: row, column, side; the first is 1."""
    labels = np.zeros((size, size), np.int32)
    for number, (row, column, side) in enumerate(boxes, start=1):
        labels[row : row + side, column : column + side] = number
    return labels


def blobs(seed: int, size: int = 48, least: float = 0.6) -> np.ndarray:
    """Return random pieces, numbered with gaps."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), 2)
    labels, _ = ndimage.label(smooth > least * smooth.std())
    return labels * 7


def things(labels: np.ndarray) -> list[set[tuple[int, int]]]:
    return [set(zip(*np.nonzero(labels == number), strict=True)) for number in np.unique(labels) if number]


def iou(one: set, other: set) -> float:
    return len(one & other) / len(one | other)


def aji_by_its_algorithm(true: list[set], found: list[set]) -> float:
    """Algorithm 1 of Kumar et al. 2017, step by step."""
    common = joint = 0
    used = set()
    for one in true:
        best = max(range(len(found)), key=lambda place: iou(one, found[place]), default=None)
        if best is None or not one & found[best]:
            joint += len(one)
            continue
        common += len(one & found[best])
        joint += len(one | found[best])
        used.add(best)
    joint += sum(len(other) for place, other in enumerate(found) if place not in used)
    return common / joint


def panoptic_by_its_formula(true: list[set], found: list[set]) -> tuple[float, float, float]:
    """Equations 1 to 3 of Kirillov et al. 2019."""
    hits = [iou(one, other) for one in true for other in found if iou(one, other) > 0.5]
    misses, false = len(true) - len(hits), len(found) - len(hits)
    dq = len(hits) / (len(hits) + misses / 2 + false / 2)
    return dq, sum(hits) / len(hits) if hits else 0.0, sum(hits) / (len(hits) + misses / 2 + false / 2)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 3))
def test_they_agree_with_their_papers(seed, other_seed, shift):
    true, found = blobs(seed), np.roll(blobs(seed if seed % 2 else other_seed, least=0.4), shift, axis=1)
    scores = instance_scores(true, found)
    first, second = things(true), things(found)
    dq, sq, pq = panoptic_by_its_formula(first, second)
    assert scores.aji == pytest.approx(aji_by_its_algorithm(first, second))
    assert (scores.dq, scores.sq or 0.0, scores.pq) == pytest.approx((dq, sq, pq))
    joined = [set().union(*some) for some in (first, second)]
    assert scores.dice == pytest.approx(2 * len(joined[0] & joined[1]) / (len(joined[0]) + len(joined[1])))
    assert (scores.true, scores.found) == (len(first), len(second))


@given(st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), min_size=1, max_size=5), st.integers(0, 99))
def test_detection_finds_as_many_pairs_as_can_be(moves, seed):
    """Against all ways to pair five centres with five others."""
    rng = np.random.default_rng(seed)
    true, found = np.zeros((40, 40), np.int32), np.zeros((40, 40), np.int32)
    places = [tuple(rng.integers(0, 40, 2)) for _ in moves]
    for number, (row, column) in enumerate(places, start=1):
        true[row, column] = number
    for number, (row, column) in enumerate(moves, start=1):
        found[row + 10, column + 10] = number
    centres = [np.argwhere(labels == number)[0] for labels in (true,) for number in np.unique(true) if number]
    others = [np.argwhere(found == number)[0] for number in np.unique(found) if number]
    near = np.array([[np.hypot(*(one - other)) <= 9 for other in others] for one in centres])
    short, wide = (near, len(others)) if len(centres) <= len(others) else (near.T, len(centres))
    most = max(sum(short[place, way[place]] for place in range(len(short))) for way in permutations(range(wide)))
    scores = instance_scores(true, found, radius=9)
    assert scores.detection_f1 == pytest.approx(2 * most / (len(centres) + len(others)))


def test_what_is_the_same_is_perfect_whatever_its_numbers_are():
    true = blobs(3)
    found = np.where(true > 0, 1000 - true, 0).astype(np.uint16)
    assert all(getattr(instance_scores(true, found), name) == pytest.approx(1) for name in INSTANCE_METRICS)


def test_two_nuclei_found_as_one():
    """Two squares of 100 pixels side by side; one outline of both: no pair above a half, all pixels right."""
    scores = instance_scores(squares((5, 5, 10), (5, 15, 10)), (squares((5, 5, 10), (5, 15, 10)) > 0).astype(int))
    assert scores == InstanceScores(
        dice=1.0, aji=200 / 400, dq=0.0, sq=None, pq=0.0, detection_f1=2 / 3, true=2, found=1
    )


def test_a_shifted_nucleus_and_a_false_one():
    """Overlap 80 of 120 pixels; another of 16 pixels far away."""
    scores = instance_scores(squares((5, 5, 10)), squares((5, 7, 10), (30, 30, 4)), radius=2)
    assert scores.sq == pytest.approx(80 / 120)
    assert scores.dq == pytest.approx(1 / 1.5)
    assert scores.pq == pytest.approx(80 / 120 / 1.5)
    assert scores.aji == pytest.approx(80 / (120 + 16))
    assert scores.dice == pytest.approx(2 * 80 / (100 + 100 + 16))
    assert scores.detection_f1 == pytest.approx(2 / 3)
    assert instance_scores(squares((5, 5, 10)), squares((5, 7, 10)), radius=1.9).detection_f1 == 0


def test_nothing_and_nothing_found_has_no_number():
    nothing = np.zeros((9, 7), np.uint8)
    assert set(vars(instance_scores(nothing, nothing)).values()) == {None, 0}
    missed = instance_scores(squares((5, 5, 10)), np.zeros((40, 40), int))
    assert (missed.dice, missed.aji, missed.dq, missed.pq, missed.detection_f1, missed.sq) == (0, 0, 0, 0, 0, None)


@pytest.mark.parametrize(
    ("true", "found", "radius"),
    [
        (np.zeros((4, 4), int), np.zeros((4, 5), int), 6),
        (np.zeros((4, 4)), np.zeros((4, 4), int), 6),
        (np.zeros((4, 4), int), np.full((4, 4), -1), 6),
        (np.zeros(4, int), np.zeros(4, int), 6),
        (np.zeros((4, 4), int), np.zeros((4, 4), int), 0),
    ],
)
def test_what_is_no_pair_of_labels_is_refused(true, found, radius):
    with pytest.raises(InvalidInput):
        instance_scores(true, found, radius=radius)


def test_the_mean_over_images_has_an_interval_over_patients():
    rng = np.random.default_rng(0)
    values = rng.normal(0.7, 0.1, 60).clip(0, 1)
    groups = [f"p{place // 3}" for place in range(60)]
    scores = [InstanceScores(*[value] * 6, true=5, found=5) for value in values]
    scores[0] = InstanceScores(dice=values[0], aji=None, dq=None, sq=None, pq=None, detection_f1=None, true=0, found=0)
    found = measure_instances(scores, groups)
    assert found["dice"].value == pytest.approx(values.mean())
    assert found["aji"].value == pytest.approx(values[1:].mean())
    assert (found["dice"].n, found["aji"].n, found["dice"].groups) == (60, 59, 20)
    means = values.reshape(20, 3).mean(axis=1)
    half = 2.09 * means.std(ddof=1) / np.sqrt(20)  # Student's t over patients
    assert found["dice"].high - found["dice"].low == pytest.approx(2 * half, rel=0.2)


def test_a_number_that_no_image_has_says_why():
    nothing = InstanceScores(None, None, None, None, None, None, true=0, found=0)
    found = measure_instances([nothing] * 4, list("abcd"))
    assert found["pq"].value is None
    assert "no image" in found["pq"].reason
    with pytest.raises(InvalidInput, match="0 images"):
        measure_instances([], [])


def test_paired_differences_are_means_of_differences():
    rng = np.random.default_rng(0)
    first, second = ([InstanceScores(a, b, a, a, a, b, 5, 5) for a, b in rng.random((8, 2)).tolist()] for _ in range(2))
    groups = [str(number // 2) for number in range(8)]
    difference = paired_instances(first, second, groups=groups, draws=200)["aji"]
    expected = np.mean([one.aji - other.aji for one, other in zip(first, second, strict=True)])
    assert difference.value == pytest.approx(expected)
    assert difference.low < expected < difference.high
    assert paired_instances(first, first, groups=groups, draws=200)["pq"].value == 0
    with pytest.raises(InvalidInput, match="The same images"):
        paired_instances(first, first[1:], groups=groups)


def test_an_image_without_a_number_counts_for_no_difference():
    first = [InstanceScores(0.9, None, 1, 1, 1, 1, 5, 5), InstanceScores(0.5, 0.4, 1, 1, 1, 1, 5, 5)]
    second = [InstanceScores(0.8, 0.7, 1, 1, 1, 1, 5, 5), InstanceScores(0.5, 0.1, 1, 1, 1, 1, 5, 5)]
    found = paired_instances(first, second, groups=["a", "b"])
    assert found["dice"].value == pytest.approx(0.05)
    assert (found["aji"].value, found["aji"].n) == (pytest.approx(0.3), 1)
