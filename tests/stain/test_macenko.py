"""Macenko's fit against the paper in plain float64, and against tissue of known stains."""

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.stain import HE_VECTORS, MACENKO_TARGET, MacenkoFit, fit_macenko
from stain.made import VECTORS, degrees, tissue

RNG = np.random.default_rng


def by_the_paper(pixels, *, beta=0.15, alpha=1.0):
    """Steps 1 to 8 of the paper's list, by the singular value decomposition of all densities and least squares."""
    density = -np.log((pixels.reshape(-1, 3).astype(np.float64) + 1) / 256)
    density = density[(density > beta).all(axis=1)]
    directions = np.linalg.svd(density, full_matrices=False)[2][:2]
    directions *= np.where(directions.sum(axis=1, keepdims=True) < 0, -1, 1)
    angles = np.arctan2(density @ directions[1], density @ directions[0])
    ends = [np.cos(a) * directions[0] + np.sin(a) * directions[1] for a in np.percentile(angles, [alpha, 100 - alpha])]
    vectors = np.array(ends if ends[0][0] > ends[1][0] else ends[::-1])
    found = np.linalg.lstsq(vectors.T, density.T, rcond=None)[0]
    return vectors, np.percentile(found, 99, axis=1)


@pytest.mark.parametrize("options", [{}, {"beta": 0.3, "alpha": 5.0}, {"beta": 0.05, "alpha": 0.0}])
def test_agrees_with_the_paper_in_plain_float64(options):
    pixels = tissue(RNG(0), noise=4)
    fit, (vectors, amounts) = fit_macenko(pixels, **options), by_the_paper(pixels, **options)
    assert np.array([fit.haematoxylin, fit.eosin]) == pytest.approx(vectors, abs=1e-5)
    assert fit.amounts == pytest.approx(amounts, abs=1e-4)


@pytest.mark.parametrize(("noise", "most"), [(0, 0.5), (1, 1.0), (2, 2.0)])
@pytest.mark.parametrize("vectors", [VECTORS, HE_VECTORS[:2], np.array([[0.5, 0.6, 0.6], [0.2, 0.8, 0.56]])])
def test_known_stains_are_found_under_noise(vectors, noise, most):
    fit = fit_macenko(tissue(RNG(1), vectors=vectors, noise=noise))
    assert degrees(fit.vectors[:2], vectors).max() < most


def test_haematoxylin_is_first_and_both_are_positive_and_of_length_one():
    for seed in range(5):
        pixels = tissue(RNG(seed), noise=1)
        fit = fit_macenko(RNG(seed).permutation(pixels.reshape(-1, 3)))
        assert fit.haematoxylin[0] > fit.eosin[0]
        assert min(fit.haematoxylin) > 0
        assert min(fit.eosin) > 0
        assert np.linalg.norm(fit.vectors, axis=1) == pytest.approx(1)
        assert fit.vectors[2] @ fit.vectors[:2].T == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("grey", [255, 240, 220])
def test_background_changes_nothing(grey):
    pixels = tissue(RNG(2), noise=1).reshape(-1, 3)
    glass = np.full((90_000, 3), grey, dtype=np.uint8)
    assert fit_macenko(np.concatenate([glass, pixels])) == fit_macenko(pixels)


def test_a_shape_is_as_good_as_another():
    pixels = tissue(RNG(3))
    assert fit_macenko(pixels) == fit_macenko(pixels.reshape(-1, 3)) == fit_macenko(pixels.reshape(4, 50, 200, 3))


def test_very_many_pixels_are_thinned():
    pixels = tissue(RNG(4), noise=1)
    fit, many = fit_macenko(pixels), fit_macenko(np.tile(pixels, (60, 1, 1)))
    assert fit.pixels < many.pixels <= 2**21
    assert many.vectors == pytest.approx(fit.vectors, abs=0.01)
    assert many.amounts == pytest.approx(fit.amounts, rel=0.01)


def test_the_tint_of_the_light_is_no_stain():
    pixels, white = tissue(RNG(5)), (240.0, 220.0, 200.0)
    tinted = np.rint((pixels + 1.0) * (np.array(white) + 1) / 256 - 1).astype(np.uint8)
    fit, known, unknown = fit_macenko(pixels), fit_macenko(tinted, white=white), fit_macenko(tinted)
    assert known.white == white
    assert degrees(known.vectors, fit.vectors).max() < 0.5
    assert known.amounts == pytest.approx(fit.amounts, rel=0.01)
    assert degrees(unknown.vectors, fit.vectors).max() > 3


@pytest.mark.parametrize(
    ("pixels", "options", "words"),
    [
        (np.full((50, 50, 3), 255, np.uint8), {}, "0 pixels of tissue among 2500"),
        (np.full((30, 30, 3), 90, np.uint8), {}, "900 pixels of tissue"),
        (np.uint8([1, 2, 3]), {}, "1 pixels of tissue"),
        (np.full((50, 50, 3), 90, np.uint8), {}, r"0\.0 degrees apart.*at least 5 degrees"),
        (np.zeros((50, 50, 3), np.uint8), {}, r"0\.0 degrees apart"),
        (tissue(RNG(6), vectors=VECTORS[[0, 0]], noise=1), {}, r"[1-4]\.\d degrees apart"),
        (np.zeros((50, 50, 3)), {}, "float64"),
        (np.zeros((50, 50), np.uint8), {}, r"shape \(50, 50\)"),
        (tissue(RNG(6)), {"alpha": 50}, "alpha = 50"),
        (tissue(RNG(6)), {"alpha": float("nan")}, "alpha = nan"),
        (tissue(RNG(6)), {"beta": float("nan")}, "0 pixels of tissue"),
        (tissue(RNG(6)), {"white": (0, 255, 255)}, "White is"),
        (tissue(RNG(6)), {"white": "white"}, "white = 'white'.*3 finite numbers"),
    ],
)
def test_what_cannot_be_fitted_is_refused(pixels, options, words):
    with pytest.raises(InvalidInput, match=words):
        fit_macenko(pixels, **options)


def test_target_is_the_reference_of_public_code():
    assert np.linalg.norm(MACENKO_TARGET.vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert MACENKO_TARGET.degrees == pytest.approx(22.3, abs=0.1)
    assert isinstance(MACENKO_TARGET, MacenkoFit)
