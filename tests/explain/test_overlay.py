import io

import numpy as np
import pytest
from hypothesis import given, strategies
from PIL import Image

from cancernet.errors import InvalidInput
from cancernet.explain import cam_picture, overlay
from cancernet.explain.overlay import LEAST_SIDE, png_bytes

# What people without one kind of cone see, on linear RGB: Machado et al. 2009, doi:10.1109/TVCG.2009.113.
EYES = {
    "common": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
PAPER = 255


def patches(size=50, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def hill(size=50):
    place = np.arange(size)
    return np.exp(-((place[:, None] - 15) ** 2 + (place - 30) ** 2) / 100)


def lightness(colours, eye):
    """CIE L*, 0 to 100."""
    shares = colours / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    luminance = np.clip(linear @ np.array(eye).T, 0, 1) @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, 24389 / 27 * luminance)


# --- the overlay


def test_where_the_map_is_zero_there_is_no_colour():
    laid = overlay(patches(), np.zeros((50, 50)))
    assert (laid.shape, laid.dtype) == ((50, 50, 3), np.uint8)
    assert (laid == laid[..., :1]).all()
    brightest = overlay(np.full((2, 2, 3), 255, np.uint8), np.zeros((2, 2)))
    assert (brightest == 127).all()  # darkened by half


def test_colour_comes_from_the_map_alone():
    red, green = (np.zeros((4, 4, 3), np.uint8) for _ in range(2))
    red[..., 0], green[..., 1] = 255, round(255 * 0.2126 / 0.7152)  # of the same luminance
    cam = np.linspace(0, 1, 16).reshape(4, 4)
    assert overlay(red, cam).astype(int) == pytest.approx(overlay(green, cam).astype(int), abs=1)


def test_a_flat_map_of_ones_covers_all_the_same():
    laid = overlay(np.full((3, 3, 3), 90, np.uint8), np.ones((3, 3)))
    assert (laid == laid[0, 0]).all()
    assert np.ptp(laid[0, 0]) > 100  # a colour


@pytest.mark.parametrize("eye", EYES)
@given(grey=strategies.integers(0, 255))
def test_stronger_is_lighter_on_any_patch_for_any_eye(eye, grey):
    ramp = np.linspace(0, 1, 101)[None]
    seen = lightness(overlay(np.full((1, 101, 3), grey, np.uint8), ramp).astype(float), EYES[eye])[0]
    assert (np.maximum.accumulate(seen) - seen).max() < 1.5  # less than one can see
    assert seen[-1] - seen[0] > 20
    assert (np.diff(seen[::20]) > -1).all()


@pytest.mark.parametrize(
    ("patch", "cam"),
    [
        (patches(), np.zeros((49, 50))),
        (patches()[..., 0], np.zeros((50, 50))),
        (patches().astype(float), np.zeros((50, 50))),
        (patches()[None], np.zeros((1, 50, 50))),
    ],
)
def test_shapes_that_do_not_belong_together(patch, cam):
    with pytest.raises(InvalidInput, match=r"\(h, w, 3\) uint8"):
        overlay(patch, cam)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_a_map_that_is_not_scaled(wrong):
    cam = np.zeros((50, 50))
    cam[3, 3] = wrong
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        overlay(patches(), cam)


# --- the picture


def panels(picture, size, factor):
    """The two panels, found by the patch itself: below the margin, side by side."""
    side = size * factor
    return picture[16 : 16 + side, 16 : 16 + side], picture[16 : 16 + side, 28 + side : 28 + 2 * side]


@pytest.mark.parametrize(("size", "factor"), [(27, 12), (50, 7), (320, 1), (512, 1)])
def test_patch_and_overlay_are_enlarged_pixel_by_pixel(size, factor):
    patch, cam = patches(size), hill(size)
    picture = cam_picture(patch, cam)
    assert picture.dtype == np.uint8
    assert size * factor >= LEAST_SIDE
    for panel, original in zip(panels(picture, size, factor), (patch, overlay(patch, cam)), strict=True):
        assert np.array_equal(panel[::factor, ::factor], original)
        assert np.array_equal(panel, original.repeat(factor, axis=0).repeat(factor, axis=1))


def test_a_patch_that_is_no_square():
    patch = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    picture = cam_picture(patch, np.zeros((40, 60)))
    assert np.array_equal(picture[16 : 16 + 320 : 8, 16 : 16 + 480 : 8], patch)


def test_the_bar_shows_the_colours_of_the_overlay_from_strong_to_none():
    picture = cam_picture(patches(), hill())
    left = 16 + 350 + 12 + 350 + 12
    bar = picture[16 : 16 + 350, left : left + 18]
    grey = np.full((350, 18, 3), 160, np.uint8)
    assert np.array_equal(bar, overlay(grey, np.linspace(1, 0, 350)[:, None].repeat(18, axis=1)))
    assert (picture[16 : 16 + 350, left + 18 :] < PAPER).any()  # its labels


def test_title_and_caption_take_room_of_their_own():
    bare = cam_picture(patches(), hill())
    titled = cam_picture(patches(), hill(), title="one")
    whole = cam_picture(patches(), hill(), title="one", caption=["two", "three"])
    assert bare.shape[1] == titled.shape[1] == whole.shape[1]
    assert titled.shape[0] - bare.shape[0] == 26
    assert whole.shape[0] - titled.shape[0] == 40
    assert np.array_equal(titled[42:], bare[16:])
    assert (titled[16:36, 16:60] < 128).any()
    assert (whole[-56:-16] < 128).any()


@pytest.mark.parametrize(
    "text",
    ["many words " * 40, "W" * 400, "a\tb\nc\x00d", "\N{SNOWMAN}\U0001f52c 癌", "", "x" * 3000],
    ids=["words", "wide", "control", "foreign", "none", "long"],
)
def test_no_text_runs_out_of_the_picture(text):
    picture = cam_picture(patches(), hill(), title=text, caption=[text, text])
    assert (picture[:, -8:] == PAPER).all()
    assert (picture[-8:] == PAPER).all()


def test_a_long_caption_loses_nothing():
    lines = {len(cam_picture(patches(), hill(), caption=["W" * count])) for count in (1, 58, 59, 116)}
    assert len(lines) > 1
    words = [cam_picture(patches(), hill(), caption=["word " * count]) for count in (1, 40, 80)]
    inks = [int((picture[382:] < 128).all(axis=2).sum()) for picture in words]
    assert inks[1] == pytest.approx(40 * inks[0], rel=0.02)
    assert inks[2] == pytest.approx(80 * inks[0], rel=0.02)


def test_a_long_title_keeps_beginning_and_end():
    long, short = (cam_picture(patches(), hill(), title=title)[16:36] for title in ("a" * 500 + "z", "aaa"))
    assert np.array_equal(long[:, 16:40], short[:, 16:40])
    assert not np.array_equal(long, cam_picture(patches(), hill(), title="a" * 500 + "y")[16:36])


def test_the_same_picture_has_the_same_bytes():
    first, second = (png_bytes(cam_picture(patches(), hill(), title="one", caption=["two"])) for _ in range(2))
    assert first == second
    with Image.open(io.BytesIO(first)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(image), cam_picture(patches(), hill(), title="one", caption=["two"]))
