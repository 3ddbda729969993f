import numpy as np
import pytest

from cancernet.geometry import Box
from cancernet.scan import foci
from cancernet.scan.foci import Tissue, find_foci, values_on
from cancernet.scan.heat import HeatMap

CELLS = np.array([[0.1, 0.9, 0.2], [0.1, np.nan, 0.8], [0.7, 0.1, 0.1]])
BOX = Box(100, 200, 300, 300)
HEAT = HeatMap(CELLS, BOX)  # cells of 100 pixels


def tissue_of(mask, box=BOX, um2=25.0):
    return Tissue(np.asarray(mask, dtype=bool), box, um2)


def test_each_pixel_has_the_value_of_its_cell():
    values = values_on(HEAT, tissue_of(np.ones((30, 30))))
    np.testing.assert_array_equal(values, np.kron(CELLS, np.ones((10, 10))).astype(np.float32))


def test_a_plane_that_lies_elsewhere_finds_the_same_cells():
    """Twin: look up each pixel alone."""
    tissue = tissue_of(np.ones((11, 7)), Box(37, 190, 420, 410))
    values, (width, height) = values_on(HEAT, tissue), tissue.l0_per_px
    for row, column in np.ndindex(values.shape):
        x, y = 37 + (column + 0.5) * width, 190 + (row + 0.5) * height
        inside = 100 <= x < 400 and 200 <= y < 500
        expected = CELLS[int((y - 200) // 100), int((x - 100) // 100)] if inside else np.nan
        np.testing.assert_equal(values[row, column], np.float32(expected))


def test_pieces_are_measured_and_the_largest_comes_first():
    mask = np.ones((30, 30), dtype=bool)
    mask[:5, 10:20] = False  # half of the cell of 0.9 is glass
    foci = find_foci(HEAT, tissue_of(mask), threshold=0.5)
    assert len(foci) == 2
    first, second = foci
    assert first.mm2 == pytest.approx(150 * 25 / 1e6)  # 0.9 and 0.8 touch at a corner
    assert first.maximum == pytest.approx(0.9)
    assert first.mean == pytest.approx((50 * 0.9 + 100 * 0.8) / 150)
    assert (first.px_x, first.px_y, first.mask.shape) == (10, 5, (15, 20))
    assert first.px_peak == (14.5, 7.5)  # in the middle of the tissue of the cell of 0.9
    assert second.mm2 == pytest.approx(100 * 25 / 1e6)
    assert (second.px_x, second.px_y) == (0, 20)


def test_small_pieces_are_left_out():
    everywhere = tissue_of(np.ones((30, 30)))
    assert len(find_foci(HEAT, everywhere, threshold=0.5, min_um2=100 * 25 + 1)) == 1
    assert len(find_foci(HEAT, everywhere, threshold=0.5, min_um2=100 * 25)) == 2


def test_nothing_reaches_a_high_threshold_and_nothing_is_on_glass():
    assert find_foci(HEAT, tissue_of(np.ones((30, 30))), threshold=0.95) == ()
    assert find_foci(HEAT, tissue_of(np.zeros((30, 30))), threshold=0.5) == ()


def test_the_threshold_itself_counts():
    assert len(find_foci(HEAT, tissue_of(np.ones((30, 30))), threshold=0.9)) == 1


def test_area_of_tissue():
    assert tissue_of(np.eye(10)).mm2 == pytest.approx(10 * 25 / 1e6)


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 1.0])
def test_the_peak_is_the_pixel_nearest_to_the_mean_of_the_highest(share):
    rng = np.random.default_rng(int(share * 1000))
    for _ in range(20):
        mask = rng.random((40, 70)) < share
        mask[rng.integers(40), rng.integers(70)] = True
        places = np.argwhere(mask)
        distances = np.linalg.norm(places - places.mean(axis=0), axis=1)
        assert np.linalg.norm(np.array(foci._middle(mask)) - places.mean(axis=0)) == pytest.approx(distances.min())
