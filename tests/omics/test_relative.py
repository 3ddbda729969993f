"""Replicates, delta Ct and fold changes against the papers' worked example and plain arithmetic."""

import math

import numpy as np
import pytest
from scipy import stats

from cancernet.errors import InvalidInput
from cancernet.omics import PcrOptions, amplification, combine, comparison_rows, delta_rows, relative_expression
from omics.plates import plate

# Table 2 of Livak & Schmittgen 2001: c-myc and GAPDH in brain and kidney, six wells each.
LIVAK = {
    "brain": {
        "MYC": [30.72, 30.34, 30.58, 30.34, 30.50, 30.43],
        "GAPDH": [23.70, 23.56, 23.47, 23.65, 23.69, 23.68],
    },
    "kidney": {
        "MYC": [27.06, 27.03, 27.03, 27.10, 26.99, 26.94],
        "GAPDH": [22.76, 22.61, 22.62, 22.60, 22.61, 22.76],
    },
}


def test_the_worked_example_of_livak():
    found = relative_expression(plate(LIVAK), PcrOptions(control="brain"))
    table, delta = found.delta.table, found.delta
    assert table.ct == pytest.approx(np.array([[30.49, 23.63], [27.03, 22.66]]), abs=0.0055)
    assert table.sd.round(2).tolist() == [[0.15, 0.09], [0.06, 0.08]]
    assert delta.values[:, 0] == pytest.approx([6.86, 4.37], abs=0.006)
    assert delta.errors[:, 0] * math.sqrt(6) == pytest.approx([0.17, 0.10], abs=0.005)  # the paper gives deviations
    (one,) = found.comparisons
    assert one.ddct.value == pytest.approx(-2.50, abs=0.01)
    assert one.fold.value == pytest.approx(5.6, abs=0.1)
    assert one.fold.method == "t over wells, technical only"
    assert one.fold.low < 5.6 < one.fold.high


def test_replicates_by_the_stated_rules():
    made = plate({"a": {"X": [24.0, 24.2, 25.0], "Y": [30.0, None, None], "Z": [30.0, None], "ACTB": 18.0}})
    table = combine(made)
    assert table.ct[0].tolist() == pytest.approx([24.4, math.nan, 30.0, 18.0], nan_ok=True)
    assert table.flags[0].tolist() == [
        "replicates 1.00 cycles apart",
        "2 of 3 wells did not cross",
        "1 of 2 wells did not cross",
        "",
    ]
    assert table.reasons[0, 1] == "2 of 3 wells undetermined"
    assert np.isnan(table.sd[0, 3])


def test_a_lost_reference_loses_the_sample():
    made = plate({"a": {"ACTB": 18, "GAPDH": None, "X": 25}, "b": {"ACTB": 18, "GAPDH": 20, "X": 25}})
    found = relative_expression(made)
    assert found.references.genes == ("ACTB", "GAPDH")
    assert np.isnan(found.delta.values[0]).all()
    assert found.delta.reasons[0].tolist() == [
        "no cycle of the reference gene GAPDH",
        "undetermined",
        "no cycle of the reference gene GAPDH",
    ]
    assert found.delta.values[1].tolist() == [-1, 1, 6]


def test_efficiencies_are_those_of_pfaffl():
    cycles = {"c": {"ACTB": 20.0, "X": 25.0}, "t": {"ACTB": 20.4, "X": 22.1}}
    factors = {"ACTB": 1.88, "X": 1.95}
    (one,) = relative_expression(plate(cycles), PcrOptions(control="c", efficiencies=factors)).comparisons
    ratio = 1.95 ** (25.0 - 22.1) / 1.88 ** (20.0 - 20.4)
    assert one.fold.value == pytest.approx(ratio)
    assert one.fold.low is None
    assert "single well" in one.fold.reason


def test_several_references_are_the_geometric_mean():
    cycles = {"c": {"ACTB": 18.0, "GAPDH": 21.0, "X": 25.0}, "t": {"ACTB": 18.6, "GAPDH": 20.8, "X": 24.0}}
    (one,) = relative_expression(plate(cycles), PcrOptions(control="c")).comparisons
    factor = math.sqrt(2 ** (18.6 - 18.0) * 2 ** (20.8 - 21.0))
    assert one.fold.value == pytest.approx(2 ** (25.0 - 24.0) * factor)


