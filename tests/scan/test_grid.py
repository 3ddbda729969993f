import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.scan.grid import grid_of
from cancernet.slides import Pitch

PITCH = Pitch(0.5, 0.5, "made")


def test_a_tile_has_the_microns_of_the_card():
    grid = grid_of(Box(0, 0, 4000, 3000), PITCH, px_tile=50, mpp=4.0)
    assert grid.l0_tile == (400.0, 400.0)
    assert (grid.columns, grid.rows) == (10, 8)
    assert grid.px_size(2, 1) == (100, 50)
    assert grid.box(1, 2, columns=3) == Box(400, 800, 1200, 400)


@pytest.mark.parametrize("extent", [1, 399, 400, 401, 799, 800, 4000, 4001])
def test_nothing_of_the_region_is_left_out_and_no_tile_lies_outside(extent):
    grid = grid_of(Box(100, 50, extent, extent), PITCH, px_tile=50, mpp=4.0)
    last = grid.box(grid.columns - 1, grid.rows - 1)
    assert last.l0_x + last.l0_width >= 100 + extent
    assert last.l0_x < 100 + extent
    assert grid.columns == -(-extent // 400)


@given(
    width=st.integers(1, 30_000),
    tile=st.integers(27, 512),
    overlap=st.floats(0, 0.9),
    mpp=st.floats(0.25, 8),
    um=st.floats(0.1, 2),
)
def test_any_grid_covers_its_region(width, tile, overlap, mpp, um):
    grid = grid_of(Box(3, 4, width, 500), Pitch(um, um, "made"), px_tile=tile, mpp=mpp, overlap=overlap)
    x = grid.corners(np.arange(grid.columns), np.zeros(grid.columns, dtype=np.int64))[:, 0]
    assert x[0] == 3
    assert x[-1] + grid.l0_tile[0] >= 3 + width - 1e-5 * grid.l0_stride[0]
    if grid.columns > 1:
        assert x[-2] + grid.l0_tile[0] < 3 + width
        np.testing.assert_allclose(np.diff(x), grid.l0_stride[0])
        assert grid.l0_stride[0] <= grid.l0_tile[0]


def test_a_level_that_nearly_fits_is_read_as_it_is():
    slide = Pitch(0.499, 0.499, "aperio.MPP")
    assert grid_of(Box(0, 0, 9600, 9600), slide, px_tile=96, mpp=0.5).l0_per_px_x == 1.0
    assert grid_of(Box(0, 0, 9600, 9600), slide, px_tile=96, mpp=2.0, downsamples=(1, 4.0003)).l0_per_px_x == 4.0003
    assert grid_of(Box(0, 0, 9600, 9600), slide, px_tile=96, mpp=0.52).l0_per_px_x == pytest.approx(0.52 / 0.499)


def test_pixels_that_are_not_square_become_square():
    grid = grid_of(Box(0, 0, 1000, 1000), Pitch(0.5, 1.0, "made"), px_tile=50, mpp=1.0)
    assert grid.l0_tile == (100.0, 50.0)
    assert (grid.columns, grid.rows) == (10, 20)


@pytest.mark.parametrize("overlap", [-0.1, 0.95, float("nan")])
def test_an_overlap_that_cannot_be_is_refused(overlap):
    with pytest.raises(InvalidInput, match="overlap"):
        grid_of(Box(0, 0, 10, 10), PITCH, px_tile=50, mpp=1.0, overlap=overlap)


def test_an_empty_region_is_refused():
    with pytest.raises(InvalidInput, match="0 x 10"):
        grid_of(Box(0, 0, 0, 10), PITCH, px_tile=50, mpp=1.0)
