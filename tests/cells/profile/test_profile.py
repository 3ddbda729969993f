"""Growth and structure: arrangement on drawn places, numbers on drawn fields, candidates, references, the page."""

import numpy as np
import pytest

from cancernet.cells import PROFILE, measure_nuclei, mitosis_candidates, profile_of
from cancernet.cells.profile import NUCLEAR, arrangement_of, draw_profile, references
from cancernet.report.style import render
from cells.drawn import field


@pytest.fixture(scope="module")
def measured():
    image, labels = field(8, size=300, nuclei=60)
    return measure_nuclei(image, labels, mpp=0.25)


def test_places_by_chance_have_a_ratio_of_one():
    """Also near borders, where plain Clark and Evans is 7 % too high for 50 places."""
    rng = np.random.default_rng(0)
    found = [arrangement_of(rng.uniform(0, [200, 100], (50, 2)), (200, 100)) for _ in range(400)]
    assert np.mean([one.ratio for one in found]) == pytest.approx(1, abs=0.02)
    z = np.array([one.z for one in found])
    assert (abs(z.mean()) < 0.15, z.std()) == (True, pytest.approx(1, abs=0.15))


def test_a_honeycomb_is_regular_and_clumps_are_clustered():
    y, x = np.mgrid[:30, :30].astype(float)
    honeycomb = np.stack([x + (y % 2) / 2, y * np.sqrt(3) / 2], axis=-1).reshape(-1, 2)
    assert arrangement_of(honeycomb, (30, 26)).ratio == pytest.approx(2.149, rel=0.05)
    rng = np.random.default_rng(1)
    clumps = rng.uniform(0, 100, (8, 1, 2)) + rng.normal(0, 1, (8, 12, 2))
    found = arrangement_of(clumps.reshape(-1, 2), (100, 100))
    assert found.ratio < 0.4
    assert found.z < -10


def test_few_places_have_no_arrangement():
    assert arrangement_of(np.ones((6, 2)), (10, 10)).ratio is None


def test_the_numbers_of_a_field(measured):
    profile = profile_of(measured)
    whole = measured.table[~measured.table["cut"]]
    assert list(profile) == list(PROFILE)
    assert profile["density_per_mm2"] == pytest.approx(len(measured) / 0.005625)
    assert profile["covered"] == pytest.approx((measured.labels > 0).mean())
    assert profile["variation_of_area"] == pytest.approx(whole["area_um2"].std() / whole["area_um2"].mean())
    assert profile["median_nearest_um"] == pytest.approx(measured.table["nearest_um"].median())


def test_more_unlike_nuclei_are_more_pleomorphic():
    y, x = np.mgrid[:400, :400] % 40 + 0.5
    numbers = (np.mgrid[:400, :400] // 40 * np.array([10, 1])[:, None, None]).sum(axis=0)
    rng = np.random.default_rng(0)
    found = []
    for spread in (0, 4):
        radius = 10 + rng.uniform(-spread, spread, 100)[numbers]
        labels = np.where(np.hypot(x - 20, y - 20) <= radius, numbers + 1, 0)
        image = np.where(labels[..., None] > 0, [110, 70, 150], 235).astype(np.uint8)
        found.append(profile_of(measure_nuclei(image, labels, mpp=0.25)))
    assert found[0]["variation_of_area"] < 0.01 < 0.2 < found[1]["variation_of_area"]
    assert found[0]["clark_evans"] > 1.8  # a square grid has 2


def test_parallel_nuclei_are_aligned():
    y, x = np.mgrid[:400, :400] % 40 + 0.5
    numbers = (np.mgrid[:400, :400] // 40 * np.array([10, 1])[:, None, None]).sum(axis=0)
    labels = np.where(((x - 20) / 16) ** 2 + ((y - 20) / 7) ** 2 <= 1, numbers + 1, 0)
    image = np.where(labels[..., None] > 0, [110, 70, 150], 235).astype(np.uint8)
    assert profile_of(measure_nuclei(image, labels, mpp=0.25))["aligned"] == pytest.approx(1, abs=1e-3)


def test_a_field_without_nuclei_has_the_numbers_that_it_can_have():
    blank = measure_nuclei(np.full((40, 40, 3), 240, np.uint8), np.zeros((40, 40), int), mpp=0.25)
    profile = profile_of(blank)
    assert (profile["density_per_mm2"], profile["covered"], profile["median_area_um2"]) == (0, 0, None)


def test_dark_clumped_nuclei_are_candidates_and_dark_round_ones_are_not():
    y, x = np.mgrid[:400, :400] % 40 + 0.5
    numbers = (np.mgrid[:400, :400] // 40 * np.array([10, 1])[:, None, None]).sum(axis=0)
    reach = np.hypot(x - 20, y - 20)
    clumped = 12 * (1 + 0.35 * np.cos(3 * np.arctan2(y - 20, x - 20)))
    labels = np.where(reach <= np.where(numbers == 55, clumped, 10), numbers + 1, 0)
    shade = np.random.default_rng(0).normal(0, 6, 100)[numbers] - 70 * np.isin(numbers, (55, 33))
    image = np.where(labels[..., None] > 0, np.array([120, 80, 160]) + shade[..., None], 235).clip(0, 255)
    table = measure_nuclei(image.astype(np.uint8), labels, mpp=0.25).table
    assert table["nucleus"][mitosis_candidates(table)].tolist() == [56]
    assert len(mitosis_candidates(table.head(1))) == 0


def test_references_are_statistics_of_three_sets():
    found = references()
    assert [one.name for one in found] == ["MoNuSeg", "CoNSeP", "dsb2018"]
    for one in found:
        assert set(one.of_fields) == set(PROFILE)
        assert set(one.of_nuclei) == set(NUCLEAR)
        for values in (*one.of_fields.values(), *one.of_nuclei.values()):
            assert len(values) == len(one.shares)
            assert np.all(np.diff(values) >= 0)


def test_a_rank_is_the_share_that_has_less():
    one = references()[0]
    low, high = one.of_fields["median_area_um2"][0], one.of_fields["median_area_um2"][-1]
    middle = one.of_fields["median_area_um2"][one.shares.index(0.5)]
    assert [one.rank("median_area_um2", value) for value in (low - 1, middle, high + 1)] == [0, 0.5, 1]
    assert one.rank("candidates_per_mm2", 0.0) == 0
    assert one.rank("unknown", 1.0) is None


@pytest.mark.parametrize("nuclei", [60, 1])
def test_the_page_is_drawn(measured, nuclei):
    table = measured.table.head(nuclei)
    picture = render(draw_profile("a.png", table, profile_of(measured), references=references()))
    assert (picture.width, picture.height) == (1650, 1875)
    assert len(picture.png) > 50_000
