import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cancernet.errors import InvalidInput
from cancernet.stain import HE_VECTORS, combine, from_optical_density, optical_density, separate, unmixing

EVERY_VALUE = np.arange(256, dtype=np.uint8)
REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "rgb2hed.json").read_text())

pixels = arrays(np.uint8, (5, 3))


def test_density_by_hand():
    found = optical_density(np.array([[255, 127, 63, 0]], dtype=np.uint8))
    assert found.dtype == np.float32
    assert found == pytest.approx(np.log([[1, 2, 4, 256]]), abs=1e-6)


def test_every_value_comes_back():
    assert np.array_equal(from_optical_density(optical_density(EVERY_VALUE)), EVERY_VALUE)


def test_densities_beyond_black_and_white_are_held():
    assert from_optical_density(np.array([-3.0, 0.0, 50.0])).tolist() == [255, 255, 0]


def test_amounts_agree_with_scikit_image():
    vectors = np.array(REFERENCE["vectors"])
    found = separate(np.array(REFERENCE["colours"], dtype=np.uint8), vectors=vectors)
    expected = np.array(REFERENCE["amounts"])  # scikit-image replaces amounts below zero by zero
    assert (expected > 0).sum() > 20
    assert np.maximum(found, 0) == pytest.approx(expected, abs=2e-5)


def test_vectors_are_those_of_the_paper():
    haematoxylin, eosin, residual = HE_VECTORS
    assert haematoxylin == pytest.approx([0.65, 0.70, 0.29], abs=5e-3)
    assert eosin == pytest.approx([0.07, 0.99, 0.11], abs=5e-3)
    assert np.linalg.norm(HE_VECTORS, axis=1) == pytest.approx(1)
    assert HE_VECTORS[:2] @ residual == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        HE_VECTORS[0, 0] = 1


@pytest.mark.parametrize("stain", [0, 1])
def test_a_pure_stain_is_found_as_itself(stain):
    amounts = np.zeros((1, 3))
    amounts[0, stain] = 0.8
    assert separate(combine(amounts)) == pytest.approx(amounts, abs=0.02)  # half a grey level of rounding


@given(pixels)
def test_separation_can_be_undone(colours):
    assert np.array_equal(combine(separate(colours)), colours)


@given(pixels, st.floats(0.2, 3))
def test_longer_vectors_are_larger_units(colours, length):
    assert separate(colours, vectors=HE_VECTORS * length) == pytest.approx(separate(colours) / length, abs=1e-4)


def test_any_leading_shape():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    assert separate(images).shape == images.shape
    assert separate(images[1, 2, 3]) == pytest.approx(separate(images)[1, 2, 3], abs=1e-6)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 3)), "type float64.*uint8"),
        (np.zeros((2, 4), np.uint8), r"shape \(2, 4\).*red, green, blue"),
        (np.uint8(3), r"shape \(\)"),
    ],
)
def test_what_is_no_image_is_refused(images, words):
    with pytest.raises(InvalidInput, match=words):
        separate(images)


@pytest.mark.parametrize(
    "vectors",
    [np.ones((3, 3)), np.eye(2), np.full((3, 3), np.nan), np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]])],
    ids=["one direction", "two stains", "no numbers", "no third stain"],
)
def test_vectors_without_three_directions_are_refused(vectors):
    with pytest.raises(InvalidInput, match="different directions"):
        unmixing(vectors)
