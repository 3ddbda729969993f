"""Outlines against shapely and SciPy, on images of random things."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cancernet.cells.measure.rings import rings_of
from cancernet.slides import polygons_of


def things(seed: int, size: int = 40, kinds: int = 3) -> np.ndarray:
    """Return labels of random touching things with holes."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(kinds + 1, size, size)), (0, 1.2, 1.2))
    return smooth.argmax(axis=0)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_rings_enclose_what_polygons_do(seed):
    labels = things(seed)
    rings = rings_of(labels)
    for number in range(1, labels.max() + 1):
        polygons = polygons_of(labels == number, (1, 1))
        own = np.sort(rings.area[rings.label == number])
        shells = [np.array(p.exterior.coords) for p in polygons]
        holes = [np.array(ring.coords) for p in polygons for ring in p.interiors]
        areas = [*(abs(_area(ring)) for ring in shells), *(-abs(_area(ring)) for ring in holes)]
        assert own.sum() == (labels == number).sum() == pytest.approx(sum(areas))


def test_each_ring_is_a_closed_walk_of_half_steps():
    rings = rings_of(things(1))
    ends = np.append(rings.first[1:], len(rings.points))
    for first, end in zip(rings.first, ends, strict=True):
        ring = rings.points[first:end]
        steps = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T)
        assert set(np.round(steps, 6)) <= {1.0, round(np.sqrt(0.5), 6)}


def test_rings_are_taken_in_any_order():
    rings = rings_of(things(2))
    order = np.random.default_rng(0).permutation(len(rings))[:4]
    some = rings.take(order)
    assert some.area.tolist() == rings.area[order].tolist()
    ends = np.append(rings.first[1:], len(rings.points))
    wanted = np.concatenate([rings.points[rings.first[ring] : ends[ring]] for ring in order])
    assert np.array_equal(some.points, wanted)


def test_pixels_that_touch_in_a_corner_are_two_pieces():
    labels = np.zeros((4, 4), int)
    labels[1, 1] = labels[2, 2] = 7
    rings = rings_of(labels)
    assert (rings.label.tolist(), rings.area.tolist()) == ([7, 7], [1, 1])


def test_nothing_has_no_ring():
    assert len(rings_of(np.zeros((5, 6), int))) == 0


def _area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)
