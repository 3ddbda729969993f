"""The path without a network: on drawn nuclei, on empty and odd images, and on real ones."""

import numpy as np
import pytest
from PIL import Image

from cancernet.cells import Classical
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.metrics import instance_scores
from cells.drawn import field


def test_drawn_nuclei_are_found_one_by_one():
    image, labels = field(5)
    scores = instance_scores(labels, Classical().labels(image, mpp=0.25))
    assert scores.dice > 0.85
    assert scores.detection_f1 > 0.9
    assert scores.aji > 0.75


def test_touching_nuclei_are_separated():
    y, x = np.mgrid[:100, :100]
    left, right = (np.hypot(x - centre, y - 50) <= 14 for centre in (38, 62))
    image = np.where((left | right)[..., None], [110, 70, 150], [240, 225, 235]).astype(np.uint8)
    found = Classical().labels(image, mpp=0.25)
    assert found.max() == 2
    assert found[50, 38] != found[50, 62]


@pytest.mark.parametrize("mpp", [0.25, 0.5])
def test_any_resolution_finds_the_same(mpp):
    image, labels = field(6, size=256, nuclei=20)
    step = round(mpp / 0.25)
    shrunk = np.array(Image.fromarray(image).resize((256 // step, 256 // step), Image.Resampling.BOX))
    found = Classical().labels(shrunk, mpp=mpp)
    assert instance_scores(labels[::step, ::step], found, radius=6 / step).detection_f1 > 0.85


def test_smears_of_one_violet_dye_are_found_too():
    """Macenko's method finds two stains in the noise of one."""
    _, labels = field(9)
    rng = np.random.default_rng(0)
    amount = np.where(labels > 0, 0.9, 0.25)[..., None] * [0.9, 0.95, 0.3] + rng.normal(0, 0.02, (200, 200, 3))
    image = (256 * np.exp(-amount) - 1).clip(0, 255).astype(np.uint8)
    assert instance_scores(labels, Classical().labels(image, mpp=0.25)).dice > 0.85


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_field_of_one_shade_has_no_nucleus(grey):
    assert not Classical().labels(np.full((60, 70, 3), grey, np.uint8), mpp=0.25).any()


def test_empty_glass_with_noise_has_no_nucleus():
    glass = np.random.default_rng(0).normal(243, 2, (200, 200, 3)).clip(0, 255).astype(np.uint8)
    assert not Classical().labels(glass, mpp=0.25).any()


def test_a_single_pixel_and_a_line_are_images_too():
    for shape in ((1, 1, 3), (1, 40, 3), (40, 2, 3)):
        assert Classical().labels(np.full(shape, 200, np.uint8), mpp=0.25).shape == shape[:2]


def test_labels_have_no_gaps_and_no_small_pieces():
    image, _ = field(7)
    found = Classical().labels(image, mpp=0.25)
    counts = np.bincount(found.ravel())
    assert found.dtype == np.int32
    assert (counts[1:] * 0.0625 >= 8).all()


@pytest.mark.parametrize(("mpp", "error"), [(0, MissingResolution), (np.nan, MissingResolution), (4.0, InvalidInput)])
def test_a_resolution_without_nuclei_is_refused(mpp, error):
    with pytest.raises(error):
        Classical().labels(np.zeros((9, 9, 3), np.uint8), mpp=mpp)


@pytest.mark.realdata
def test_real_nuclei(realdata):
    """One patient of MoNuSeg; the table of all is in docs/cells.md."""
    folder, name = realdata / "nuclei" / "monuseg", "TCGA-21-5784-01Z-00-DX1"
    image = np.array(Image.open(folder / "images" / f"{name}.jpg").convert("RGB"))[:500, :500]
    labels = np.array(Image.open(folder / "labels" / f"{name}.png"))[:500, :500]
    scores = instance_scores(labels, Classical().labels(image, mpp=0.25), radius=12)
    assert scores.dice > 0.6
    assert scores.detection_f1 > 0.6
