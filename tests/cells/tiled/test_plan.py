"""Tiles cover the tissue once, and see far enough beyond themselves."""

import numpy as np
import pytest

from cancernet.cells.tiled import MARGIN_UM, Plane, tiles_of
from cancernet.geometry import Box
from cancernet.scan import Tissue


@pytest.mark.parametrize("mpp", [0.1, 0.25, 0.499, 1.2])
@pytest.mark.parametrize("seed", range(3))
def test_each_place_of_tissue_is_owned_once(mpp, seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1500, 6000)), int(rng.integers(1500, 6000))
    plane = Plane(size, (1.0, 1.0), mpp)
    shape = max(1, round(size[1] * mpp / 8)), max(1, round(size[0] * mpp / 8))
    tissue = Tissue(rng.random(shape) < 0.02, Box(0, 0, *size), 64.0)
    rows, columns = np.nonzero(tissue.mask)
    inside = np.stack([columns, rows], axis=1) + rng.uniform(0, 1, (len(rows), 2))
    places = inside * tissue.l0_per_px
    tiles = list(tiles_of(plane, tissue))
    assert (sum(tile.owns(places).astype(int) for tile in tiles) == 1).all()
    for tile in tiles:
        left, top, right, bottom = tile.own
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        seen = np.array([left, top, right, bottom]) - tile.seen
        ends = np.array(tile.seen) == (0, 0, *size)
        assert (ends | (np.abs(seen) * mpp >= MARGIN_UM)).all()


def test_without_tissue_there_is_no_tile():
    tissue = Tissue(np.zeros((10, 10), bool), Box(0, 0, 320, 320), 64.0)
    assert not list(tiles_of(Plane((320, 320), (1.0, 1.0), 0.25), tissue))
