"""Textures against scikit-image, nucleus by nucleus, and against plain loops."""

import numpy as np
import pytest

from cancernet.cells.measure.chromatin import HARALICK, PATTERNS, haralick, local_patterns
from cancernet.cells.measure.pixels import pixels_of
from cells.drawn import field


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray, int]:
    """Return an amount of stain, labels 1 to n, n."""
    _, labels = field(3, nuclei=12)
    numbers, places = np.unique(labels, return_inverse=True)
    amount = np.random.default_rng(0).gamma(4, 0.3, labels.shape)
    return amount, places.reshape(labels.shape).astype(np.int32), len(numbers) - 1


def test_haralick_agrees_with_scikit_image(made):
    from skimage.feature import graycomatrix, graycoprops

    amount, labels, count = made
    found = haralick(amount, labels, count=count, mpp=0.25)
    levels = np.clip(amount * 4, 0, 15).astype(np.uint8) + 1  # 0 is what is outside
    for number in range(1, count + 1):
        row, column = np.nonzero(labels == number)
        frame = np.s_[row.min() : row.max() + 1, column.min() : column.max() + 1]
        inside = np.where(labels[frame] == number, levels[frame], 0)
        table = graycomatrix(inside, [2], [0], levels=17, symmetric=True)[1:, 1:]
        for step in ((2, 2), (2, 0), (2, -2)):  # scikit-image rounds diagonal steps of 2 to 1 pixel: shift by hand
            table = table + _counted(inside, step)[1:, 1:, None, None]
        p = table / table.sum()
        for name, prop in zip(HARALICK[:4], ("contrast", "correlation", "energy", "homogeneity"), strict=True):
            assert found[name][number - 1] == pytest.approx(graycoprops(p, prop)[0, 0]), (name, number)
        assert found["entropy"][number - 1] == pytest.approx(-(p[p > 0] * np.log2(p[p > 0])).sum())


def _counted(inside: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """Count pairs of levels a step apart, both ways round, with loops."""
    table = np.zeros((17, 17))
    height, width = inside.shape
    for row in range(height - step[0]):
        for column in range(max(0, -step[1]), width - max(0, step[1])):
            one, other = inside[row, column], inside[row + step[0], column + step[1]]
            table[one, other] += 1
            table[other, one] += 1
    return table


def test_local_patterns_agree_with_a_loop(made):
    amount, labels, count = made
    grey = (amount * 60).clip(0, 255)
    shares = local_patterns(grey, pixels_of(labels, count), labels.shape)
    padded = np.pad(grey, 1, mode="edge")
    wanted = np.zeros((count, PATTERNS))
    for row, column in zip(*np.nonzero(labels), strict=True):
        around = padded[row : row + 3, column : column + 3].ravel()[[0, 1, 2, 5, 8, 7, 6, 3]] >= grey[row, column]
        changes = np.count_nonzero(around != np.roll(around, 1))
        wanted[labels[row, column] - 1, around.sum() if changes <= 2 else 9] += 1
    assert shares == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True))


def test_a_nucleus_without_variation():
    labels = np.ones((6, 6), np.int32)
    found = haralick(np.full((6, 6), 0.7), labels, count=1, mpp=0.25)
    expected = {"contrast": 0, "correlation": 1, "energy": 1, "homogeneity": 1, "entropy": 0}
    assert {name: float(values[0]) for name, values in found.items()} == pytest.approx(expected)


def test_a_single_pixel_has_no_pair():
    labels = np.zeros((6, 6), np.int32)
    labels[2, 2] = 1
    assert all(np.isnan(values).all() for values in haralick(np.ones((6, 6)), labels, count=1, mpp=0.25).values())
    assert haralick(np.ones((1, 1)), np.ones((1, 1), np.int32), count=1, mpp=0.25)["energy"].shape == (1,)
