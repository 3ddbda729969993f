"""Normalised images against plain float64, and what must hold for all images."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cancernet.errors import InvalidInput
from cancernet.stain import (
    HE_VECTORS,
    MACENKO_TARGET,
    REINHARD_TARGET,
    MacenkoFit,
    ReinhardFit,
    fit_macenko,
    fit_reinhard,
    normalise,
    separate,
    separate_with,
)
from stain.made import VECTORS, amounts, tissue

RNG = np.random.default_rng
COLOURS = np.concatenate(
    [
        RNG(0).integers(0, 256, (2**17, 3), dtype=np.uint8),
        np.stack(np.meshgrid(*[[0, 1, 2, 127, 128, 253, 254, 255]] * 3), axis=-1).reshape(-1, 3).astype(np.uint8),
        tissue(RNG(1), noise=2).reshape(-1, 3),
    ]
)
SLIDE = fit_macenko(tissue(RNG(2), noise=1))
OTHER = MacenkoFit(0, (0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (1.2, 0.9), white=(250, 245, 240))
TINTED = MacenkoFit(0, (0.5, 0.75, 0.43), (0.2, 0.9, 0.39), (2.0, 1.5), white=(235, 240, 225))
WARM = ReinhardFit(0, (-1.1, -0.1, 0.05), (0.5, 0.08, 0.03))
PALE = fit_reinhard(tissue(RNG(3)) // 2 + 100)

images = arrays(np.uint8, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5).map(lambda shape: (*shape, 3)))
fits = st.sampled_from([SLIDE, OTHER, TINTED, MACENKO_TARGET, WARM, PALE, REINHARD_TARGET])
macenko_fits = st.sampled_from([SLIDE, OTHER, TINTED, MACENKO_TARGET])


def plain_macenko(colours, fit, target, *, keep_rest):
    """Return the light by the paper, float64: amounts by least squares, scaled, painted with the other vectors."""
    density = -np.log((colours.astype(np.float64) + 1) / (np.array(fit.white) + 1))
    own, theirs = np.array([fit.haematoxylin, fit.eosin]), np.array([target.haematoxylin, target.eosin])
    found = np.linalg.lstsq(own.T, density.T, rcond=None)[0].T
    painted = (found / fit.amounts * target.amounts) @ theirs
    if keep_rest:
        normal, other = np.cross(*own), np.cross(*theirs)
        lengths = np.linalg.norm(normal) * np.linalg.norm(other)
        painted += (density @ normal / lengths)[:, None] * other
    return np.clip((np.array(target.white) + 1) * np.exp(-painted) - 1, 0, 255)


def plain_reinhard(colours, fit, target, *, keep_rest):
    """Return the light by the paper, float64, logarithms to base 10."""
    to_lms = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
    to_lab = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ [[1, 1, 1], [1, 1, -2], [1, -1, 0]]
    lab = np.log10((colours + 1.0) / 256 @ to_lms.T) @ to_lab.T
    mean, deviation, wanted, spread = np.array([fit.mean, fit.deviation, target.mean, target.deviation]) / np.log(10)
    lms = 10 ** (((lab - mean) / deviation * spread + wanted) @ np.linalg.inv(to_lab).T)
    return np.clip(256 * lms @ np.linalg.inv(to_lms).T - 1, 0, 255)


@pytest.mark.parametrize("keep_rest", [False, True])
@pytest.mark.parametrize(
    ("plain", "fit", "target"),
    [
        (plain_macenko, SLIDE, MACENKO_TARGET),
        (plain_macenko, SLIDE, OTHER),
        (plain_macenko, TINTED, SLIDE),
        (plain_reinhard, WARM, REINHARD_TARGET),
        (plain_reinhard, REINHARD_TARGET, PALE),
    ],
)
def test_agrees_with_plain_float64(plain, fit, target, keep_rest):
    light = plain(COLOURS, fit, target, keep_rest=keep_rest)
    found = normalise(COLOURS, fit, target=target, keep_rest=keep_rest)
    difference = np.abs(found.astype(np.int64) - np.rint(light).astype(np.int64))
    assert difference.max() <= 1
    assert np.abs(found - light).max() < 0.505  # so it differs only where the value lies next to a half
    assert (difference > 0).mean() < 1e-3


@given(images, fits)
def test_shape_and_type_stay_and_the_input_is_not_written(pixels, fit):
    before = pixels.copy()
    found = normalise(pixels, fit)
    assert (found.shape, found.dtype) == (pixels.shape, np.uint8)
    assert np.array_equal(pixels, before)


@given(images, fits)
def test_a_slide_is_its_own_normalised_image(pixels, fit):
    assert np.array_equal(normalise(pixels, fit, target=fit, keep_rest=True), pixels)


def test_without_the_rest_a_slide_of_two_stains_is_its_own_normalised_image():
    pixels = tissue(RNG(4))
    fit = fit_macenko(pixels, alpha=0)
    found = normalise(pixels, fit, target=fit)
    assert np.abs(found.astype(int) - pixels).max() <= 2


@given(macenko_fits, macenko_fits, st.booleans())
def test_white_becomes_white(fit, target, keep_rest):
    glass = np.array([fit.white], dtype=np.uint8)
    assert normalise(glass, fit, target=target, keep_rest=keep_rest).tolist() == [list(target.white)]


@pytest.mark.parametrize(("fit", "other"), [(SLIDE, MACENKO_TARGET), (SLIDE, OTHER), (WARM, REINHARD_TARGET)])
def test_there_and_back_again(fit, other):
    pixels = tissue(RNG(5), noise=1)
    there = normalise(pixels, fit, target=other, keep_rest=True)
    inside = ((there > 0) & (there < 255)).all(axis=-1)  # what was cut off is lost
    back = normalise(there, other, target=fit, keep_rest=True)
    difference = np.abs(back.astype(int) - pixels)[inside]
    assert inside.mean() > 0.8
    assert np.abs(there.astype(int) - pixels).mean() > 5
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) <= 2


def test_tissue_of_one_laboratory_becomes_that_of_another():
    vectors = np.array([MACENKO_TARGET.haematoxylin, MACENKO_TARGET.eosin])
    pixels, wanted = tissue(RNG(6)), tissue(RNG(6), vectors=vectors)
    found = normalise(pixels, fit_macenko(pixels, alpha=0), target=fit_macenko(wanted, alpha=0))
    assert np.abs(found.astype(int) - wanted).mean() < 1
    assert np.abs(pixels.astype(int) - wanted).mean() > 9


@pytest.mark.parametrize("count", [1, 2**14 - 1, 2**14, 2**14 + 1, 3 * 2**14 + 5])
@pytest.mark.parametrize("fit", [SLIDE, WARM])
def test_blocks_have_no_edges(fit, count):
    found = normalise(COLOURS[:count], fit)
    assert np.array_equal(found, normalise(COLOURS, fit)[:count])
    assert np.array_equal(found[-1], normalise(COLOURS[count - 1], fit))


def test_views_are_as_good_as_arrays():
    pixels = tissue(RNG(7))
    view = pixels[10:90, ::-1][:, 3:50]
    assert np.array_equal(normalise(view, SLIDE), normalise(view.copy(), SLIDE))


def test_amounts_of_known_tissue_are_found():
    truth = amounts(RNG(8))
    fit = MacenkoFit(0, tuple(VECTORS[0]), tuple(VECTORS[1]), (1, 1))
    found = separate_with(tissue(RNG(8)), fit).reshape(-1, 3)
    bright = (tissue(RNG(8)) > 40).all(axis=-1).ravel()  # in the dark, half a grey level is much
    assert found.dtype == np.float32
    assert found[bright, :2] == pytest.approx(truth[bright], abs=0.05)
    assert found[bright, 2] == pytest.approx(0, abs=0.02)


def test_amounts_are_counted_from_white():
    glass = np.array([[TINTED.white]], dtype=np.uint8)
    assert separate_with(glass, TINTED) == pytest.approx(0, abs=1e-6)
    plain = MacenkoFit(0, tuple(HE_VECTORS[0]), tuple(HE_VECTORS[1]), (1, 1))
    some = COLOURS[::50]
    assert separate_with(some, plain)[:, :2] == pytest.approx(separate(some)[:, :2], abs=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (partial(normalise, np.zeros((2, 3)), SLIDE), "float64.*uint8"),
        (partial(normalise, np.zeros((2, 4), np.uint8), SLIDE), r"shape \(2, 4\)"),
        (partial(normalise, COLOURS, SLIDE, target=WARM), "target by 'reinhard'.*fit_macenko"),
        (partial(normalise, COLOURS, WARM, target=SLIDE), "target by 'macenko'.*fit_reinhard"),
        (partial(separate_with, COLOURS, WARM), "fit by 'reinhard'.*fit_macenko"),
        (partial(separate_with, COLOURS[:, :2], SLIDE), "red, green, blue"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(InvalidInput, match=words):
        call()
