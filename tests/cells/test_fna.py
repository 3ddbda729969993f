"""The bridge to the FNA model: the constant, the 30 features, the answer, and what each nucleus did to it."""

import csv

import numpy as np
import pandas as pd
import pytest

from cancernet import engine
from cancernet.cells import FNA_NAMES, OFF_BY, UM_PER_UNIT, WISCONSIN, ask_fna, say_answer
from cancernet.cells.fna import (
    PUBLISHED_UM2,
    WISCONSIN_AREAS,
    describe_answer,
    in_units,
    nuclei_of,
    statistics,
    statistics_without_each,
    write_answer,
)
from cancernet.data import load
from cancernet.errors import BundleMismatch, InvalidInput


@pytest.fixture(scope="module")
def model():
    with engine.open("fna") as opened:
        yield opened


def like_wisconsin(row: int, nuclei: int = 12) -> pd.DataFrame:
    """Return nuclei, in microns, whose 30 features are those of a row of the table: mean, error and worst by design."""
    table = load("wdbc")
    mean, error, _ = table.values[row].reshape(3, 10)
    rest = np.random.default_rng(row).normal(size=(nuclei, 10))
    rest = (rest - rest.mean(axis=0)) / rest.std(axis=0, ddof=1)
    values = np.maximum(mean + rest * error * np.sqrt(nuclei), 0.05 * mean)
    columns = dict(zip(WISCONSIN.values(), values.T, strict=True))
    columns["radius_um"] *= UM_PER_UNIT
    columns["perimeter_um"] *= UM_PER_UNIT
    columns["area_um2"] *= UM_PER_UNIT**2
    return pd.DataFrame({"nucleus": np.arange(1, nuclei + 1) * 3, **columns, "cut": False})


def test_the_constant_is_made_of_published_areas_and_the_table():
    table = load("wdbc")
    area = table.values[:, table.feature_names.index("mean_area")]
    by_class = {name: area[table.target == name].mean() for name in table.classes}
    assert by_class == pytest.approx(WISCONSIN_AREAS, abs=0.01)
    units = [np.sqrt(PUBLISHED_UM2[name] / WISCONSIN_AREAS[name]) for name in "BM"]
    assert units == pytest.approx([0.429, 0.401], abs=1e-3)
    assert float(np.sqrt(np.prod(units))) == pytest.approx(UM_PER_UNIT, abs=5e-4)


def test_only_lengths_and_areas_are_scaled():
    scaled = in_units(np.ones((1, 10)), um_per_unit=0.5)[0]
    names = list(WISCONSIN)
    wanted = {"radius": 2, "perimeter": 2, "area": 4}
    assert dict(zip(names, scaled, strict=True)) == {name: wanted.get(name, 1) for name in names}


def test_statistics_are_mean_error_and_the_mean_of_the_three_largest():
    values = np.random.default_rng(0).gamma(3, 1, (17, 10))
    mean, error, worst = statistics(values).reshape(3, 10)
    assert mean == pytest.approx(values.mean(axis=0))
    assert error == pytest.approx(pd.DataFrame(values).sem().to_numpy())
    assert worst == pytest.approx([np.mean(sorted(column)[-3:]) for column in values.T])


def test_rows_of_the_table_rest_on_about_sixteen_nuclei():
    """(worst - mean) / error grows with the number of nuclei; all ten features tell the same number."""
    rng, counts = np.random.default_rng(0), np.array([6, 8, 10, 12, 15, 20, 25, 30, 40])
    ratios = []
    for count in counts:
        drawn = np.stack([statistics(rng.normal(size=(count, 10))) for _ in range(300)])
        mean, error, worst = drawn.reshape(-1, 3, 10).transpose(1, 0, 2)
        ratios.append(np.median((worst - mean) / error))
    mean, error, worst = load("wdbc").values.reshape(-1, 3, 10).transpose(1, 0, 2)
    known = error > 0
    for feature in range(10):
        rows = known[:, feature]
        told = np.median((worst - mean)[rows, feature] / error[rows, feature])
        assert 13 < np.interp(told, ratios, counts) < 20


@pytest.mark.parametrize("count", [4, 5, 40])
def test_leaving_out_each_nucleus_is_as_without_it(count):
    values = np.random.default_rng(count).gamma(3, 1, (count, 10))
    values[1] = values[0]  # ties among the largest
    wanted = [statistics(np.delete(values, place, axis=0)) for place in range(count)]
    assert statistics_without_each(values) == pytest.approx(np.array(wanted))


