from itertools import pairwise

import numpy as np
import pytest

from cancernet import engine
from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.patches import image_statistics
from cancernet.predict import decide
from cancernet.scan import blocks
from cancernet.scan.blocks import Tiles, blocks_of, in_batches, read_tiles
from cancernet.scan.grid import grid_of
from cancernet.scan.score import score_tiles
from cancernet.slides import open_slide, resolve_pitch
from engine.patchbundle import SIZE, patch_bundle
from scan.made import MPP, tiles_of, write_slide


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An open slide and its pixels."""
    path = tmp_path_factory.mktemp("slides") / "made.png"
    pixels = write_slide(path)
    slide = open_slide(path)
    yield slide, pixels
    slide.close()


@pytest.fixture(scope="module", params=["binary", "ordinal"])
def bundle(request, tmp_path_factory):
    return patch_bundle(tmp_path_factory.mktemp("bundles") / request.param, request.param)


def grid_on(slide, overlap=0.0, region=None):
    box = region or Box(0, 0, *slide.l0_size)
    return grid_of(box, resolve_pitch(slide), px_tile=SIZE, mpp=MPP, overlap=overlap, downsamples=slide.downsamples)


def nothing(images):
    return np.empty((len(images), 0))


def in_order(tiles, grid):
    """Return the images in the order of rows and columns."""
    return np.concatenate([part.images for part in tiles])[
        np.argsort(np.concatenate([part.rows * grid.columns + part.columns for part in tiles]))
    ]


@pytest.mark.parametrize("px_block", [32, 100, 1536])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_tiles_are_those_of_a_plain_loop(made, overlap, px_block, monkeypatch):
    monkeypatch.setattr(blocks, "_PX_BLOCK", px_block)
    slide, pixels = made
    grid = grid_on(slide, overlap)
    expected = tiles_of(pixels, round(SIZE * (1 - overlap)))
    assert len(grid) == len(expected)
    tiles = list(read_tiles(slide, grid, np.ones((grid.rows, grid.columns), dtype=bool), describe=nothing))
    np.testing.assert_array_equal(in_order(tiles, grid), expected)
    assert all(part.images.flags.c_contiguous for part in tiles)


def test_only_wanted_tiles_are_read_and_blocks_are_no_larger_than_they_need(made):
    slide, pixels = made
    grid = grid_on(slide)
    wanted = np.random.default_rng(0).random((grid.rows, grid.columns)) < 0.2
    tiles = list(read_tiles(slide, grid, wanted, describe=nothing))
    assert sum(len(part) for part in tiles) == wanted.sum()
    np.testing.assert_array_equal(in_order(tiles, grid), tiles_of(pixels, SIZE)[wanted.ravel()])
    one = np.zeros_like(wanted)
    one[3, 5] = True
    assert list(blocks_of(grid, one)) == [blocks.Block(5, 3, 1, 1)]
    assert list(blocks_of(grid, np.zeros_like(wanted))) == []


@pytest.mark.parametrize("lengths", [[1], [4], [3, 1, 4], [9, 1, 1, 1, 7], [2, 2, 2, 2, 2], [5, 0, 5]])
def test_batches_hold_all_tiles_in_order(lengths):
    count = sum(lengths)
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), dtype=np.uint8)
    all_tiles = Tiles(images, np.arange(count), np.arange(count) + 1, np.arange(count)[:, None] * 1.0)
    edges = np.cumsum([0, *lengths])
    parts = [all_tiles.take(slice(a, b)) for a, b in pairwise(edges)]
    found = list(in_batches(iter(parts), 4))
    assert [len(batch) for batch in found] == [4] * (count // 4) + ([count % 4] if count % 4 else [])
    for name in ("images", "columns", "rows", "values"):
        joined = np.concatenate([getattr(batch, name) for batch in found])
        np.testing.assert_array_equal(joined, getattr(all_tiles, name))


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_scores_are_those_of_the_tiles_alone(made, bundle, overlap):
    slide, pixels = made
    grid, told = grid_on(slide, overlap), []
    wanted = np.ones((grid.rows, grid.columns), dtype=bool)
    with engine.open(bundle) as model:
        scores = score_tiles(model, slide, grid=grid, wanted=wanted, progress=told.append)
        tiles = tiles_of(pixels, grid.px_stride)
        expected = decide(model.card, model.run(tiles).logits, values=image_statistics(tiles))
    order = np.argsort(scores.rows * grid.columns + scores.columns)
    assert len(scores) == len(grid)
    assert told[-1] == len(grid)
    np.testing.assert_allclose(scores.probabilities[order], expected.probabilities, atol=1e-6)
    np.testing.assert_array_equal(scores.predicted[order], expected.predicted)
    np.testing.assert_array_equal(scores.abstained[order], expected.abstained)
    np.testing.assert_array_equal(scores.ood[order], expected.ood)
    assert scores.classes == expected.classes


def test_twice_the_same_whatever_the_number_of_threads(made, bundle):
    slide, _ = made
    grid = grid_on(slide, 0.5)
    wanted = np.ones((grid.rows, grid.columns), dtype=bool)
    with engine.open(bundle) as model:
        first, second = (score_tiles(model, slide, grid=grid, wanted=wanted, threads=count) for count in (1, 3))
    for name in ("columns", "rows", "probabilities", "predicted", "abstained", "ood"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_no_tile_gives_no_score(made, bundle):
    slide, _ = made
    grid = grid_on(slide)
    with engine.open(bundle) as model:
        scores = score_tiles(model, slide, grid=grid, wanted=np.zeros((grid.rows, grid.columns), dtype=bool))
    assert len(scores) == 0
    assert scores.probabilities.shape == (0, len(scores.classes))


def test_a_slide_that_closes_meanwhile_is_an_error_and_the_model_stays_open(made, bundle, tmp_path):
    path = tmp_path / "other.png"
    write_slide(path)
    slide = open_slide(path)
    grid = grid_on(slide)
    slide.close()
    with engine.open(bundle) as model:
        with pytest.raises(InvalidInput, match="closed"):
            score_tiles(model, slide, grid=grid, wanted=np.ones((grid.rows, grid.columns), dtype=bool))
        assert len(model.run(np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8))) == 1
