"""Few copies: the curve, the limits and the calls, on a published example and on simulated plates of known truth."""

import numpy as np
import pytest
from scipy import optimize, stats

from cancernet.errors import InvalidInput
from cancernet.omics import (
    SimulatedPlate,
    blank_limit,
    calling_rule,
    copies_rows,
    count_copies,
    count_target,
    detection_limit,
    fit_curve,
    simulate_plate,
)
from omics.plates import plate

# Rotenone and Macrosiphoniella sanborni (Martin 1942), the worked example of Finney's Probit Analysis: the line is
# -2.89 + 4.21 log10(dose), half are affected at 4.85 (4.4 to 5.4).
ROTENONE = ([10.2, 7.7, 5.1, 3.8, 2.6], [50, 49, 46, 48, 50], [44, 42, 24, 16, 6])


def wells(levels, n, hits):
    copies = np.repeat(levels, n)
    return copies, np.concatenate([np.arange(total) < hit for total, hit in zip(n, hits, strict=True)])


def test_probit_of_the_published_example():
    found = detection_limit(*wells(*ROTENONE))
    assert (found.intercept, found.slope) == pytest.approx((-2.8875, 4.2132), abs=1e-4)
    assert 10 ** (-found.intercept / found.slope) == pytest.approx(4.85, abs=0.005)
    assert found.limit.value == pytest.approx(10 ** ((stats.norm.ppf(0.95) - found.intercept) / found.slope))
    assert found.limit.low < found.limit.value < found.limit.high


