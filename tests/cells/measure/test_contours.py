"""Contours finer than a pixel: discs, squares, coarse and fine pixels."""

import numpy as np
import pytest

from cancernet.cells.measure.contours import POINTS, contours_of, enclosed, lengths
from cancernet.cells.measure.rings import rings_of
from cells.drawn import disc, oval


def contour(mask: np.ndarray, mpp: float = 0.25) -> np.ndarray:
    return contours_of(rings_of(mask), mpp=mpp).points


@pytest.mark.parametrize("radius", [4, 6, 10, 15, 30])
def test_the_perimeter_of_a_disc_is_right_within_three_per_mille(radius):
    """A chain of pixels is 27 % too long, and the best of the usual corrections 1 to 5 % off."""
    mask = disc(radius)
    points = contour(mask, mpp=1 / 4)
    wanted = 2 * np.sqrt(np.pi * mask.sum()) / 4
    assert lengths(points)[0] == pytest.approx(wanted, rel=3e-3)


def test_the_area_is_that_of_the_pixels_and_the_centre_theirs():
    mask = oval(30, 14, 25)
    points = contour(mask, mpp=0.5)
    assert enclosed(points)[0] == pytest.approx(mask.sum() / 4)
    row, column = np.nonzero(mask)
    assert points[0].mean(axis=0) == pytest.approx([(column.mean() + 0.5) / 2, (row.mean() + 0.5) / 2], abs=0.02)


def test_points_are_at_equal_distances_with_the_clock():
    points = contour(oval(30, 14, 25))
    steps = np.hypot(*np.moveaxis(np.roll(points, -1, axis=1) - points, -1, 0))[0]
    assert points.shape == (1, POINTS, 2)
    assert steps.std() / steps.mean() < 0.01
    assert enclosed(points)[0] > 0


@pytest.mark.parametrize("scale", [2, 3])
def test_finer_pixels_give_the_same_contour(scale):
    """The same ellipse at two resolutions, in microns."""
    coarse = contour(oval(24, 12, 30), mpp=0.25)
    fine = contour(oval(24 * scale, 12 * scale, 30, size=160 * scale), mpp=0.25 / scale)
    assert lengths(fine) == pytest.approx(lengths(coarse), rel=0.01)
    assert enclosed(fine) == pytest.approx(enclosed(coarse), rel=0.01)


def test_one_pixel_and_nothing():
    single = np.zeros((5, 5), int)
    single[2, 3] = 1
    points = contour(single, mpp=1.0)
    assert enclosed(points)[0] == pytest.approx(1)
    assert points[0].mean(axis=0) == pytest.approx([3.5, 2.5])
    assert contour(np.zeros((4, 4), int)).shape == (0, POINTS, 2)
