"""Squares around nuclei, against plain slow code."""

import numpy as np
import pytest
from PIL import Image

from cancernet.cells import cut_crops


def slowly(image, centre, *, size, side):
    """Return the twin: mirrored pixels one by one, scaled by Pillow, or the means of the parts of pixels."""
    height, width = image.shape[:2]
    first = [int(np.floor(place - side / 2 + 0.5)) for place in centre]

    def mirrored(place, length):
        place %= 2 * length
        return place if place < length else 2 * length - 1 - place

    rows = [mirrored(first[1] + step, height) for step in range(side)]
    columns = [mirrored(first[0] + step, width) for step in range(side)]
    square = image[np.ix_(rows, columns)]
    if side == size:
        return square
    if side < size:
        return np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR))
    fine = np.repeat(np.repeat(square.astype(float), size, 0), size, 1)  # each pixel in size x size parts
    return fine.reshape(size, side, size, side, 3).mean(axis=(1, 3))


@pytest.mark.parametrize(("size", "scale", "side"), [(32, 1.0, 32), (32, 2.0, 64), (32, 1.53, 49), (30, 0.7, 21)])
def test_crops_agree_with_plain_code(size, scale, side):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    centres = np.array([(60.2, 45.7), (0.0, 0.0), (119.9, 89.9), (3.5, 70.0)])
    crops = cut_crops(image, centres, size=size, scale=scale)
    assert crops.shape == (4, size, size, 3)
    for crop, centre in zip(crops, centres, strict=True):
        twin = slowly(image, centre, size=size, side=side)
        assert np.abs(crop.astype(int) - twin).max() <= 1


def test_a_crop_depends_on_its_surroundings_alone():
    image = np.random.default_rng(3).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    whole = cut_crops(image, np.array([(100.3, 110.8)]), size=24, scale=1.7)
    part = cut_crops(image[60:170, 40:160], np.array([(60.3, 50.8)]), size=24, scale=1.7)
    assert np.array_equal(whole, part)


def test_no_nucleus_no_crop():
    assert cut_crops(np.zeros((9, 9, 3), np.uint8), np.empty((0, 2)), size=32, scale=2.0).shape == (0, 32, 32, 3)
