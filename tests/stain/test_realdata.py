"""Real H&E: images of many laboratories come closer to each other, and stay H&E."""

import numpy as np
import pytest
from PIL import Image

from cancernet.stain import MACENKO_TARGET, fit_macenko, fit_reinhard, normalise
from stain.made import degrees

# For each set, at most: what becomes of the spread of the mean colour between images (measured: 0.59, 0.80, 0.48);
# degrees between the eosin found afterwards and that of the target (1, 9, 1); change of the amounts found afterwards.
# Glass is tinted in `lung`: other pixels are darker than the background afterwards, and Macenko's eosin moves.
SETS = {
    "nuclei/monuseg/images/*": (0.7, 2.0, 0.1),
    "lung/*/*0.jp*g": (0.95, 12.0, 0.3),
    "gleason/tiles/*/*7.jp*g": (0.6, 2.0, 0.1),
}


@pytest.fixture(scope="module", params=SETS)
def images(realdata, request):
    """Return the limits of a set, and the pixels of each image, (n, 3)."""
    found = [_pixels(path) for path in sorted(realdata.glob(request.param))]
    assert len(found) >= 30
    return SETS[request.param], [pixels for pixels in found if (pixels < 219).all(axis=1).sum() >= 1000]


def _pixels(path):
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    return pixels[:: max(1, len(pixels) // 20_000)]


def _spread(images, shown):
    """Return the standard deviation of the mean colour of tissue between images, averaged over red, green, blue."""
    means = [new[(old < 220).any(axis=1)].mean(axis=0) for old, new in zip(images, shown, strict=True)]
    return np.std(means, axis=0).mean()


@pytest.mark.realdata
def test_macenko_brings_images_together(images):
    (most, _, _), images = images
    shown = [normalise(pixels, fit_macenko(pixels)) for pixels in images]
    assert _spread(images, shown) < most * _spread(images, images)
    for pixels in shown:
        red, green, blue = pixels.mean(axis=0)
        assert red > green < blue, "tissue is pink to violet"


@pytest.mark.realdata
def test_after_macenko_the_stains_are_those_of_the_target(images):
    (_, most, change), images = images
    again = [fit_macenko(normalise(pixels, fit_macenko(pixels))) for pixels in images]
    apart = np.array([degrees(fit.vectors[:2], MACENKO_TARGET.vectors[:2]) for fit in again])
    haematoxylin, eosin = np.median(apart, axis=0)
    assert haematoxylin < 1
    assert eosin < most
    assert np.median([fit.amounts for fit in again], axis=0) == pytest.approx(MACENKO_TARGET.amounts, rel=change)


@pytest.mark.realdata
def test_reinhard_brings_images_together(images):
    images = images[1]
    shown = [normalise(pixels, fit_reinhard(pixels)) for pixels in images]
    assert _spread(images, shown) < 0.15 * _spread(images, images)
