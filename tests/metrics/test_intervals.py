import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm, t

from cancernet.metrics.intervals import (
    draw_counts,
    expanded_tail,
    percentile,
    reflected,
    square_and_add,
    student,
    wilson,
)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_agrees_with_scipy(total, share):
    hits = round(share * total)
    expected = binomtest(hits, total).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(hits, total), expected, atol=1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_wilson_holds_the_share_and_stays_within_bounds(hits, misses):
    total = max(hits + misses, 1)
    low, high = wilson(min(hits, total), total)
    assert 0 <= low <= min(hits, total) / total <= high <= 1
    assert low < high


def test_wilson_covers():
    # Exact: the probability that the interval holds the truth, averaged over many truths.
    shares = np.linspace(0.02, 0.98, 97)
    counts = np.arange(101)
    low, high = wilson(counts, 100)
    held = (low <= shares[:, None]) & (shares[:, None] <= high)
    coverage = (binom.pmf(counts, 100, shares[:, None]) * held).sum(axis=1)
    assert 0.945 < coverage.mean() < 0.96
    assert coverage.min() > 0.90


def test_square_and_add_covers_the_mean_of_two_proportions():
    rng = np.random.default_rng(0)
    shares, sizes = np.array([0.97, 0.9]), np.array([60, 150])
    hits = rng.binomial(sizes, shares, size=(4000, 2))
    lows, highs = wilson(hits, sizes)
    bounds = [square_and_add(*row) for row in zip(hits / sizes, lows, highs, strict=True)]
    held = np.mean([low <= shares.mean() <= high for low, high in bounds])
    assert 0.935 < held < 0.97


def test_draws_are_resamples_of_the_groups():
    tables = list(draw_counts(30, 500, seed=3, rows=100))
    counts = np.concatenate(tables)
    assert counts.shape == (500, 30)
    assert (counts.sum(axis=1) == 30).all()
    # Each count is binomial(30, 1/30): mean 1, variance 29/30.
    assert counts.mean() == 1
    assert counts.var() == pytest.approx(29 / 30, rel=0.05)


def test_draws_come_in_parts_that_fit_the_memory():
    tables = list(draw_counts(5, 10, seed=0, rows=2_000_000))
    assert [len(table) for table in tables] == [2, 2, 2, 2, 2]


def test_the_seed_decides_the_draws():
    first, second, third = (next(draw_counts(9, 20, seed=seed, rows=9)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != third).any()


def test_percentile_leaves_out_undefined_draws():
    draws = np.append(np.arange(1001.0), [np.nan] * 100)
    assert percentile(draws, 10**9) == pytest.approx((25.0, 975.0), abs=0.01)
    assert percentile(np.append(draws, [np.nan] * 1000), 50) is None
    assert percentile(np.array([np.nan]), 50) is None


@pytest.mark.parametrize("groups", [5, 10, 30, 200])
def test_percentiles_lie_further_out_for_few_groups(groups):
    expected = norm.sf(t.ppf(0.975, groups - 1) * np.sqrt(groups / (groups - 1)))
    assert expanded_tail(groups) == pytest.approx(expected, rel=0.05, abs=2e-4)
    assert expanded_tail(2) == 0
    assert student(groups - 1) == pytest.approx(t.ppf(0.975, groups - 1), rel=0.02)


def test_what_noise_raises_is_reflected_and_holds_the_value():
    low, high = reflected(0.1, np.linspace(0.08, 0.18, 1001), 10**9)  # mean 0.13, 97.5th percentile 0.1775
    assert low == pytest.approx(0.2 - 0.1775, abs=1e-6)
    assert high == pytest.approx(0.1775 - 0.03, abs=1e-6)
    assert reflected(0.01, np.linspace(0.02, 0.05, 100), 50)[0] == 0
    assert reflected(0.1, np.full(9, 0.1), 50) == pytest.approx((0.1, 0.1))
    assert reflected(0.01, np.array([np.nan, np.nan]), 50) is None
