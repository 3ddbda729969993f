"""A bundle that outlines: tiles without seams, any resolution, refusals."""

from itertools import pairwise

import numpy as np
import pytest

from bundle.made import made_bundle
from cancernet.cells import NetworkSegmenter, read_maps
from cancernet.cells.network import tile_starts
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.geometry import dihedral, undo_dihedral
from cells.fieldbundle import MARGIN, TILE, field_bundle


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return field_bundle(tmp_path_factory.mktemp("fields") / "small")


@pytest.fixture(scope="module")
def segmenter(folder):
    with NetworkSegmenter(folder) as opened:
        yield opened


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("length", [1, 100, 128, 129, 208, 209, 1000])
def test_tiles_cover_a_line(length):
    starts = tile_starts(length, size=TILE, margin=MARGIN)
    assert starts[0] == 0
    assert starts[-1] + TILE >= length
    assert all(later - earlier == TILE - 2 * MARGIN for earlier, later in pairwise(starts))


def test_tiles_answer_as_one_large_tile_does(segmenter, tmp_path):
    """The margin is wider than what this network sees, so no pixel knows how the image was cut."""
    pixels = image(288, 288)
    with NetworkSegmenter(field_bundle(tmp_path / "large", 288)) as large:
        whole = large.maps(pixels, mpp=0.5)
    np.testing.assert_allclose(segmenter.maps(pixels, mpp=0.5), whole, atol=1e-5)


@pytest.mark.parametrize("views", [1, 2, 4, 8])
def test_the_mean_over_views_turns_with_the_image(segmenter, views):
    pixels, single = image(96, 128), segmenter.taken
    taken = single.model_copy(update={"views": views})
    used = range(0, 8, 8 // views)
    each = [
        undo_dihedral(read_maps(segmenter.model, dihedral(pixels[None], k)[0], taken=single, maps=2)[None], k)[0]
        for k in used
    ]
    found = read_maps(segmenter.model, pixels, taken=taken, maps=2)
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-6)
    turned = read_maps(segmenter.model, dihedral(pixels[None], used[-1])[0], taken=taken, maps=2)
    np.testing.assert_allclose(undo_dihedral(turned[None], used[-1])[0], found, atol=1e-5)


@pytest.mark.parametrize("views", [1, 2, 8])
def test_a_part_of_an_image_has_the_maps_of_the_whole_in_all_views(segmenter, views):
    """Parts begin at multiples of what the network halves images by; how long they are does not matter."""
    pixels, taken = image(300, 300), segmenter.taken.model_copy(update={"views": views})
    whole = read_maps(segmenter.model, pixels, taken=taken, maps=2)
    part = read_maps(segmenter.model, pixels[64:251, 32:263], taken=taken, maps=2)
    inside = slice(MARGIN, -MARGIN)
    np.testing.assert_allclose(part[inside, inside], whole[64:251, 32:263][inside, inside], atol=1e-5)


@pytest.mark.parametrize(("shape", "mpp"), [((100, 90), 0.5), ((150, 130), 0.25), ((40, 60), 1.0), ((1, 1), 0.5)])
def test_labels_have_the_shape_of_the_image_at_any_resolution(segmenter, shape, mpp):
    labels = segmenter.labels(image(*shape), mpp=mpp)
    assert labels.shape == shape
    assert labels.dtype == np.int32
    assert labels.min() >= 0


@pytest.mark.parametrize("mpp", [0.01, 50.0])
def test_a_resolution_far_from_the_known_one_is_refused(segmenter, mpp):
    with pytest.raises(InvalidInput, match="microns per pixel"):
        segmenter.labels(image(64, 64), mpp=mpp)


@pytest.mark.parametrize("wrong", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_what_is_no_image_is_refused(segmenter, wrong):
    with pytest.raises(InvalidInput, match="RGB"):
        segmenter.labels(wrong, mpp=0.5)


def test_a_bundle_that_outlines_nothing_is_refused(tmp_path):
    with pytest.raises(BundleMismatch, match="outlines nothing"):
        NetworkSegmenter(made_bundle(tmp_path / "table"))


def test_the_programs_that_give_classes_refuse_it(folder):
    from typer.testing import CliRunner

    from cancernet.cli.main import app

    for verb in (["predict", str(folder), "x.csv"], ["explain", str(folder), "x.csv"]):
        done = CliRunner().invoke(app, verb)
        assert "outlines each nucleus" in str(done.exception) + done.output
