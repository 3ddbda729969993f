import json

import numpy as np
import pytest

from cancernet.errors import InvalidInput, MissingResolution
from cancernet.slides import quality_of, tissue_mask
from slides.pictures import (
    INKS,
    aperio,
    blobs,
    bubble,
    dice,
    fold,
    jpeg,
    pen,
    pen_marked,
    reduced,
    scores,
    slide,
)

AT_8 = (8.0, 8.0)
STROKE = [(40, 60), (200, 90), (300, 280), (460, 300)]


@pytest.fixture(scope="module")
def clean():
    return slide(blobs((400, 500), 3, (80, 120), seed=1))


def judged(image, mpp=AT_8, **options):
    image = jpeg(image)
    return quality_of(image, tissue_mask(image, mpp), mpp=mpp, **options)


def test_a_clean_slide_has_no_flag(clean):
    found = judged(clean.image)
    assert found.flags == ()
    assert not found.spoiled.any()
    assert found.inks == ()
    assert found.tissue_mm2 == pytest.approx(clean.truth.sum() * 64e-6, rel=0.02)
    assert found.glass.area_mm2 == pytest.approx((~clean.truth).sum() * 64e-6, rel=0.05)
    assert found.glass.share < 0.01


# Floors below what was measured: precision 0.86 to 0.96, recall 0.92 to 1.00.
@pytest.mark.parametrize("ink", INKS)
def test_strokes_of_pens_are_found(clean, ink):
    marked = pen(clean.image, ink, points=STROKE, width=24)
    found = judged(marked.image)
    precision, recall = scores(found.pen.mask, marked.truth)
    assert precision > 0.80
    assert recall > 0.88
    assert found.inks == (ink,)
    assert any(f"{ink} ink" in flag for flag in found.flags)
    assert found.pen.area_mm2 == pytest.approx(marked.truth.sum() * 64e-6, rel=0.2)
    on_tissue = (marked.truth & clean.truth).sum() / clean.truth.sum()
    assert found.pen.share == pytest.approx(on_tissue, abs=0.03)
    assert found.fold.share < 0.005  # its edges are no folds


@pytest.mark.parametrize("ink", ["blue", "green"])
def test_pale_strokes_are_found_in_part(clean, ink):
    marked = pen(clean.image, ink, points=STROKE, width=24, strength=0.4)
    precision, recall = scores(judged(marked.image).pen.mask, marked.truth)
    assert precision > 0.80
    assert recall > 0.60  # measured 0.70; what lies over dark tissue is missed, and said to be
    assert any("Pale ink" in limit for limit in judged(marked.image).limits)


def test_two_pens_are_both_named(clean):
    marked = pen(clean.image, "green", points=[(20, 20), (480, 20)], width=20)
    marked = pen(marked.image, "blue", points=[(20, 380), (480, 380)], width=20)
    found = judged(marked.image)
    assert found.inks == ("blue", "green")
    assert any("blue and green ink" in flag for flag in found.flags)


def test_folds_are_found(clean):
    folded = fold(clean.image, clean.truth, points=STROKE, width=7)
    found = judged(folded.image)
    precision, recall = scores(found.fold.mask, folded.truth)
    assert precision > 0.85  # measured 0.89
    assert recall > 0.50  # measured 0.55; 0.78 in a wider field, 0.75 on the real section
    assert any("Folds" in flag for flag in found.flags)
    assert any("Keratin" in limit for limit in found.limits)


@pytest.mark.parametrize(("centre", "radius"), [((60, 430), 30), ((200, 250), 60)])
def test_air_bubbles_are_found_on_glass_and_even_tissue(clean, centre, radius):
    marked = bubble(clean.image, centre=centre, radius=radius)
    found = judged(marked.image)
    precision, recall = scores(found.bubble.mask, marked.truth)
    assert precision > 0.85
    assert recall > 0.95
    assert any("Air bubbles" in flag for flag in found.flags)


def test_open_outlines_and_straight_lines_are_no_bubbles(clean):
    image = clean.image.copy()
    image[50:53, 20:480] = image[350:353, 20:480] = 90
    assert not judged(image).bubble.mask.any()


