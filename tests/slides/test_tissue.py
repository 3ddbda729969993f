import time

import numpy as np
import pytest
from PIL import Image

from cancernet.errors import InvalidInput, MissingResolution
from cancernet.slides import TissueOptions, tissue_mask
from cancernet.stain import from_optical_density
from slides.pictures import aperio, blobs, dice, jpeg, pen, pen_marked, reduced, slide, texture

AT_8 = (8.0, 8.0)


def grey_otsu(image):
    """Return what is darker than Otsu's threshold of grey: the plainest mask in use, here as a baseline."""
    grey = np.asarray(Image.fromarray(image).convert("L"))
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    below, first = np.cumsum(share), np.cumsum(share * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (first[-1] * below - first) ** 2 / (below * (1 - below))
    return grey <= np.nanargmax(between)


CASES = {
    "plain": {},
    "grey glass": {"glass": (200, 200, 200)},
    "dark glass": {"glass": (140, 141, 140)},
    "yellow glass": {"glass": (236, 228, 205)},
    "pale stain": {"strength": 0.25},
    "strong stain": {"strength": 1.8},
    "noise": {"noise": 6.0},
    "bad JPEG": {"noise": 3.0, "quality": 30},
}


@pytest.mark.parametrize("case", CASES)
def test_large_pieces_have_their_outline(case):
    made = slide(blobs((300, 360), 5, (20, 55), seed=3), **CASES[case])
    assert dice(tissue_mask(made.image, AT_8), made.truth) > 0.96


@pytest.mark.parametrize("case", ["plain", "grey glass", "pale stain", "noise"])
def test_fragments_of_a_biopsy_are_kept(case):
    made = slide(blobs((300, 360), 30, (3.5, 7), seed=4), **CASES[case])
    assert dice(tissue_mask(made.image, AT_8), made.truth) > 0.8


def test_a_single_fragment_on_a_large_slide_is_found():
    cover = blobs((1000, 1000), 1, (4, 4.5), seed=1)
    made = slide(cover)
    assert dice(tissue_mask(made.image, AT_8), made.truth) > 0.85


@pytest.mark.parametrize("noise", [0.0, 3.0, 6.0])
@pytest.mark.parametrize("glass", [(255, 255, 255), (244, 243, 243), (238, 236, 240), (180, 180, 180), (230, 222, 200)])
def test_blank_glass_has_no_tissue(glass, noise):
    made = slide(np.zeros((200, 240)), glass=glass, noise=noise, quality=60)
    assert not tissue_mask(made.image, AT_8).any()
    if noise > 3:
        assert grey_otsu(made.image).mean() > 0.2  # what a threshold between two peaks says of one


def test_a_picture_full_of_tissue_is_full():
    image = jpeg(from_optical_density(texture((200, 240))))
    assert tissue_mask(image, AT_8).mean() > 0.99
    assert grey_otsu(image).mean() < 0.7


@pytest.mark.parametrize("value", [0, 5, 128, 255])
def test_a_picture_of_one_grey_is_empty(value):
    assert not tissue_mask(np.full((50, 60, 3), value, np.uint8), AT_8).any()


def test_black_and_white_canvas_around_the_scan_is_no_tissue():
    made = slide(blobs((200, 200), 2, (30, 40), seed=5))
    canvas = np.zeros((400, 400, 3), np.uint8)
    canvas[:, 200:] = 255
    canvas[100:300, 100:300] = made.image
    found = tissue_mask(canvas, AT_8)
    assert dice(found[100:300, 100:300], made.truth) > 0.97
    assert found.sum() == found[100:300, 100:300].sum()


def test_grey_dirt_and_shadows_are_no_tissue():
    made = slide(np.zeros((200, 240)))
    image = made.image.copy()
    image[50:90, 60:110] = 120
    image[120:123] = 60
    assert not tissue_mask(jpeg(image), AT_8).any()


@pytest.mark.parametrize("ink", ["green", "black", "blue"])
def test_ink_on_glass_is_no_tissue_and_ink_on_tissue_hides_none(ink):
    made = slide(blobs((300, 360), 1, (90, 100), seed=2))
    marked = pen(made.image, ink, points=[(10, 20), (350, 30)], width=16)
    marked = pen(marked.image, ink, points=[(100, 120), (260, 200)], width=16)
    assert dice(tissue_mask(jpeg(marked.image), AT_8), made.truth) > 0.97


def test_small_holes_are_filled_and_large_ones_stay():
    cover = np.zeros((200, 200))
    cover[20:180, 20:180] = 1
    cover[40:50, 40:50] = 0  # 80 um wide: 6,400 um2
    cover[100:130, 100:130] = 0  # 240 um wide
    found = tissue_mask(slide(cover).image, AT_8)
    assert found[45, 45]
    assert not found[115, 115]
    more = tissue_mask(slide(cover).image, AT_8, options=TissueOptions(max_hole_um2=60_000))
    assert more[115, 115]


def test_the_smallest_piece_is_an_option():
    cover = np.zeros((100, 100))
    cover[40:50, 40:50] = 1  # 6,400 um2
    image = slide(cover).image
    assert tissue_mask(image, AT_8, options=TissueOptions(min_area_um2=4_000)).any()
    assert not tissue_mask(image, AT_8, options=TissueOptions(min_area_um2=10_000)).any()


@pytest.mark.parametrize("factors", [(2, 2), (4, 2), (1, 3)])
def test_finer_and_oblong_pixels_give_the_same_tissue(factors):
    made = slide(blobs((200, 240), 4, (20, 40), seed=6), quality=95)
    tall, wide = factors
    image = made.image.repeat(tall, axis=0).repeat(wide, axis=1)
    found = tissue_mask(image, (8 / wide, 8 / tall))
    assert found.shape == image.shape[:2]
    assert dice(found, made.truth.repeat(tall, axis=0).repeat(wide, axis=1)) > 0.97


def test_coarse_thumbnails_are_taken_as_they_are():
    made = slide(blobs((200, 240), 4, (20, 40), seed=6))
    assert dice(tissue_mask(made.image, (32, 32)), made.truth) > 0.97


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (2, 2, 3), (40, 1, 3)])
def test_the_smallest_pictures_pass(shape):
    assert tissue_mask(np.full(shape, 200, np.uint8), AT_8).shape == shape[:2]


