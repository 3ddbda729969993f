"""Reinhard's fit against the formulas of the paper, pixel by pixel."""

from math import log, sqrt

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.stain import REINHARD_TARGET, fit_reinhard, normalise
from stain.made import tissue

RNG = np.random.default_rng


def lab(pixel):
    """Equations 4 to 6 of the paper for one pixel of light from 0 to 1."""
    red, green, blue = ((value + 1) / 256 for value in pixel)
    long = log(0.3811 * red + 0.5783 * green + 0.0402 * blue)
    middle = log(0.1967 * red + 0.7244 * green + 0.0782 * blue)
    short = log(0.0241 * red + 0.1288 * green + 0.8444 * blue)
    return (
        (long + middle + short) / sqrt(3),
        (long + middle - 2 * short) / sqrt(6),
        (long - middle) / sqrt(2),
    )


def plain(pixels):
    """Return the space of all pixels, in plain Python."""
    return np.array([lab(pixel) for pixel in pixels.reshape(-1, 3).tolist()])


def test_agrees_with_the_formulas():
    pixels = tissue(RNG(0), noise=3)[:40]
    fit, found = fit_reinhard(pixels, beta=-1), plain(pixels)
    assert fit.pixels == 40 * 200
    assert fit.mean == pytest.approx(found.mean(axis=0), abs=1e-10)
    assert fit.deviation == pytest.approx(found.std(axis=0), abs=1e-10)


def test_normalised_tissue_has_mean_and_deviation_of_the_target():
    pixels, wanted = tissue(RNG(1))[:40], fit_reinhard(tissue(RNG(2))[:, :100] // 2 + 90)
    found = plain(normalise(pixels, fit_reinhard(pixels, beta=-1), target=wanted))
    assert found.mean(axis=0) == pytest.approx(wanted.mean, abs=2e-3)
    assert found.std(axis=0) == pytest.approx(wanted.deviation, rel=0.01)


def test_background_changes_nothing_and_pale_eosin_counts():
    pixels = tissue(RNG(3)).reshape(-1, 3)
    pale, glass = np.array([[250, 200, 235]], np.uint8), np.full((50_000, 3), 225, np.uint8)
    assert fit_reinhard(np.concatenate([glass, pixels])) == fit_reinhard(pixels)
    assert fit_reinhard(np.concatenate([pale, pixels])).pixels == fit_reinhard(pixels).pixels + 1


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((50, 50, 3), 255, np.uint8), "0 pixels of tissue"),
        (np.full((50, 50, 3), 90, np.uint8), "lightness and both hues vary"),
        (np.repeat(RNG(0).integers(0, 200, (50, 50, 1), dtype=np.uint8), 3, axis=2), "lightness and both hues vary"),
        (np.zeros((50, 50, 3), np.int64), "int64"),
    ],
)
def test_what_cannot_be_fitted_is_refused(pixels, words):
    with pytest.raises(InvalidInput, match=words):
        fit_reinhard(pixels)


def test_target_is_that_of_histomicstk():
    """There, the logarithms are of light from 0 to 255: lightness is larger, the hues are the same."""
    published = (8.74108109, -0.12440419, 0.0444982)
    ours = np.array(lab((180, 120, 160)))
    theirs = ours + np.array([sqrt(3) * log(256), 0, 0])
    assert ours - REINHARD_TARGET.mean == pytest.approx(theirs - published, abs=1e-9)
