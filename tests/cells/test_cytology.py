"""Cells with cytoplasm: known shares and places, no dependence on size, bad masks."""

import numpy as np
import pytest

from cancernet.cells import CYTOLOGY, measure_cell
from cancernet.errors import InvalidInput


def smear(scale: int = 1, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return image, nucleus of radius 20 and cell of radius 40, times the scale; the nucleus is off by a shift."""
    y, x = (np.mgrid[: 100 * scale, : 100 * scale] + 0.5) / scale - 50
    nucleus, cell = np.hypot(x - shift, y) <= 20, np.hypot(x, y) <= 40
    image = np.where(nucleus[..., None], [90, 60, 140], np.where(cell[..., None], [200, 170, 210], 250))
    return image.astype(np.uint8), nucleus, cell


def measured(image: np.ndarray, nucleus: np.ndarray, cell: np.ndarray) -> dict[str, float]:
    return measure_cell(image, nucleus, cell=cell)


def test_share_and_place():
    found = measured(*smear(shift=10))
    assert list(found) == list(CYTOLOGY)
    assert found["nucleus_share"] == pytest.approx(0.25, rel=0.01)
    assert found["off_centre"] == pytest.approx(0.25, rel=0.02)
    assert found["darker_nucleus"] > 0.5
    assert found["nucleus_compactness"] == pytest.approx(0, abs=0.01)


def test_size_does_not_matter():
    one, other = measured(*smear(1)), measured(*smear(3))
    for name in ("nucleus_share", "off_centre", "darker_nucleus", "nucleus_solidity", "cell_compactness"):
        assert other[name] == pytest.approx(one[name], abs=0.02), name


def test_a_naked_nucleus_is_its_cell():
    image, nucleus, _ = smear()
    found = measured(image, nucleus, np.zeros_like(nucleus))
    assert (found["nucleus_share"], found["darker_nucleus"]) == (1, 0)


def test_masks_that_are_none_are_refused():
    image, nucleus, cell = smear()
    point = np.zeros_like(nucleus)
    point[50, 50] = True
    for masks in ((nucleus.astype(int), cell), (nucleus[:50], cell), (np.zeros_like(nucleus), cell), (point, cell)):
        with pytest.raises(InvalidInput):
            measured(image, *masks)
