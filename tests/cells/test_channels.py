"""Channels by the stains of an image: the same for a pale and a dark stain, and in a tile as in the whole image."""

import numpy as np
import pytest

from cancernet.bundle import FieldInput, PixelSize, write
from cancernet.cells import Classical, Fits, NetworkSegmenter, StainChannels
from cancernet.errors import InvalidInput
from cancernet.stain import from_optical_density, optical_density
from cells.drawn import field
from cells.fieldbundle import MARGIN, MPP, TILE, field_card, field_files


def channels(image, mpp=0.25):
    return StainChannels.fit([image], mpp=mpp).apply(image, mpp=mpp)


def test_nuclei_are_dark_and_the_ground_is_even():
    image, labels = field(5)
    found = channels(image)
    inside, outside = labels > 0, labels == 0
    assert found.dtype == np.uint8
    assert np.median(found[outside, 0]) == pytest.approx(190, abs=3)
    assert np.median(found[inside, 0]) == pytest.approx(90, abs=8)
    assert (found[inside, 1] < 128).mean() > 0.9  # above the threshold
    assert (found[outside, 1] > 128).mean() > 0.9
    np.testing.assert_array_equal(found[..., 2], image[..., 0])


def test_the_threshold_is_that_of_the_path_without_a_network():
    image, _ = field(6)
    fitted = Classical().fit([image], mpp=0.25)
    amount, threshold = fitted.stain(image, mpp=0.25)
    above = 128 - 64 * (amount - threshold) / fitted.spread
    np.testing.assert_array_equal(channels(image)[..., 1], above.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("strength", [0.6, 1.4])
def test_a_paler_or_a_darker_stain_changes_little(strength):
    image, _ = field(7)
    other = from_optical_density(optical_density(image) * strength)
    one, two = channels(image).astype(float), channels(other).astype(float)
    assert np.abs(one - two)[..., :2].mean() < 4
    assert np.abs(one - two)[..., 2].mean() > 8  # red light alone sees the difference


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_image_of_one_shade_is_all_ground(grey):
    found = channels(np.full((40, 50, 3), grey, np.uint8))
    assert np.unique(found.reshape(-1, 3), axis=0).tolist() == [[190, 192, grey]]


def test_a_tile_has_the_channels_of_the_whole():
    image, _ = field(8, size=320, nuclei=40)
    fitted = StainChannels.fit([image], mpp=0.25)
    whole, tile = fitted.apply(image, mpp=0.25), fitted.apply(image[:240], mpp=0.25)
    np.testing.assert_array_equal(whole[:200], tile[:200])  # 40 pixels are more than half of a window


def test_what_is_no_image_is_refused():
    with pytest.raises(InvalidInput):
        channels(np.zeros((5, 5), np.uint8))


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    """A network with random weights that asks for these channels."""
    folder = tmp_path_factory.mktemp("stained") / "bundle"
    keras_file, onnx_file = field_files()
    taken = FieldInput(size=TILE, margin=MARGIN, pixel_size=PixelSize(status="known", mpp=MPP), channels="haematoxylin")
    write(folder, field_card(input=taken), keras_file=keras_file, onnx_file=onnx_file)
    with NetworkSegmenter(folder) as opened:
        yield opened


def test_a_network_that_asks_for_channels_sees_them(segmenter):
    image, _ = field(9, size=128)
    before = segmenter.maps(image, mpp=MPP)
    colours = segmenter.taken
    segmenter.taken = colours.model_copy(update={"channels": "rgb"})
    seen = segmenter.maps(channels(image, MPP), mpp=MPP)
    other = segmenter.maps(image, mpp=MPP)
    segmenter.taken = colours
    np.testing.assert_array_equal(before, seen)
    assert not np.allclose(before, other, atol=1e-3)


def test_tiles_of_a_slide_are_seen_by_the_stains_of_the_slide(segmenter):
    image, _ = field(10, size=320, nuclei=40)
    assert isinstance(segmenter, Fits)
    fitted = segmenter.fit([image], mpp=MPP)
    whole, tile = fitted.maps(image, mpp=MPP), fitted.maps(image[:256], mpp=MPP)
    np.testing.assert_allclose(whole[:192], tile[:192], atol=1e-5)
    alone = segmenter.maps(image[:64], mpp=MPP)
    assert not np.allclose(fitted.maps(image[:64], mpp=MPP), alone, atol=1e-3)