def test_glass_inside_of_a_drawn_mask_is_told(clean):
    drawn = np.ones(clean.truth.shape, bool)
    found = quality_of(clean.image, drawn, mpp=AT_8)
    assert found.glass.share == pytest.approx((~clean.truth).mean(), abs=0.02)
    assert any("Bare glass inside the tissue mask" in flag for flag in found.flags)


def test_empty_and_nearly_empty_slides_are_told():
    empty = slide(np.zeros((200, 200)))
    found = judged(empty.image)
    assert found.flags == ("No tissue was found",)
    assert found.tissue_mm2 == 0
    assert {finding.share for finding in found.findings.values()} == {0.0}
    little = slide(blobs((400, 400), 1, (8, 9), seed=2))
    assert judged(little.image).flags[0].startswith("Almost empty: tissue covers 0.")


def test_limits_say_what_was_not_looked_at(clean):
    limits = judged(clean.image, mpp=(20.0, 20.0)).limits
    assert any("20 microns per pixel most folds and bubbles are too small" in limit for limit in limits)
    assert any(limit.startswith("Blur was not judged: 20 microns") for limit in limits)


def test_finer_thumbnails_give_masks_of_their_own_shape(clean):
    marked = pen(clean.image, "green", points=STROKE, width=24)
    fine = marked.image.repeat(2, axis=0).repeat(2, axis=1)
    found = quality_of(fine, tissue_mask(fine, (4, 4)), mpp=(4, 4))
    assert found.pen.mask.shape == fine.shape[:2]
    assert dice(found.pen.mask[::2, ::2], marked.truth) > 0.85
    assert found.pen.area_mm2 == pytest.approx(judged(marked.image).pen.area_mm2, rel=0.05)


def test_the_record_is_json(clean):
    record = judged(clean.image).as_record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert set(record) == {"tissue_mm2", "pen", "fold", "bubble", "glass", "inks", "flags", "limits"}


def test_mask_and_thumbnail_must_belong_together(clean):
    with pytest.raises(InvalidInput, match="as its thumbnail"):
        quality_of(clean.image, clean.truth[1:], mpp=AT_8)
    with pytest.raises(InvalidInput, match="as its thumbnail"):
        quality_of(clean.image, clean.truth.astype(np.uint8), mpp=AT_8)
    with pytest.raises(MissingResolution):
        quality_of(clean.image, clean.truth, mpp=(0, 0))


# Real slides.


@pytest.fixture(scope="module")
def frozen(realdata):
    """The frozen section, taken as if its pixels were of 8 um, so that strokes have room."""
    return reduced(aperio(realdata / "wsi" / "TCGA-CR-7395-01A-01-TS1.svs"), (1110, 892))


@pytest.mark.realdata
@pytest.mark.parametrize(("ink", "least"), [("black", 0.95), ("blue", 0.65), ("green", 0.88), ("red", 0.95)])
def test_strokes_on_a_real_section(frozen, ink, least):
    marked = pen(frozen, ink, points=[(111, 178), (444, 267), (666, 624), (999, 669)], width=24)
    precision, recall = scores(judged(marked.image).pen.mask, marked.truth)
    assert precision > 0.84
    assert recall > least


@pytest.mark.realdata
def test_a_fold_of_a_real_section(frozen):
    folded = fold(frozen, tissue_mask(frozen, AT_8), points=[(111, 178), (444, 267), (666, 624), (999, 669)], width=7)
    before = judged(frozen)
    found = judged(folded.image).fold.mask & ~before.fold.mask
    precision, recall = scores(found, folded.truth)
    assert precision > 0.80
    assert recall > 0.60
    assert before.inks == ()
    assert not before.bubble.mask.any()


@pytest.mark.realdata
def test_the_real_pen_marks(realdata):
    image = reduced(pen_marked(realdata / "wsi" / "small_dicom.dcm"), (1618, 1319))
    found = quality_of(image, tissue_mask(image, (9.2, 9.2)), mpp=(9.2, 9.2))
    assert found.inks == ("blue", "green")
    assert found.pen.area_mm2 == pytest.approx(13.3, abs=0.7)
    assert found.pen.share == pytest.approx(0.096, abs=0.01)
    assert not found.bubble.mask.any()
    assert found.fold.share < 0.005
