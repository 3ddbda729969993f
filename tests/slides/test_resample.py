"""Resampling beside plain sums, and properties that hold for any image."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from cancernet.geometry import Box
from cancernet.slides.reading.levels import Area, Window, level_for, level_of
from cancernet.slides.reading.resample import resample

IMAGES = arrays.arrays(np.uint8, st.tuples(st.integers(2, 40), st.integers(2, 40), st.just(3)))


def shares(start: float, stop: float, count: int, length: int) -> np.ndarray:
    """Return how much of each pixel lies in each new one, (count, length), by intersection of intervals."""
    edges = np.linspace(start, stop, count + 1)
    pixels = np.arange(length)
    return np.array(
        [np.clip(np.minimum(b, pixels + 1) - np.maximum(a, pixels), 0, None) / (b - a) for a, b in pairwise(edges)]
    )


@given(image=IMAGES, data=st.data())
@settings(max_examples=60)
def test_smaller_is_the_mean_over_the_area(image, data):
    height, width = image.shape[:2]
    size = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))
    left = data.draw(st.floats(0, width - size[0]))
    top = data.draw(st.floats(0, height - size[1]))
    area = Area(left, top, data.draw(st.floats(left + size[0], width)), data.draw(st.floats(top + size[1], height)))
    across = shares(area.left, area.right, size[0], width)
    down = shares(area.top, area.bottom, size[1], height)
    expected = np.einsum("ij,jkc,lk->ilc", down, image.astype(float), across)
    found = resample(image, area, px_size=size)
    assert found.shape == (size[1], size[0], 3)
    assert np.abs(found - expected).max() <= 0.51


@given(image=IMAGES, size=st.tuples(st.integers(1, 60), st.integers(1, 60)))
@settings(max_examples=60)
def test_no_new_extremes_and_one_colour_stays(image, size):
    area = Area(0, 0, image.shape[1], image.shape[0])
    found = resample(image, area, px_size=size)
    assert (found.min(axis=(0, 1)) >= image.min(axis=(0, 1))).all()
    assert (found.max(axis=(0, 1)) <= image.max(axis=(0, 1))).all()
    flat = np.broadcast_to(image[0, 0], image.shape).copy()
    assert (resample(flat, area, px_size=size) == image[0, 0]).all()


def test_larger_is_what_pillow_makes_of_it():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    box = (3.2, 4.5, 21.7, 14.1)
    expected = np.asarray(Image.fromarray(image).resize((50, 31), Image.Resampling.BILINEAR, box=box))
    assert np.abs(resample(image, Area(*box), px_size=(50, 31)).astype(int) - expected).max() <= 1


def test_no_pixel_is_skipped():
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    for y, x in np.random.default_rng(0).integers(0, 64, (30, 2)):
        image[:] = 0
        image[y, x] = 255
        for size in ((8, 8), (9, 7), (13, 21)):
            assert resample(image, Area(0, 0, 64, 64), px_size=size).any()


# --- levels


@pytest.mark.parametrize(
    ("size", "base", "factors"),
    [
        ((2221, 1783), (4443, 3567), (2.0, 2.0)),  # floored
        ((1388, 1484), (11100, 11868), (8.0, 8.0)),  # ceiled
        ((2875, 2057), (46000, 32914), (16.0, 16.0)),
        ((100, 70), (250, 175), (2.5, 2.5)),
        ((100, 100), (400, 200), (4.0, 2.0)),
    ],
)
def test_factors_are_whole_where_sizes_are_rounded(size, base, factors):
    level = level_of(size, base)
    assert (level.l0_per_px_x, level.l0_per_px_y) == factors


@pytest.mark.parametrize(
    ("px", "number"), [(512, 0), (257, 0), (256, 1), (255, 1), (129, 1), (128, 2), (1, 2), (2000, 0)]
)
def test_the_smallest_level_that_holds_the_detail(px, number):
    levels = [level_of((4096 // factor, 4096 // factor), (4096, 4096)) for factor in (1, 2, 4)]
    assert level_for(levels, Box(0, 0, 512, 512), (px, px)) == number


def test_both_directions_count():
    levels = [level_of((4096 // factor, 4096 // factor), (4096, 4096)) for factor in (1, 2, 4)]
    assert level_for(levels, Box(0, 0, 512, 512), (128, 256)) == 1


def test_whole_windows():
    assert Area(10.2, 20.7, 110.2, 120.7).whole((100, 100)) == Window(10, 21, 100, 100)
    assert Area(-0.5, -10.5, 99.5, 89.5).whole((100, 100)) == Window(0, -10, 100, 100)
    assert Area(0, 0, 100.2, 100).whole((100, 100)) is None
    assert Area(0, 0, 10_000.4, 10_000).whole((10_000, 10_000)) == Window(0, 0, 10_000, 10_000)
    assert Area(0, 0, 10_000.6, 10_000).whole((10_000, 10_000)) is None
