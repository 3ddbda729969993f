from pathlib import Path

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.patches import PatchSet


def made(**columns) -> PatchSet:
    names = np.array(["a.png", "b.png", "c.png"])
    return PatchSet("made", Path("folder"), names, np.array(["p", "p", "q"]), **columns)


@pytest.mark.parametrize("rows", [[], [2, 0], np.array([True, False, True]), np.array([1])])
def test_rows_are_taken_with_all_that_is_known_of_them(rows):
    patches = made(measures=np.arange(6.0).reshape(3, 2), measure_names=("x", "y"), target=np.array(["1", "0", "1"]))
    found = patches.take(rows)
    places = np.arange(3)[np.asarray(rows, dtype=None if len(rows) else int)]
    assert found.ids.tolist() == patches.ids[places].tolist()
    np.testing.assert_array_equal(found.measures, patches.measures[places])
    assert found.measure_names == ("x", "y")


def test_columns_of_another_length_and_repeated_images_are_refused():
    with pytest.raises(InvalidInput, match="'measures' has the shape"):
        made(measures=np.zeros((3, 1)), measure_names=("x", "y"))
    with pytest.raises(InvalidInput, match="'target' has the shape"):
        made(target=np.array(["1"]))
    with pytest.raises(InvalidInput, match=r"'a.png' stands twice"):
        PatchSet("made", Path("."), np.array(["a.png", "a.png"]), np.array(["p", "q"]))
