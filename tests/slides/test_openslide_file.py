"""What only OpenSlide reads: bounds, transparency, its own levels. A canvas of real pixels stands for the scanner."""

import numpy as np
import openslide
import pytest
import tifffile

from cancernet.errors import CorruptFile
from cancernet.geometry import Box
from cancernet.slides.reading.openslide_file import OpenSlideSlide
from slides.made import Canvas, levels, picture, write_tiff

WIDE = picture(400, 300)


def canvas_slide(tmp_path, bounds, *, factors=(1, 2, 4), alpha=255, more=None) -> tuple[OpenSlideSlide, Canvas]:
    """Return a slide on a canvas of 400 x 300; bounds are left, top, width, height."""
    names = ("x", "y", "width", "height")
    properties = {f"openslide.bounds-{name}": str(value) for name, value in zip(names, bounds, strict=True)}
    images = [np.dstack([level, np.full(level.shape[:2], alpha, np.uint8)]) for level in levels(WIDE, factors)]
    canvas = Canvas(images, {**properties, **(more or {})})
    return OpenSlideSlide(tmp_path / "a.mrxs", source=canvas), canvas


def test_the_plane_is_the_scanned_area(tmp_path):
    slide, _ = canvas_slide(tmp_path, (41, 33, 200, 150))
    assert slide.l0_size == (200, 150)
    np.testing.assert_array_equal(slide.read(Box(0, 0, 200, 150), px_size=(200, 150)), WIDE[33:183, 41:241])
    beyond = slide.read(Box(-10, -10, 20, 20), px_size=(20, 20))
    assert (beyond[:10] == 255).all()  # although the canvas goes on
    np.testing.assert_array_equal(beyond[10:, 10:], WIDE[33:43, 41:51])


@pytest.mark.parametrize("factor", [2, 4])
def test_levels_are_read_on_their_own_pixels(tmp_path, factor):
    # Bounds between two pixels of the level: the nearer one, never a blur of both (the canvas refuses it).
    slide, _ = canvas_slide(tmp_path, (41, 33, 200, 150))
    found = slide.read(Box(20, 40, 25 * factor, 20 * factor), px_size=(25, 20))
    left, top = round((41 + 20) / factor), round((33 + 40) / factor)
    np.testing.assert_array_equal(found, levels(WIDE, (factor,))[0][top : top + 20, left : left + 25])


@pytest.mark.parametrize("bounds", [(0, 0, 400, 300), (390, 290, 100, 100), (0, 0, 0, 0), (-5, 0, 10, 10)])
def test_bounds_that_do_not_lie_on_the_canvas(tmp_path, bounds):
    slide, _ = canvas_slide(tmp_path, bounds)
    size = (10, 10) if bounds[0] == 390 else (400, 300)
    assert slide.l0_size == size


@pytest.mark.parametrize(
    ("said", "colour"), [({}, (255, 255, 255)), ({"openslide.background-color": "F0E0D0"}, (240, 224, 208))]
)
def test_what_was_not_scanned_has_the_colour_of_the_background(tmp_path, said, colour):
    slide, canvas = canvas_slide(tmp_path, (0, 0, 400, 300), more=said)
    canvas.images[0] = canvas.images[0].copy()
    canvas.images[0][50:100, 50:100, 3] = 0
    canvas.images[0][100:120, 50:100, 3] = 128
    found = slide.read(Box(40, 40, 100, 100), px_size=(100, 100))
    assert (found[10:60, 10:60] == colour).all()
    mixed = WIDE[100:120, 50:100] * (128 / 255) + np.array(colour) * (127 / 255)
    np.testing.assert_allclose(found[60:80, 10:60], mixed, atol=1.5)
    np.testing.assert_array_equal(found[90:], WIDE[130:140, 40:140])


def test_vendor_and_pitch(tmp_path):
    said = {"openslide.vendor": "hamamatsu", "openslide.mpp-x": "0.2214", "openslide.mpp-y": "0.2277"}
    slide, canvas = canvas_slide(tmp_path, (0, 0, 400, 300), more=said)
    assert slide.vendor == "Hamamatsu"
    assert (slide.pitch.um_x, slide.pitch.um_y, slide.pitch.source) == (0.2214, 0.2277, "openslide.mpp")
    slide.close()
    assert canvas.closed


def test_a_real_file_that_vanished(tmp_path):
    with pytest.raises(CorruptFile, match=r"nothing\.svs"):
        OpenSlideSlide(tmp_path / "nothing.svs")


@pytest.mark.realdata
def test_a_real_slide_as_openslide_returns_it(realdata):
    path = realdata / "wsi" / "CMU-1-Small-Region.svs"
    with OpenSlideSlide(path) as slide, openslide.OpenSlide(path) as twin:
        assert (slide.vendor, slide.pitch.mpp) == ("Aperio", pytest.approx(0.499))
        found = slide.read(Box(100, 200, 300, 250), px_size=(300, 250))
        np.testing.assert_array_equal(found, np.asarray(twin.read_region((100, 200), 0, (300, 250)).convert("RGB")))


def test_a_damaged_tile(tmp_path):
    path = write_tiff(tmp_path / "a.tif", levels(WIDE), compression="deflate")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    content[start : start + 30] = bytes(30)
    path.write_bytes(bytes(content))
    with (
        OpenSlideSlide(path) as slide,
        pytest.raises(CorruptFile, match=r"a\.tif' cannot be read at x 0, y 0 of level 0"),
    ):
        slide.read(Box(0, 0, 200, 200), px_size=(200, 200))
