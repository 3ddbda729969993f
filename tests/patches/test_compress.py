from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from cancernet.patches import JPEG_DRAWS, SUBSAMPLINGS, as_any_jpeg, as_jpeg


@pytest.fixture
def image() -> np.ndarray:
    """Return blobs of colour, 50 pixels wide."""
    blobs = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(50, 50, 3)), (2, 2, 0), mode="wrap")
    return np.rint(128 + 60 * blobs / np.abs(blobs).max()).astype(np.uint8)


@pytest.mark.parametrize("quality", [70, 95])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_it_is_the_middle_of_what_pillow_writes(image, quality, subsampling):
    canvas = np.pad(image, ((5, 9), (11, 3), (0, 0)), mode="symmetric")  # 64 x 64: whole blocks
    with BytesIO() as file:
        place = SUBSAMPLINGS.index(subsampling)
        Image.fromarray(canvas).save(file, "JPEG", quality=quality, subsampling=place)
        expected = np.asarray(Image.open(file))[5:55, 11:61]
    assert np.array_equal(as_jpeg(image, quality=quality, subsampling=subsampling, offset=(5, 11)), expected)


def test_colours_of_a_quarter_lose_their_detail_and_grey_does_not(image):
    image[::2, :, 0] = 200  # a red line in every second row
    grey = image.copy()
    grey[...] = image[..., :1]

    def lost(before: np.ndarray, subsampling: str) -> float:
        return float(np.abs(as_jpeg(before, quality=95, subsampling=subsampling).astype(float) - before).mean())

    assert lost(image, "4:2:0") > 3 * lost(image, "4:4:4")
    assert lost(grey, "4:2:0") == pytest.approx(lost(grey, "4:4:4"), rel=0.05)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (16, 16), (17, 33)])
def test_any_size_keeps_its_shape(size):
    image = np.full((*size, 3), 77, np.uint8)
    found = as_jpeg(image, quality=80, offset=(15, 1))
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - 77).max() <= 1


def test_what_scanners_write_is_drawn_from_the_whole_range(image):
    ends = [as_any_jpeg(image, [end, third, 0.0, 0.0]) for end in (0.0, 0.999) for third in (0.0, 0.5, 0.999)]
    expected = [as_jpeg(image, quality=quality, subsampling=kind) for quality in (70, 95) for kind in SUBSAMPLINGS]
    assert all(np.array_equal(*pair) for pair in zip(ends, expected, strict=True))
    assert JPEG_DRAWS == 4
