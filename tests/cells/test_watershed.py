"""Outlines from maps: known shapes, touching discs, tiles that give what the whole gives."""

import numpy as np
import pytest

from cancernet.bundle import Outlining
from cancernet.cells import outline, outline_maps, owned
from cancernet.errors import InvalidInput
from cancernet.metrics import instance_scores
from cells.fieldbundle import drawn_nuclei

OPTIONS = Outlining(threshold=0.5, seed=0.5, smooth_um=0.35, least_um2=2.0)


def discs(*centres, radius=10, shape=(60, 80)):
    from cancernet.training import edge_distance

    rows, columns = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(centres, start=1):
        labels[(np.hypot(rows - row, columns - column) < radius) & (labels == 0)] = number
    return labels, (labels > 0).astype(np.float32), edge_distance(labels)


def test_touching_discs_are_told_apart():
    truth, nucleus, distance = discs((30, 20), (30, 39), (30, 70))
    found = outline(nucleus, distance, options=OPTIONS, mpp=0.5)
    assert found.dtype == np.int32
    assert sorted(np.unique(found)) == [0, 1, 2, 3]
    assert instance_scores(truth, found).pq > 0.95


def test_holes_are_filled_and_specks_left_out():
    _, nucleus, distance = discs((30, 30))
    nucleus[29:32, 29:32] = 0
    nucleus[5, 5:7] = distance[5, 5:7] = 1
    found = outline(nucleus, distance, options=OPTIONS, mpp=0.5)
    assert found.max() == 1
    assert found[30, 30] == 1
    assert found[5, 5] == 0


def test_what_nuclei_line_is_no_hole():
    rows, columns = np.mgrid[:80, :80]
    away = np.hypot(rows - 40, columns - 40)
    ring = ((away > 20) & (away < 28)).astype(np.float32)
    found = outline(ring, ring, options=OPTIONS, mpp=0.5)
    assert found[16, 40] == found[40, 16] == 1
    assert found[40, 40] == 0


def test_what_is_smaller_than_the_least_area_is_no_nucleus():
    _, nucleus, distance = discs((30, 30), radius=4)
    area = int((nucleus > 0).sum()) * 0.25
    larger = OPTIONS.model_copy(update={"least_um2": area + 0.1})
    assert outline(nucleus, distance, options=OPTIONS, mpp=0.5).max() == 1
    assert outline(nucleus, distance, options=larger, mpp=0.5).max() == 0


def test_an_empty_map_has_no_nuclei():
    empty = np.zeros((20, 30), np.float32)
    assert outline(empty, empty, options=OPTIONS, mpp=0.5).max() == 0
    assert owned(np.zeros((20, 30), np.int32), inner=(0, 0, 20, 30)).max() == 0


def test_drawn_fields_are_found_again():
    truth, nucleus, distance = drawn_nuclei(200, 260, count=60, seed=3)
    scores = instance_scores(truth, outline(nucleus, distance, options=OPTIONS, mpp=0.5))
    assert scores.dice > 0.99
    assert scores.detection_f1 > 0.9


def test_finer_outlines_keep_the_nuclei_and_their_shape():
    truth, nucleus, distance = discs((30, 20), (30, 39))
    fine = np.repeat(np.repeat(truth, 2, 0), 2, 1)
    found = outline_maps(np.stack([nucleus, distance], axis=-1), fine.shape, options=OPTIONS, mpp=0.5)
    scores = instance_scores(fine, found)
    assert scores.found == 2
    assert scores.pq > 0.95


@pytest.mark.parametrize("size", [(64, 80), (96, 96)])
def test_tiles_give_the_nuclei_of_the_whole(size):
    """Each nucleus by the tile whose inner part holds its centre: the same pixels, each once."""
    _, nucleus, distance = drawn_nuclei(200, 260, count=70, seed=1)
    whole = outline(nucleus, distance, options=OPTIONS, mpp=0.5)
    margin, put = 32, np.zeros_like(whole)
    for top in range(0, 200, size[0]):
        for left in range(0, 260, size[1]):
            begin = max(top - margin, 0), max(left - margin, 0)
            part = np.s_[begin[0] : top + size[0] + margin, begin[1] : left + size[1] + margin]
            tile = outline(nucleus[part], distance[part], options=OPTIONS, mpp=0.5)
            end = min(top + size[0], 200) - begin[0], min(left + size[1], 260) - begin[1]
            mine = owned(tile, inner=(top - begin[0], left - begin[1], *end))
            target = put[part]
            assert not target[mine > 0].any()
            target[mine > 0] = mine[mine > 0] + put.max()
    assert len(np.unique(put)) == len(np.unique(whole))
    assert instance_scores(whole, put).aji == 1.0


def test_an_inner_part_outside_the_tile_is_refused():
    with pytest.raises(InvalidInput, match="inner part"):
        owned(np.zeros((20, 30), np.int32), inner=(0, 0, 21, 30))
