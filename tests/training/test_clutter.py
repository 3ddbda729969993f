"""Clutter and pale nuclei: what they change, and what they leave."""

import numpy as np
import pytest

from cancernet.stain import optical_density
from cancernet.training.clutter import cluttered, paled


@pytest.fixture
def image():
    return np.full((64, 80, 3), 150, np.uint8)


def test_clutter_adds_density_that_has_edges(image):
    changed = cluttered(image, np.random.default_rng(3), densest=1.0)
    added = optical_density(changed) - optical_density(image)
    assert changed.dtype == np.uint8
    assert changed.shape == image.shape
    assert added.mean() > 0.02
    assert added.min() > -0.6
    assert np.ptp(added[..., 0]) > 0.1


def test_the_same_state_gives_the_same_clutter(image):
    first, again = (cluttered(image, np.random.default_rng(5), densest=0.5) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_pale_nuclei_keep_their_rim_and_all_around_them(image):
    rows, columns = np.mgrid[:64, :80]
    depth = np.clip(1 - np.hypot(rows - 32, columns - 40) / 20, 0, 1)
    changed = paled(image, depth, np.random.default_rng(0), palest=1.0)
    lost = optical_density(image)[..., 0] - optical_density(changed)[..., 0]
    assert np.abs(lost[depth == 0]).max() < 0.01
    assert lost.min() > -0.01
    assert lost[depth > 0.6].mean() > 5 * lost[(depth > 0) & (depth < 0.1)].mean()
