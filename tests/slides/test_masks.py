import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from cancernet.errors import InvalidInput, MissingResolution
from cancernet.slides import polygons_of, rasterise

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))
scales = st.tuples(st.floats(0.3, 40), st.floats(0.3, 40))


def boxes(mask, scale):
    """Return the union of a mask's pixels, one box each: slow and plain."""
    x, y = scale
    pixels = [shapely.box(column * x, row * y, (column + 1) * x, (row + 1) * y) for row, column in np.argwhere(mask)]
    return shapely.union_all(pixels)


def centres_inside(polygons, shape, scale):
    """Return the mask by asking shapely for each centre."""
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    inside = np.zeros(shape, bool)
    for polygon in polygons:
        inside |= shapely.contains_xy(polygon, columns * scale[0], rows * scale[1])
    return inside


@given(masks, scales)
def test_outlines_are_valid_exact_and_come_back(mask, scale):
    polygons = polygons_of(mask, scale)
    assert all(polygon.is_valid and polygon.geom_type == "Polygon" for polygon in polygons)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(mask.sum() * scale[0] * scale[1])
    assert np.array_equal(rasterise(polygons, mask.shape, l0_scale=scale), mask)


@given(masks)
def test_outlines_are_the_union_of_the_pixels(mask):
    whole = shapely.union_all(polygons_of(mask, (3, 2)))
    assert whole.symmetric_difference(boxes(mask, (3, 2))).area == pytest.approx(0, abs=1e-9)


@given(masks)
def test_one_polygon_for_each_piece_and_one_ring_for_each_hole(mask):
    polygons = polygons_of(mask, (1, 1))
    assert len(polygons) == ndimage.label(mask)[1]
    outside = np.pad(~mask, 1, constant_values=True)
    eight, four = (ndimage.label(outside, structure)[1] for structure in (np.ones((3, 3)), None))
    holes = sum(len(polygon.interiors) for polygon in polygons)
    assert eight - 1 <= holes <= four - 1


def test_a_ring_has_its_hole():
    mask = np.zeros((7, 9), bool)
    mask[1:6, 2:8] = True
    mask[3, 4:6] = False
    (polygon,) = polygons_of(mask, (10, 10))
    assert polygon.bounds == (20, 10, 80, 60)
    assert [shapely.Polygon(ring).bounds for ring in polygon.interiors] == [(40, 30, 60, 40)]
    assert len(polygon.exterior.coords) == 5  # only corners


def test_pixels_that_touch_in_a_corner_are_two_and_a_pinched_ring_is_valid():
    diagonal = np.eye(2, dtype=bool)
    assert len(polygons_of(diagonal, (1, 1))) == 2
    pinched = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)  # the hole touches the outside in a corner
    (polygon,) = polygons_of(pinched, (1, 1))
    assert polygon.is_valid
    assert polygon.area == 7
    assert len(polygon.interiors) == 1


def test_small_pieces_are_left_out_by_their_area_in_microns():
    mask = np.zeros((10, 10), bool)
    mask[0, 0] = mask[4:8, 4:8] = True
    polygons = polygons_of(mask, (16, 16), min_area_um2=200, l0_mpp=(0.5, 0.5))  # a pixel is 64 um2
    assert [polygon.area for polygon in polygons] == [16 * 256]


def test_empty_masks_have_no_outline():
    assert polygons_of(np.zeros((5, 4), bool), (1, 1)) == []
    assert not rasterise([], (5, 4), l0_scale=(1, 1)).any()


def test_large_masks():
    rng = np.random.default_rng(0)
    mask = ndimage.gaussian_filter(rng.random((1000, 1200)), 6) > 0.5
    polygons = polygons_of(mask, (16.003, 15.998))
    assert shapely.is_valid(polygons).all()
    assert np.array_equal(rasterise(polygons, mask.shape, l0_scale=(16.003, 15.998)), mask)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_polygons_drawn_anywhere_agree_with_shapely(seed, count):
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        reach = rng.uniform(5, 60, 9)
        shell = np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)
        middle = rng.uniform(-20, 120, 2)
        drawn.append(shapely.Polygon(shell + middle, [shell * 0.4 + middle]).buffer(0))
    shape, scale = (31, 23), (3.7, 2.9)
    assert np.array_equal(rasterise(drawn, shape, l0_scale=scale), centres_inside(drawn, shape, scale))


def test_polygons_that_share_an_edge_share_no_pixel():
    left, right = shapely.box(0, 0, 2.5, 4), shapely.box(2.5, 0, 6, 4)
    parts = [rasterise([part], (4, 6), l0_scale=(1, 1)) for part in (left, right)]
    assert np.array_equal(parts[0] ^ parts[1], np.ones((4, 6), bool))


def test_several_polygons_in_one_and_what_lies_outside():
    both = shapely.MultiPolygon([shapely.box(-50, -50, 1, 1), shapely.box(3, 3, 500, 4), shapely.box(90, 90, 99, 99)])
    found = rasterise([both], (5, 5), l0_scale=(1, 1))
    assert np.argwhere(found).tolist() == [[0, 0], [3, 3], [3, 4]]


@pytest.mark.parametrize("mask", [np.zeros(4, bool), np.zeros((4, 4)), np.zeros((2, 2, 2), bool)])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(InvalidInput, match=r"\(h, w\), bool"):
        polygons_of(mask, (1, 1))


@pytest.mark.parametrize("scale", [(0, 1), (1,), (1, -2), (np.nan, 1)])
def test_scales_must_be_above_zero(scale):
    with pytest.raises(InvalidInput, match="two numbers above 0"):
        rasterise([], (2, 2), l0_scale=scale)
    with pytest.raises(InvalidInput, match="two numbers above 0"):
        polygons_of(np.ones((2, 2), bool), scale)


def test_microns_must_be_above_zero():
    with pytest.raises(MissingResolution):
        polygons_of(np.ones((2, 2), bool), (1, 1), l0_mpp=(0, 1))