def test_groups_by_welch():
    generator = np.random.default_rng(0)
    cycles = {f"{g}{n}": {"ACTB": 18.0, "X": generator.normal(24 - (g == "t"), 0.6)} for g in "ct" for n in range(7)}
    groups = {name: "control" if name[0] == "c" else "tumour" for name in cycles}
    (one,) = relative_expression(plate(cycles, groups), PcrOptions(control="control")).comparisons
    ours, theirs = ([cycles[name]["X"] for name in cycles if name[0] == letter] for letter in "tc")
    twin = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert (one.ddct.low, one.ddct.high) == pytest.approx((twin.low, twin.high))
    assert (one.fold.low, one.fold.high) == pytest.approx((2**-twin.high, 2**-twin.low))
    assert (one.detected, one.samples, one.fold.method) == (7, 7, "Welch's t over samples")


def test_undetermined_samples_are_counted():
    cycles = {f"{g}{n}": {"ACTB": 18.0, "X": None if n == 0 else 24.0 + n} for g in "ct" for n in range(4)}
    groups = {name: name[0] for name in cycles}
    (one,) = relative_expression(plate(cycles, groups), PcrOptions(control="c")).comparisons
    assert (one.detected, one.samples) == (3, 4)
    assert one.note.startswith("2 of 8 samples have no delta Ct")


def test_rows_hold_no_nan_and_say_why():
    made = plate({"a": {"ACTB": 18, "X": None}, "b": {"ACTB": 18.5, "X": 25}})
    found = relative_expression(made, PcrOptions(control="a"))
    rows = delta_rows(found)
    assert [row["reason"] for row in rows if row["delta_ct"] is None] == ["undetermined"]
    assert all(value == value for row in [*rows, *comparison_rows(found)] for value in row.values())
    assert comparison_rows(found)[0]["reason"] == "no delta Ct on one side"
    assert comparison_rows(found)[0]["fold"] is None


@pytest.mark.parametrize(
    ("efficiencies", "words"),
    [({"X": 0.9}, "amplification of 0.9"), ({"X": 3.0}, "amplification of 3"), ({"XX": 1.9}, "Did you mean 'X'")],
)
def test_amplifications_that_cannot_be(efficiencies, words):
    with pytest.raises(InvalidInput, match=words):
        amplification(["X", "ACTB"], efficiencies)


def test_a_control_that_is_not_there():
    made = plate({"a": {"ACTB": 18, "X": 24}, "b": {"ACTB": 18, "X": 25}}, {"a": "tumour", "b": "normal"})
    with pytest.raises(InvalidInput, match=r"'norml'.*Did you mean 'normal'"):
        relative_expression(made, PcrOptions(control="norml"))


@pytest.mark.realdata
def test_real_plate_by_pandas(realdata):
    import pandas as pd

    from cancernet.omics import read_plate

    path = realdata / "tabular/rtqpcr/rqdeltact_data_Ct_3groups_long.csv"
    found = relative_expression(read_plate(path), PcrOptions(control="Control"))
    frame = pd.read_csv(path)
    frame["Ct"] = pd.to_numeric(frame.Ct, errors="coerce")
    frame.loc[(frame.FLAG == "Undetermined") | (frame.Ct > 40), "Ct"] = np.nan
    wells = frame.groupby(["Sample", "Gene"])["Ct"]
    wide = wells.mean().where(wells.count() * 2 >= wells.size()).unstack()  # four pairs have two wells
    delta = wide.sub(wide["GAPDH"], axis=0)
    groups = frame.drop_duplicates("Sample").set_index("Sample")["Group"]
    means = delta.groupby(groups).mean()
    for one in found.comparisons:
        wanted = means.loc[one.group, one.gene] - means.loc["Control", one.gene]
        assert (one.ddct.value is None and math.isnan(wanted)) or one.ddct.value == pytest.approx(wanted)
