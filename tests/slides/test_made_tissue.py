"""Synthetic tissue: outlines that are true, pixels that depend on seed and place alone, tumours that look like it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box, contains_xy

from cancernet.errors import InvalidInput
from cancernet.slides.made import Outlines, Picture, draw_outlines, tissue_picture
from cancernet.slides.made.library import PERIOD, library_at
from cancernet.slides.made.masks import draw_mask
from cancernet.slides.made.paint import FULL, Knots, as_share, blend, draw_out
from cancernet.stain import separate

SIZE, MPP = (6000, 4000), 0.5


@pytest.fixture(scope="module")
def picture() -> Picture:
    return tissue_picture(SIZE, mpp=MPP, seed=7, foci=2)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("size", "mpp"), [((20_000, 15_000), 0.5), ((300, 200), 2.0), ((100_000, 100_000), 0.25)])
def test_outlines_hold_together(seed, size, mpp):
    found = draw_outlines(size, mpp=mpp, seed=seed, foci=3)
    slide = box(0, 0, *size)
    assert found.tissue
    assert len(found.tumour) == 3
    assert all(each.is_valid and each.area > 0 for each in (*found.tissue, *found.tumour))
    assert all(slide.contains(each) for each in found.tissue)
    assert all(sum(piece.contains(each) for piece in found.tissue) == 1 for each in found.tumour)
    assert all(not one.intersects(other) for one, other in combinations((*found.tumour,), 2))
    assert all(not one.intersects(other) for one, other in combinations((*found.tissue,), 2))
    assert 0.2 < sum(each.area for each in found.tissue) / slide.area < 0.9


def test_diameters_are_those_asked_for():
    found = draw_outlines((40_000, 30_000), mpp=0.5, seed=1, foci=4, diameters_mm=(0.4, 2.5))
    diameters = [2 * np.sqrt(each.area / np.pi) * 0.5 / 1000 for each in found.tumour]
    assert diameters == pytest.approx([0.4, 2.5, 0.4, 2.5], rel=0.02)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"foci": -1}, "foci = -1"),
        ({"seed": -1}, "seed = -1"),
        ({"diameters_mm": (0.0,)}, "millimetres"),
        ({"diameters_mm": (float("nan"),)}, "millimetres"),
        ({"diameters_mm": (30.0,)}, "30 mm does not fit.*fewer or smaller"),
        ({"foci": 90, "diameters_mm": (1.0,)}, "does not fit"),
    ],
)
def test_outlines_that_cannot_be(given_, words):
    with pytest.raises(InvalidInput, match=words):
        draw_outlines((8000, 6000), **{"mpp": 0.5, "seed": 0, **given_})


@pytest.mark.parametrize(("size", "mpp"), [((63, 100), 0.5), ((100, 100), 0.05), ((100, 100), 20.0)])
def test_slides_that_cannot_be(size, mpp):
    with pytest.raises(InvalidInput):
        tissue_picture(size, mpp=mpp)


def test_no_tumour_at_all():
    found = tissue_picture((800, 600), mpp=MPP, foci=0)
    assert found.outlines.tumour == ()
    assert found.block(0, 0, 800, 600).shape == (600, 800, 3)


@settings(max_examples=25)
@given(st.integers(0, 1900), st.integers(0, 1300), st.integers(1, 1200), st.integers(1, 700))
def test_a_pixel_depends_on_its_place_alone(picture, whole, x, y, width, height):
    part = picture.block(2000 + x, 1500 + y, width, height)
    assert np.array_equal(part[: 2000 - y, : 3000 - x], whole[y : y + height, x : x + width])


@pytest.fixture(scope="module")
def whole(picture) -> np.ndarray:
    return picture.block(2000, 1500, 3000, 2000)


def _share_of_nuclei(pixels: np.ndarray, inside) -> float:
    """Share of dark haematoxylin among pixels of a grid of every fifth that lie inside."""
    x, y = np.meshgrid(np.arange(0, SIZE[0], 5), np.arange(0, SIZE[1], 5))
    return float((separate(pixels[contains_xy(inside, x, y)])[:, 0] > 0.6).mean())


def test_tumours_are_dense_and_glass_is_bright(picture):
    tumour = picture.outlines.tumour[0].union(picture.outlines.tumour[1])
    tissue = max(picture.outlines.tissue, key=lambda each: each.area)
    normal, glass = tissue.difference(tumour.buffer(80)), box(0, 0, *SIZE).difference(tissue.buffer(80))
    pixels = picture.block(0, 0, *SIZE)[::5, ::5]
    assert _share_of_nuclei(pixels, tumour.buffer(-40)) > 2 * _share_of_nuclei(pixels, normal)
    assert _share_of_nuclei(pixels, glass) == 0
    corner = picture.block(0, 0, 60, 60)
    assert corner.mean() > 230
    assert 0.3 < corner.std() < 4


def test_edges_lie_where_the_outlines_are():
    """Across the straight edge of a tumour in tissue without anything else, the middle of the change is near it."""
    outlines = Outlines((box(0, 0, 4000, 3000),), (box(2000, 0, 4000, 3000),))
    found = tissue_picture((4000, 3000), mpp=MPP, seed=11, outlines=outlines)
    nuclei = separate(found.block(1600, 0, 800, 3000))[..., 0]
    profile = nuclei.mean(axis=0).reshape(-1, 40).mean(axis=1)  # 20 steps of 40 pixels
    left, right = profile[:6].mean(), profile[-6:].mean()
    assert right > 1.4 * left
    middle = np.flatnonzero(profile > (left + right) / 2)[0] * 40 + 1600
    assert abs(middle - 2000) <= 80  # 40 microns


@pytest.mark.parametrize("size", [(3000, 2000), (2999, 1777)])
def test_masks_know_how_far_the_line_is(size):
    polygon = box(203.0, 300.0, 2500.0, 1600.0).difference(Point(1500, 1000).buffer(300, quad_segs=64))
    knots = Knots(0, 0, *size, 8)
    found = draw_mask([polygon], size, step=8).inside(knots)
    x, y = np.meshgrid(knots.columns * 8.0, knots.rows * 8.0)
    distance = shapely.distance(polygon.boundary, shapely.points(x, y)) * np.where(contains_xy(polygon, x, y), 1, -1)
    near = (np.abs(distance) < 24) & (np.abs(y - 950) < 560)  # not at the corners, which the blur rounds
    assert near.sum() > 1000
    assert np.abs(found - distance)[near].max() < 8
    assert ((found > 0) == (distance > 0))[np.abs(distance) > 40].all()


def test_outlines_may_reach_over_the_edge():
    knots = Knots(0, 0, 1000, 800, 8)
    found = draw_mask([box(-5000, -5000, 500, 9000), box(5000, 0, 6000, 10)], (1000, 800), step=8).inside(knots)
    assert (found[:, :62] > 0).all()
    assert (found[:, 64:] < 0).all()


def test_textures_have_no_seam():
    for name, texture in library_at(MPP).textures.items():
        plane = texture.planes[0][:PERIOD, :PERIOD].astype(int)
        within = np.abs(np.diff(plane, axis=0)).mean(), np.abs(np.diff(plane, axis=1)).mean()
        across = np.abs(plane[0] - plane[-1]).mean(), np.abs(plane[:, 0] - plane[:, -1]).mean()
        assert across == pytest.approx(within, rel=0.4, abs=1.0), name


def test_nuclei_of_tumours_are_larger_and_darker():
    textures = library_at(MPP).textures
    dark = {name: float((textures[name].planes[0] > 130).mean()) for name in ("stroma", "lobule", "fat", "tumour")}
    assert dark["tumour"] > 1.3 * dark["lobule"]
    assert dark["lobule"] > 2 * dark["stroma"]
    assert dark["stroma"] > dark["fat"]


@settings(max_examples=40)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 4, 8]))
def test_shares_between_knots_are_linear(x, y, width, height, step):
    knots = Knots(x, y, width, height, step)
    rng = np.random.default_rng(1)
    shares = rng.integers(0, FULL + 1, (len(knots.rows), len(knots.columns))).astype(np.uint16)
    row, column = np.mgrid[y : y + height, x : x + width] / step
    up, left = np.floor(row).astype(int), np.floor(column).astype(int)
    down, right = row - up, column - left
    up, left = up - knots.rows[0], left - knots.columns[0]
    above = shares[up, left] * (1 - right) + shares[up, left + 1] * right
    below = shares[up + 1, left] * (1 - right) + shares[up + 1, left + 1] * right
    assert np.array_equal(draw_out(shares, knots), np.floor(above * (1 - down) + below * down))


@settings(max_examples=40)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 60), st.integers(1, 60), st.integers(0, 10_000))
def test_laying_the_part_is_laying_the_whole(x, y, width, height, seed):
    knots, rng = Knots(x, y, width, height, 8), np.random.default_rng(seed)
    shares = as_share(rng.normal(-1.5, 1, (len(knots.rows), len(knots.columns))))
    full, part = draw_out(shares, knots), knots.around(shares)
    found = np.zeros_like(full)
    if part is not None:
        rows, columns = part.y - y, part.x - x
        found[rows : rows + part.height, columns : columns + part.width] = draw_out(part.taken(shares, knots), part)
    assert np.array_equal(found, full)


def test_blending_by_hand():
    below = np.array([[10, 10, 10, 255]], dtype=np.uint8)
    blend(below, np.array([[200, 200, 200, 255]], np.uint8), share=np.array([[0, FULL // 2, FULL, 100]], np.uint16))
    assert below.tolist() == [[10, 105, 200, 255]]


def test_other_resolutions_show_the_same_tissue():
    """Nuclei keep their size in microns: the share of tissue that they cover is about that of the usual resolution."""
    outlines = Outlines((box(0, 0, 800, 600),), (box(0, 0, 800, 600),))
    coarse = tissue_picture((800, 600), mpp=1.0, seed=2, outlines=outlines).block(0, 0, 800, 600)
    outlines = Outlines((box(0, 0, 1600, 1200),), (box(0, 0, 1600, 1200),))
    fine = tissue_picture((1600, 1200), mpp=0.5, seed=2, outlines=outlines).block(0, 0, 1600, 1200)
    shares = [float((separate(each)[..., 0] > 0.5).mean()) for each in (coarse, fine)]
    assert shares[0] == pytest.approx(shares[1], rel=0.25)
