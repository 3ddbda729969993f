"""Plates as instruments write them, and what is no plate."""

from collections import Counter

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.omics import combine, read_plate
from omics.plates import write_long

LONG = ["a,ACTB,18.2", "a,ESR1,24.0", "a,ESR1,24.2", "b,ACTB,18.5", "b,ESR1,Undetermined"]


def test_long_form(tmp_path):
    found = read_plate(write_long(tmp_path / "p.csv", LONG))
    assert found.form == "long form, one well a row"
    assert found.sample_names == ("a", "b")
    assert found.gene_names == ("ACTB", "ESR1")
    np.testing.assert_array_equal(found.ct, [18.2, 24.0, 24.2, 18.5, np.nan])
    assert found.reasons.tolist() == ["", "", "", "", "undetermined"]
    assert found.notes == ("1 wells did not cross the threshold.",)


@pytest.mark.parametrize(
    ("header", "separator"),
    [("Sample Name,Target Name,C\u0442", ","), ("Sample;Detector;Cq", ";"), ("SAMPLE_ID\tassay\tCp", "\t")],
)
def test_names_of_instruments(tmp_path, header, separator):
    rows = [row.replace(",", separator) for row in LONG]
    found = read_plate(write_long(tmp_path / "p.txt", rows, header))
    assert found.ct[:4].tolist() == [18.2, 24.0, 24.2, 18.5]


def test_the_wide_forms_are_the_long_one(tmp_path):
    wide = write_long(tmp_path / "w.csv", ["a,18.2,24.0", "b,18.5,Undetermined"], "Sample,ACTB,ESR1")
    tall = write_long(tmp_path / "t.csv", ["ACTB,18.2,18.5", "ESR1,24.0,Undetermined"], "Gene,a,b")
    long = write_long(tmp_path / "l.csv", [LONG[0], LONG[1], LONG[3], LONG[4]])
    tables = [combine(read_plate(path)) for path in (wide, tall, long)]
    assert [read_plate(path).form for path in (wide, tall)] == [
        "wide form, genes in columns",
        "wide form, genes in rows",
    ]
    for table in tables:
        assert (table.samples, table.genes) == (("a", "b"), ("ACTB", "ESR1"))
        np.testing.assert_array_equal(table.ct, tables[0].ct)


def test_text_columns_of_a_wide_plate_are_left_out_and_named(tmp_path):
    found = read_plate(write_long(tmp_path / "w.csv", ["a,x,18.2,24", "b,y,18.5,25"], "Sample,Remark,ACTB,ESR1"))
    assert found.gene_names == ("ACTB", "ESR1")
    assert found.notes == ("No cycles in 'Remark': left out.",)


@pytest.mark.parametrize("word", ["Undetermined", "undetermined", "No Ct", "NA", "N/A", "NaN", "-", "nd"])
def test_words_for_a_well_that_did_not_cross(tmp_path, word):
    found = read_plate(write_long(tmp_path / "p.csv", [*LONG[:4], f"b,ESR1,{word}"]))
    assert np.isnan(found.ct[-1])
    assert found.reasons[-1] == "undetermined"


def test_an_empty_cell_is_no_well(tmp_path):
    found = read_plate(write_long(tmp_path / "p.csv", [*LONG[:4], "b,ESR1,"]))
    assert len(found) == 4
    assert found.notes == ("1 empty cells are no wells.",)


def test_above_the_cycle_limit(tmp_path):
    path = write_long(tmp_path / "p.csv", [*LONG[:4], "b,ESR1,41.5"])
    assert read_plate(path).reasons[-1] == "above the cycle limit"
    assert read_plate(path, max_cycle=45).ct[-1] == 41.5


def test_the_flag_of_the_instrument_wins(tmp_path):
    rows = ["a,ACTB,18.2,OK", "a,ESR1,35.1,Undetermined"]
    found = read_plate(write_long(tmp_path / "p.csv", rows, "Sample,Gene,Ct,FLAG"))
    assert np.isnan(found.ct[1])
    assert found.reasons[1] == "flagged undetermined by the instrument"


def test_tasks_by_task_quantity_and_name(tmp_path):
    header = "Sample,Gene,Cq,Task,Quantity"
    rows = ["s,T,25,STANDARD,1000", "n,T,Undetermined,NTC,", "p,T,30,UNKNOWN,55.2"]
    told = read_plate(write_long(tmp_path / "p.csv", rows, header))
    assert told.tasks.tolist() == ["standard", "blank", "sample"]
    assert np.isnan(told.quantities[2])  # what the instrument computed of a sample is no known quantity
    rows = ["s,T,25,1000", "NTC,T,Undetermined,", "zero,T,Undetermined,0", "p,T,30,"]
    found = read_plate(write_long(tmp_path / "q.csv", rows, "Sample,Gene,Cq,SQ"))
    assert found.tasks.tolist() == ["standard", "blank", "blank", "sample"]


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("Sample,Gene,Ct", ["a,ACTB,late"], "Text 'late' in row 1 below the header, column 'Ct'"),
        ("Sample,Gene,Ct", ["a,ACTB,0"], "0 in row 1 .* is no cycle"),
        ("Sample,Gene,Ct", ["a,ACTB,2054.55"], "2054.55 in row 1 .* is no cycle"),
        ("Sample,Gene,Ct", ["a,ACTB,0.4", "a,ESR1,1.2"], "no cycles"),
        ("Sample,Gene,Ct", ["a,,20"], "Nothing in row 1"),
        ("Gene,Ct", ["ACTB,20"], "none of samples"),
        ("Sample,Ct", ["a,20"], "none of genes"),
        ("Sample,ACTB", ["a,20"], "is no plate"),
        ("Sample,Gene,Ct", ["a,ACTB,", "a,ESR1,"], "holds no cycle"),
        ("Sample,Gene,Ct,Group", ["a,ACTB,20,x", "a,ESR1,20,y"], "of group 'x' and, in row 2, of 'y'"),
        ("Sample,Gene,Ct,Quantity", ["a,T,20,many"], "'many' in row 1 .* is no quantity"),
        ("Sample,Gene,Ct,Quantity", ["a,T,20,-5"], "is no quantity"),
    ],
)
def test_what_is_no_plate(tmp_path, header, rows, words):
    with pytest.raises(InvalidInput, match=words):
        read_plate(write_long(tmp_path / "p.csv", rows, header))


def test_a_cycle_limit_that_cannot_be(tmp_path):
    with pytest.raises(InvalidInput, match="cycle limit of 0"):
        read_plate(write_long(tmp_path / "p.csv", LONG), max_cycle=0)


@pytest.mark.realdata
def test_real_taqman_plate(realdata):
    found = read_plate(realdata / "tabular/rtqpcr/rqdeltact_data_Ct_3groups_long.csv")
    assert (len(found), len(found.sample_names), len(found.gene_names)) == (2048, 104, 20)
    assert Counter(found.groups.values()) == {"AAA": 40, "VV": 40, "Control": 24}
    assert int(np.isnan(found.ct).sum()) == 478  # as its README counts the flags


@pytest.mark.realdata
def test_quantities_are_refused(realdata):
    with pytest.raises(InvalidInput, match="these are no cycles"):
        read_plate(realdata / "tabular/rtqpcr/normqpcr_geNorm.csv")
