"""What files say about the size of their pixels, and what is not believed."""

import numpy as np
import pytest

from cancernet.slides import open_slide
from cancernet.slides.reading.pitch import from_aperio, from_dots, from_ome, from_openslide, from_spacing
from slides.made import picture, write_tiff

INCH, CM = 2, 3


def sides(pitch):
    return None if pitch is None else (pytest.approx(pitch.um_x), pytest.approx(pitch.um_y))


@pytest.mark.parametrize(
    ("text", "mpp"),
    [
        ("Aperio Image Library v10|AppMag = 20|MPP = 0.4990|Left = 25.69", 0.499),
        ("Aperio|MPP=0.2527", 0.2527),
        ("Aperio|MPP = 0,2527|", 0.2527),
        ("Aperio|AppMag = 40", None),
        ("Aperio|MPP = 0", None),
        ("Aperio|MPP = 1.2.3", None),
        ("Aperio|OriginalMPP = 0.5", None),
    ],
)
def test_aperio(text, mpp):
    assert sides(from_aperio(text)) == (mpp and (mpp, mpp))


@pytest.mark.parametrize(
    ("dots", "unit", "expected"),
    [
        ((40_000, 20_000), CM, (0.25, 0.5)),
        ((101_600, 101_600), INCH, (0.25, 0.25)),
        ((101_600, 101_600), 1, None),
        *(((dpi, dpi), INCH, None) for dpi in (1, 72, 96, 150, 300, 600, 1200)),
        ((28.35, 28.35), CM, None),
        ((0, 0), CM, None),
        ((-1, -1), CM, None),
        ((float("nan"),) * 2, CM, None),
        ((1e9, 1e9), CM, None),
    ],
)
def test_dots(dots, unit, expected):
    assert sides(from_dots(*dots, unit=unit)) == expected


def ome(said: str) -> str:
    label = '<Image><Pixels SizeX="50" SizeY="40" PhysicalSizeX="9" PhysicalSizeY="9"/></Image>'
    return f'<OME>{label}<Image><ome:Pixels ID="P" SizeX="300" SizeY="220" {said}></ome:Pixels></Image></OME>'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('PhysicalSizeX="0.25" PhysicalSizeY="0.5"', (0.25, 0.5)),
        ('PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.00025" PhysicalSizeYUnit="mm"', (0.25, 0.25)),
        ('PhysicalSizeX="0.25" PhysicalSizeXUnit="&#181;m" PhysicalSizeY="0.25" PhysicalSizeYUnit="µm"', (0.25, 0.25)),
        ('PhysicalSizeX="0.25" PhysicalSizeXUnit="pixel" PhysicalSizeY="0.25" PhysicalSizeYUnit="pixel"', None),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="mm" PhysicalSizeY="1" PhysicalSizeYUnit="mm"', None),
        ('PhysicalSizeX="0.25"', None),
        ('PhysicalSizeX="x" PhysicalSizeY="0.25"', None),
        ("", None),
    ],
)
def test_ome(said, expected):
    assert sides(from_ome(ome(said), (300, 220))) == expected


def test_ome_of_another_size_says_nothing():
    assert from_ome(ome('PhysicalSizeX="0.25" PhysicalSizeY="0.5"'), (301, 220)) is None


def test_openslide():
    said = {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.5", "openslide.vendor": "leica"}
    assert sides(from_openslide(said)) == (0.25, 0.5)
    assert from_openslide({}) is None
    assert from_openslide({**said, "openslide.mpp-x": "352.7"}) is None  # 72 dots per inch


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        ([0.0005, 0.00025], (0.25, 0.5)),
        (None, None),
        ([0.0005], None),
        ([0, 0], None),
        ([1, 1], None),
        (["0\x0f00025", "x"], None),
    ],
)
def test_dicom_says_rows_first(spacing, expected):
    assert sides(from_spacing(spacing)) == expected


def test_aperio_goes_before_resolution(tmp_path):
    options = {"resolution": (10_000, 10_000), "resolutionunit": "CENTIMETER", "compression": "deflate"}
    path = write_tiff(tmp_path / "a.svs", [picture()], description="Aperio|MPP = 0.5", **options)
    with open_slide(path) as slide:
        assert (slide.pitch.mpp, slide.pitch.source) == (0.5, "aperio.MPP")
    path = write_tiff(tmp_path / "b.svs", [picture()], description="Aperio|AppMag = 40", **options)
    with open_slide(path) as slide:
        assert (slide.pitch.mpp, slide.pitch.source) == (pytest.approx(1.0), "TIFF resolution")


def test_dots_of_a_screen_are_not_believed(tmp_path):
    for dpi in (72, 96):
        path = write_tiff(tmp_path / "a.tif", [picture()], resolution=(dpi, dpi), resolutionunit="INCH")
        with open_slide(path) as slide:
            assert slide.pitch is None


def test_the_mean_of_both_sides_keeps_areas():
    pitch = from_spacing([0.0005, 0.00025])
    assert np.isclose(pitch.mpp**2, pitch.um_x * pitch.um_y)