@pytest.mark.parametrize("image", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)])
def test_what_is_no_thumbnail_is_refused(image):
    with pytest.raises(InvalidInput, match="uint8"):
        tissue_mask(image, AT_8)


@pytest.mark.parametrize("mpp", [(0, 8), (8, -1), (float("nan"), 8), (8,), (8, float("inf"))])
def test_microns_per_pixel_must_be_known(mpp):
    with pytest.raises(MissingResolution, match="Two numbers above 0"):
        tissue_mask(np.zeros((4, 4, 3), np.uint8), mpp)


def test_large_thumbnails_are_fast():
    made = slide(blobs((375, 350), 4, (40, 80), seed=7))
    image = np.tile(made.image.repeat(2, axis=0).repeat(2, axis=1), (2, 2, 1))  # 1500 x 1400 at 4 um
    tissue_mask(image[:50, :50], (4, 4))
    begin = time.process_time()
    tissue_mask(image, (4, 4))
    assert time.process_time() - begin < 0.6  # a tenth of a second on a free core; room for a busy machine


# Real slides. Areas were looked at as pictures when the numbers were written down.


@pytest.mark.realdata
def test_the_almost_empty_field_has_its_one_piece(realdata):
    import tifffile

    image = tifffile.imread(realdata / "wsi" / "kidney-48-5.tif")
    found = tissue_mask(image, AT_8)
    rows, columns = np.nonzero(found)
    assert 0.002 < found.mean() < 0.005
    assert (rows.min() > 490, rows.max() < 580, columns.min() > 270, columns.max() < 410) == (True,) * 4


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "mpp", "size", "share"),
    [("CMU-1-Small-Region.svs", 0.499, (555, 742), 0.37), ("TCGA-CR-7395-01A-01-TS1.svs", 0.5, (740, 594), 0.62)],
)
def test_sections_have_the_area_that_was_seen(realdata, name, mpp, size, share):
    pixels = aperio(realdata / "wsi" / name)
    factor = pixels.shape[1] / size[0]
    found = tissue_mask(reduced(pixels, size), (mpp * factor, mpp * factor))
    assert found.mean() == pytest.approx(share, abs=0.02)
    coarse = tissue_mask(reduced(pixels, (size[0] // 3, size[1] // 3)), (mpp * factor * 3,) * 2)
    assert coarse.mean() == pytest.approx(found.mean(), abs=0.02)


@pytest.mark.realdata
def test_pen_marks_on_glass_are_no_tissue(realdata):
    image = reduced(pen_marked(realdata / "wsi" / "small_dicom.dcm"), (1618, 1319))
    found = tissue_mask(image, (9.2, 9.2))
    assert found.mean() == pytest.approx(0.48, abs=0.02)
    assert found[:60].mean() < 0.01  # the green arc above the tissue
    assert not found[300:400, :60].any()  # glass
    assert not found[140:300, :110].any()  # the green arrow, and glass


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "reduce", "least"), [("lung", 8, 0.90), ("gleason/tiles", 8, 0.85), ("idc", 2, 0.75)]
)
def test_tiles_full_of_tissue_are_found_full(realdata, folder, reduce, least):
    paths = sorted((realdata / folder).rglob("*.*g"))
    rng = np.random.default_rng(0)
    images = [np.asarray(Image.open(paths[i]).convert("RGB").reduce(reduce)) for i in rng.choice(len(paths), 60)]
    ours, otsu = (float(np.mean([mask(image).mean() for image in images])) for mask in (_at_8, grey_otsu))
    assert ours > least
    assert ours > otsu + 0.15


def _at_8(image):
    return tissue_mask(image, AT_8)
