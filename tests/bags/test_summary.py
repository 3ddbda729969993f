import numpy as np
import pytest

from bags.made import made_features
from cancernet.bags import pad_bags, sample_bag, summarise, summary_names

EXPECTED = [-0.462, -0.8360000000000001, 0.1960000000000001, -0.018000000000000016]


@pytest.mark.parametrize(("width", "columns"), [(1, 1), (32, 32), (33, 32), (1536, 32)])
def test_as_many_columns_as_names(width, columns):
    assert summarise(np.ones((3, width))).shape == (3, columns)
    assert len(summary_names(width)) == len(set(summary_names(width))) == columns


def test_the_directions_never_change():
    """They are part of every card: these numbers were computed when the first one was written."""
    found = summarise(np.arange(100.0)[None] / 100)
    np.testing.assert_allclose(found[0, :4], EXPECTED, atol=1e-12)


def test_distances_survive():
    """Johnson and Lindenstrauss: the mean of the squared distances along 32 directions is that in the whole space."""
    means = np.random.default_rng(0).normal(size=(60, 1024))
    whole = ((means[:30] - means[30:]) ** 2).mean(axis=1)
    along = ((summarise(means[:30]) - summarise(means[30:])) ** 2).mean(axis=1)
    assert np.abs(along / whole - 1).max() < 0.75
    assert np.abs((along / whole).mean() - 1) < 0.15


def test_padding_says_what_is_there():
    padded = pad_bags([made_features(2), made_features(4)])
    assert padded.shape == (2, 4, 7)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded[0, :2, :-1], made_features(2))
    np.testing.assert_array_equal(padded[:, :, -1], [[1, 1, 0, 0], [1, 1, 1, 1]])
    assert (padded[0, 2:] == 0).all()
    assert pad_bags([made_features(2)], 9).shape == (1, 9, 7)


def test_tiles_are_drawn_without_repetition():
    features = np.arange(20, dtype=np.float32)[:, None]
    drawn = sample_bag(features, 8, generator=np.random.default_rng(1))
    assert len(np.unique(drawn)) == len(drawn) == 8
    assert sample_bag(features, 20, generator=np.random.default_rng(1)) is features
    others = sample_bag(features, 8, generator=np.random.default_rng(2))
    assert not np.array_equal(drawn, others)