def test_probit_by_the_likelihood_and_fieller_by_search():
    levels, n, hits = (np.array(column) for column in ROTENONE)
    found = detection_limit(*wells(*ROTENONE))

    def loss(beta):
        return -stats.binom.logpmf(hits, n, stats.norm.cdf(beta[0] + beta[1] * np.log10(levels))).sum()

    best = optimize.minimize(loss, [0, 1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    assert [found.intercept, found.slope] == pytest.approx(best, abs=1e-5)
    line = np.column_stack([np.ones(5), np.log10(levels)])
    p = stats.norm.cdf(line @ best)
    covariance = np.linalg.inv((line.T * (n * stats.norm.pdf(line @ best) ** 2 / (p * (1 - p)))) @ line)
    for bound in (found.limit.low, found.limit.high):
        at = np.array([1, np.log10(bound)])
        z = (at @ best - stats.norm.ppf(0.95)) / np.sqrt(at @ covariance @ at)
        assert abs(z) == pytest.approx(stats.norm.ppf(0.975), abs=1e-4)


def test_hits_of_a_real_dilution_series():
    """96 wells a level: silver carp DNA, example data of the US Geological Survey's LOD calculator (public domain)."""
    found = detection_limit(*wells([10.0, 5.0, 1.0], [96, 96, 96], [96, 59, 25]))
    assert found.levels == (1.0, 5.0, 10.0)
    assert found.limit.value == pytest.approx(13.7, abs=0.05)
    assert found.limit.low == pytest.approx(10.2, abs=0.05)
    assert found.single_hit.low < found.single_hit.value < found.single_hit.high


def test_single_hit_of_a_perfect_assay_is_three_copies():
    levels = np.array([0.25, 0.5, 1, 2, 4])
    hits = np.rint(100_000 * -np.expm1(-levels)).astype(int)
    found = detection_limit(*wells(levels, [100_000] * 5, hits))
    assert found.single_hit.value == pytest.approx(-np.log(0.05), rel=0.003)
    assert found.single_hit.low < -np.log(0.05) < found.single_hit.high


def test_without_a_curve_the_lowest_sure_level():
    found = detection_limit(*wells([1, 10, 100], [20, 20, 20], [4, 20, 20]))
    assert (found.limit.value, found.limit.low) == (10, None)
    assert found.slope is None
    lost = detection_limit(*wells([1, 10], [20, 20], [0, 10]))
    assert lost.limit.value is None
    assert "no level" in lost.limit.reason


def test_blanks():
    clean = blank_limit([np.nan] * 30)
    assert (clean.limit, clean.crossed, clean.false_hits.value) == (0, 0, 0)
    assert clean.upper == pytest.approx(1 - 0.05 ** (1 / 30))
    dirty = blank_limit([0.0] * 36 + [1.0, 2.0, 3.0, 4.0])
    assert dirty.limit == pytest.approx(np.interp(38.5, np.arange(1, 41), [0] * 36 + [1, 2, 3, 4]))
    assert dirty.false_hits.value == pytest.approx(2 / 40)
    with pytest.raises(InvalidInput, match="no blank"):
        blank_limit([])


def test_a_curve_without_noise_is_exact():
    copies = np.repeat([10.0, 100, 1000, 1e4, 1e5], 3)
    found = fit_curve(copies, 38 - np.log10(copies) / np.log10(1.9), counted=False)
    assert found.amplification == pytest.approx(1.9)
    assert found.efficiency.value == pytest.approx(0.9)
    assert found.intercept == pytest.approx(38)
    assert found.copies([38.0, np.nan]) == pytest.approx([1, 0])
    assert found.cycle(1.0) == pytest.approx(38)


def test_plain_least_squares_is_that_of_scipy():
    generator = np.random.default_rng(0)
    copies = np.repeat([1e2, 1e3, 1e4, 1e5], 4)
    ct = 38 - 3.4 * np.log10(copies) + generator.normal(0, 0.2, 16)
    found, twin = fit_curve(copies, ct, counted=False), stats.linregress(np.log10(copies), ct)
    assert (found.slope, found.intercept, found.r2) == pytest.approx((twin.slope, twin.intercept, twin.rvalue**2))
    half = stats.t.ppf(0.975, 14) * twin.stderr
    bounds = [10 ** (-1 / (twin.slope + sign * half)) - 1 for sign in (-1, 1)]
    assert (found.efficiency.low, found.efficiency.high) == pytest.approx(bounds)
    many = fit_curve(copies * 1e4, ct)  # with so many copies counting changes nothing
    assert many.slope == pytest.approx(twin.slope, abs=1e-4)


@pytest.mark.parametrize(
    ("copies", "ct", "words"),
    [
        ([1, 10], [30, 27], "2 levels"),
        ([1, 10, 100], [30, np.nan, 24], "2 levels"),
        ([1, 10, 100], [24, 27, 30], "do not fall"),
    ],
)
def test_curves_that_cannot_be(copies, ct, words):
    with pytest.raises(InvalidInput, match=words):
        fit_curve(copies, ct, gene="T")


def test_rules_and_their_error_rates():
    for n in range(1, 9):
        for rate in (0.001, 0.05, 0.12, 0.4):
            rule = calling_rule(n, rate)
            chances = [stats.binom.sf(k - 1, n, rate) for k in range(1, n + 1)]
            enough = [k for k, chance in enumerate(chances, 1) if chance <= 0.05]
            assert rule.present == (enough[0] if enough else None)
            assert rule.wrong_absent == pytest.approx(0.05**n)
    assert calling_rule(1, 0.3).present is None


def test_simulated_intervals_and_calls_keep_their_promise():
    """Simulated: 120 plates; 95 % intervals hold the truth, and calls are wrong less often than they say."""
    truth = (0.0, 0.0, 1.0, 3.0, 10.0, 100.0, 1000.0)
    how = SimulatedPlate(samples=truth, sample_wells=4)
    held, wrong, missed, efficient = [], 0, 0, 0
    for seed in range(120):
        found = count_target(simulate_plate(how, seed=seed))
        for call, copies in zip(found.calls, truth, strict=True):
            held.append(call.copies.low <= copies <= call.copies.high)
            wrong += call.call == "present" and copies == 0
            missed += call.call == "absent" and copies >= 3
        efficiency = found.assay.curve.efficiency
        efficient += efficiency.low <= how.efficiency <= efficiency.high
    assert np.mean(held) > 0.94
    assert wrong <= 0.05 * 240
    assert missed == 0
    assert efficient / 120 > 0.90


def test_simulated_contamination_makes_calls_careful():
    how = SimulatedPlate(samples=(0.0,) * 20, sample_wells=3, contamination=0.3, blanks=40)
    calls = [call for seed in range(15) for call in count_target(simulate_plate(how, seed=seed)).calls]
    assert np.mean([call.call == "present" for call in calls]) <= 0.05
    assert np.mean([call.call == "undecided" for call in calls]) > 0.1


def test_what_is_seen_is_counted():
    curve = fit_curve(np.repeat([10.0, 100, 1000], 8), np.repeat([35.0, 31.6, 28.2], 8))
    none = count_copies(curve, [np.nan, np.nan])
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(-np.log(0.025) / 2)
    many = count_copies(curve, [31.6, 31.6])
    assert many.value == pytest.approx(100, rel=0.02)


def test_rows_of_a_simulated_plate():
    found = count_target(simulate_plate(SimulatedPlate(samples=(0.0, 50.0), blanks=4), seed=1))
    rows = copies_rows(found)
    assert found.plate.name == "simulated"
    assert rows[0]["call"] == "absent"
    assert rows[1]["copies_per_well"] == pytest.approx(50, rel=0.5)


def test_what_counting_needs():
    made = plate({"a": {"T": 25.0}})
    with pytest.raises(InvalidInput, match="0 genes of plate 'plate' have standards"):
        count_target(made)
    with pytest.raises(InvalidInput, match="Gene 'T' has no standards"):
        count_target(made, "T")
    with pytest.raises(InvalidInput, match="no target 'U'"):
        count_target(made, "U")
