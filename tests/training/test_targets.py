"""Targets of a segmenter, against SciPy one thing at a time."""

import numpy as np
import pytest
from scipy import ndimage

from cancernet.training import edge_distance, make_targets


def slow_distance(things):
    """One thing after the other: its distance to the nearest pixel that is not inside it."""
    share = np.zeros(things.shape)
    edges = np.zeros(things.shape, bool)
    for row in range(things.shape[0]):
        for column in range(things.shape[1]):
            around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            inside = [(r, c) for r, c in around if 0 <= r < things.shape[0] and 0 <= c < things.shape[1]]
            edges[row, column] = any(things[place] != things[row, column] for place in inside)
    for number in np.unique(things[things > 0]):
        mine = things == number
        zero = np.argwhere(edges | (things == 0))
        depth = [np.sqrt(((zero - place) ** 2).sum(1)).min() + 0.5 for place in np.argwhere(mine)]
        share[mine] = np.array(depth) / max(depth)
    return share


@pytest.fixture
def things():
    rng = np.random.default_rng(0)
    parts, _ = ndimage.label(ndimage.gaussian_filter(rng.random((40, 50)), 2) > 0.5)
    parts[10:20, 10:20], parts[10:20, 20:30] = 90, 95  # two that touch, numbers with gaps
    return parts.astype(np.int32)


def test_distances_agree_with_slow_code(things):
    np.testing.assert_allclose(edge_distance(things), slow_distance(things), rtol=1e-5)


def test_each_thing_has_a_middle_and_touching_ones_an_edge_between_them(things):
    distance = edge_distance(things)
    numbers = np.unique(things[things > 0])
    np.testing.assert_allclose(ndimage.maximum(distance, things, numbers), 1.0)
    assert (distance[things == 0] == 0).all()
    assert (distance[12:18, 19:21] < 0.2).all()


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (7, 1.0)])
def test_an_empty_and_a_full_image(value, expected):
    assert (edge_distance(np.full((5, 6), value, np.int32)) == expected).all()


def test_maps_of_three_classes():
    classes = np.array([[0, 1, 2, 3]])
    maps = make_targets(classes, (classes == 2).astype(np.int32), count=3)
    assert maps.shape == (1, 4, 3)
    assert maps[0, :, 0].tolist() == [0, 255, 0, 0]
    assert maps[0, :, 1].tolist() == [0, 0, 255, 0]
    assert maps[0, :, 2].tolist() == [0, 0, 255, 0]
