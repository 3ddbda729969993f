"""Small pictures of whole slides."""

import numpy as np
import pytest

from cancernet.errors import InvalidInput, MissingResolution
from cancernet.slides import Pitch, open_slide, thumbnail, thumbnail_size
from slides.made import levels, picture, write_tiff

PICTURE = picture()


@pytest.fixture
def slide(tmp_path):
    settings = {"resolution": (40_000, 20_000), "resolutionunit": "CENTIMETER"}
    with open_slide(write_tiff(tmp_path / "a.tif", levels(PICTURE), **settings)) as slide:
        yield slide


def test_pixels_of_a_thumbnail_are_square(slide):
    assert thumbnail_size(slide, mpp=1) == (75, 110)
    assert thumbnail_size(slide, longest=110) == (75, 110)
    assert thumbnail(slide, mpp=2).shape == (55, 38, 3)


def test_its_pixels_are_means(slide):
    expected = PICTURE.reshape(110, 2, 75, 4, 3).mean(axis=(1, 3))
    assert np.abs(thumbnail(slide, longest=110) - expected).max() <= 1


def test_another_pitch_goes_before_that_of_the_file(slide):
    assert thumbnail_size(slide, mpp=1, pitch=Pitch(1, 1, "--mpp")) == (300, 220)


def test_it_never_vanishes(slide):
    assert thumbnail(slide, mpp=500).shape == (1, 1, 3)


@pytest.mark.parametrize("asked", [{}, {"mpp": 1, "longest": 100}, {"mpp": 0}, {"longest": -3}, {"mpp": float("nan")}])
def test_one_size_must_be_said(slide, asked):
    with pytest.raises(InvalidInput, match="Expected one of them"):
        thumbnail(slide, **asked)


def test_microns_need_a_resolution(tmp_path):
    with open_slide(write_tiff(tmp_path / "a.tif", [PICTURE])) as slide:
        assert thumbnail_size(slide, longest=150) == (150, 110)
        with pytest.raises(MissingResolution, match=r"a\.tif"):
            thumbnail(slide, mpp=8)