def test_names_are_those_of_the_bundle(model):
    assert model.card.input.names == FNA_NAMES


@pytest.mark.parametrize("row", [0, 19, 2, 500])
def test_a_field_like_a_row_of_the_table_is_answered_like_it(model, row):
    from cancernet.predict import cases

    answer = ask_fna(model, like_wisconsin(row))
    twin = cases(model, load("wdbc").values[row : row + 1])
    assert answer.features[:10] == pytest.approx(load("wdbc").values[row, :10], rel=0.25)
    assert answer.case.labels[0] == twin.labels[0]


def test_each_nucleus_counts_as_the_field_without_it(model):
    from cancernet.predict import cases

    answer = ask_fna(model, like_wisconsin(40))
    units = answer.nuclei.units()
    without = cases(model, statistics(np.delete(units, 5, axis=0))[None])
    p, q = answer.chance, without.probabilities[0, 1]
    assert answer.log_odds[5] == pytest.approx(np.log(p / (1 - p)) - np.log(q / (1 - q)), abs=1e-4)
    assert answer.farther[5] == pytest.approx(answer.distance - without.ood_distance[0], abs=1e-9)
    assert abs(answer.log_odds[answer.drivers()[0]]) == np.abs(answer.log_odds).max()


def test_the_answer_when_the_constant_is_off(model):
    table = like_wisconsin(19)
    answer = ask_fna(model, table)
    direct = [ask_fna(model, table, um_per_unit=UM_PER_UNIT * factor).chance for factor in OFF_BY]
    assert answer.off_by.probabilities[:, 1] == pytest.approx(direct)


def test_fewer_nuclei_are_drawn_by_chance(model):
    from cancernet.cells.fna.counts import by_count

    units = ask_fna(model, like_wisconsin(19, nuclei=50)).nuclei.units()
    found = by_count(model, units)
    assert found == by_count(model, units)
    assert [draws.count for draws in found] == [10, 20, 40]
    assert all(0 <= draws.abstained <= 1 and 0 <= draws.chance <= 1 for draws in found)
    assert by_count(model, units[:10]) == ()


def test_a_far_field_abstains_and_still_has_all(model, tmp_path):
    table = like_wisconsin(19)
    table.loc[7, "compactness"] = 9.0
    answer = ask_fna(model, table)
    said = describe_answer(answer)
    assert answer.case.abstained[0]
    assert said["cause_the_distance"][0]["nucleus"] == 24
    assert len(said["features"]) == 30
    assert "abstains" in said["says"]
    assert "malignant" not in said["says"]
    write_answer(tmp_path, answer, name='odd "name", with comma.png')
    with (tmp_path / "fna.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert row.pop("id") == 'odd "name", with comma.png'
    assert [float(value) for value in row.values()] == pytest.approx(answer.features.tolist(), rel=1e-6)
    assert len((tmp_path / "fna_nuclei.csv").read_text().splitlines()) == 13


def test_an_answer_never_says_a_bare_class(model):
    said = say_answer(ask_fna(model, like_wisconsin(0)))
    for words in ("aspirates", "no diagnosis", "not validated", "no paired images are public"):
        assert words in said or "abstains" in said
    assert "not validated" in said


def test_nuclei_cut_or_without_a_feature_do_not_count():
    table = like_wisconsin(0, nuclei=6)
    table.loc[0, "cut"] = True
    table.loc[3, "radius_um"] = np.nan
    nuclei = nuclei_of(table)
    assert (nuclei.nucleus.tolist(), nuclei.left_out) == ([6, 9, 15, 18], 2)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_nuclei_are_refused(model, count):
    with pytest.raises(InvalidInput, match=f"Whole nuclei in this field: {count}"):
        ask_fna(model, like_wisconsin(0, nuclei=12).head(count))


def test_three_nuclei_have_an_answer_but_none_can_be_left_out(model):
    answer = ask_fna(model, like_wisconsin(0).head(3))
    assert (len(answer.log_odds), len(answer.drivers()), len(answer.strangers())) == (0, 0, 0)
    with pytest.raises(InvalidInput):
        statistics_without_each(np.ones((3, 10)))


def test_another_model_is_refused():
    with engine.open("idc") as other, pytest.raises(BundleMismatch, match="30 features"):
        ask_fna(other, like_wisconsin(0))
