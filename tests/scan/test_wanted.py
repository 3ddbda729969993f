import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.scan.foci import Tissue
from cancernet.scan.grid import grid_of
from cancernet.scan.options import ScanOptions, parse_region
from cancernet.scan.wanted import tissue_shares, wanted_tiles
from cancernet.slides import Pitch


def grid_with(tile, overlap=0.0, region=None):
    return grid_of(region or Box(0, 0, 1000, 800), Pitch(1, 1, "made"), px_tile=tile, mpp=1.0, overlap=overlap)


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.3])
@pytest.mark.parametrize("tile", [40, 64, 200])
def test_shares_are_those_of_the_pixels_in_the_tile(tile, overlap):
    """Twin: look at the pixels of each tile alone."""
    mask = np.random.default_rng(3).random((100, 125)) < 0.4  # of 8 base-level pixels
    grid, tissue = grid_with(tile, overlap), Tissue(mask, Box(0, 0, 1000, 800), 64.0)
    shares = tissue_shares(grid, tissue)
    for row, column in np.ndindex(shares.shape):
        x, y = grid.corners(np.array([column]), np.array([row]))[0]
        top, bottom, left, right = (int(np.rint(edge / 8)) for edge in (y, y + tile, x, x + tile))
        assert shares[row, column] == pytest.approx(mask[top:bottom, left:right].sum() / (tile / 8) ** 2)


def test_a_tile_smaller_than_a_pixel_takes_the_pixel_around_it():
    mask = np.eye(4, dtype=bool)
    shares = tissue_shares(grid_with(50, region=Box(0, 0, 400, 400)), Tissue(mask, Box(0, 0, 400, 400), 1e4))
    np.testing.assert_array_equal(shares, np.kron(np.eye(4), np.ones((2, 2))))


def test_what_lies_outside_the_thumbnail_is_no_tissue():
    tissue = Tissue(np.ones((10, 10), dtype=bool), Box(0, 0, 80, 80), 64.0)
    shares = tissue_shares(grid_with(40, region=Box(-40, 0, 160, 40)), tissue)
    np.testing.assert_array_equal(shares, [[0, 1, 1, 0]])


def test_tiles_with_enough_tissue_are_wanted():
    mask = np.zeros((10, 10), dtype=bool)
    mask[0, 0] = mask[:5, 5:] = True
    tissue = Tissue(mask, Box(0, 0, 80, 80), 64.0)
    grid = grid_with(40, region=Box(0, 0, 80, 80))
    np.testing.assert_array_equal(wanted_tiles(grid, tissue, share=0.05), [[False, True], [False, False]])
    np.testing.assert_array_equal(wanted_tiles(grid, tissue, share=0.0), [[True, True], [False, False]])


def test_a_region_is_read():
    assert parse_region("1000,2000,4096,4096") == Box(1000, 2000, 4096, 4096)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,0,10", "0,0,10,-1", "nan,0,1,1", "0,inf,1,1"]
)
def test_what_is_no_region_is_refused(text):
    with pytest.raises(InvalidInput, match="X,Y,W,H"):
        parse_region(text)


@pytest.mark.parametrize(
    "fields", [{"overlap": 1.0}, {"tissue_share": -0.1}, {"smooth": -1}, {"min_um2": float("nan")}, {"threads": 0}]
)
def test_options_that_cannot_be_meant_are_refused(fields):
    with pytest.raises(InvalidInput):
        ScanOptions(**fields)
