import numpy as np
import pytest

from cancernet.geometry import VIEWS, dihedral, summed_area, undo_dihedral

IMAGES = np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3)


def test_views_are_the_eight_symmetries_of_the_square():
    seen = {dihedral(IMAGES, view).tobytes() for view in range(VIEWS)}
    assert len(seen) == VIEWS
    np.testing.assert_array_equal(dihedral(IMAGES, 0), IMAGES)
    np.testing.assert_array_equal(dihedral(IMAGES, 1)[0], np.rot90(IMAGES[0]))
    np.testing.assert_array_equal(dihedral(IMAGES, 4)[1], np.fliplr(IMAGES[1]))


@pytest.mark.parametrize("view", range(VIEWS))
def test_every_view_can_be_undone(view):
    np.testing.assert_array_equal(undo_dihedral(dihedral(IMAGES, view), view), IMAGES)


def test_views_form_a_group():
    seen = {dihedral(IMAGES, view).tobytes() for view in range(VIEWS)}
    for first in range(VIEWS):
        for second in range(VIEWS):
            assert dihedral(dihedral(IMAGES, first), second).tobytes() in seen


def test_boxes_of_a_mask_are_counted_by_four_look_ups():
    rng = np.random.default_rng(0)
    mask = rng.random((13, 8)) < 0.4
    table = summed_area(mask)
    assert table.shape == (14, 9)
    for _ in range(50):
        (top, bottom), (left, right) = np.sort(rng.integers(0, 14, 2)), np.sort(rng.integers(0, 9, 2))
        found = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
        assert found == mask[top:bottom, left:right].sum()
