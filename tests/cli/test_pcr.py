"""`cancernet pcr`: the three jobs, their files, and plates that cannot be used."""

import re
from pathlib import Path

import numpy as np
import pytest

from cancernet.omics import SimulatedPlate, simulate_plate
from cli.made import read_rows, refused, succeeded
from omics.plates import VECTOR, write_long, write_vector

NOT_THE_TEST = "not the commercial"


def _groups(path: Path) -> Path:
    generator = np.random.default_rng(0)
    rows = []
    for group, shift in (("normal", 0.0), ("tumour", -2.0)):
        for n in range(6):
            for gene, level in (("ACTB", 18.0), ("GAPDH", 20.0), ("RPLP0", 19.0), ("MKI67", 28.0 + shift)):
                ct = level + generator.normal(0, 0.1)
                rows += [f"{group}{n},{gene},{ct + noise:.3f},{group}" for noise in (-0.05, 0.05)]
    return write_long(path, rows, "Sample,Gene,Ct,Group")


def _simulated(path: Path) -> Path:
    made = simulate_plate(SimulatedPlate(samples=(0.0, 100.0), sample_wells=3), seed=0)
    words = {"standard": "STANDARD", "blank": "NTC", "sample": "UNKNOWN"}
    rows = [
        f"{made.samples[w]},{made.genes[w]},{'Undetermined' if np.isnan(made.ct[w]) else round(made.ct[w], 3)},"
        f"{words[made.tasks[w]]},{'' if np.isnan(made.quantities[w]) else made.quantities[w]}"
        for w in range(len(made))
    ]
    return write_long(path, rows, "Sample,Gene,Ct,Task,Quantity")


def test_delta_ct_and_fold_changes(here):
    plate = _groups(here / "plate.csv")
    told = succeeded(
        "pcr", plate, "--reference", "ACTB,GAPDH,RPLP0", "--control", "normal", "--out", "delta-ct.csv"
    ).out
    assert "Reference genes: ACTB, GAPDH, RPLP0, as named." in told
    assert "fold change against normal" in told
    rows = read_rows(here / "delta-ct.csv")
    assert len(rows) == 12 * 4
    assert all(row["delta_ct"] and row["delta_ct_se"] and not row["reason"] for row in rows)
    (fold,) = read_rows(here / "delta-ct-fold.csv")
    assert fold["gene"] == "MKI67"
    assert float(fold["fold_low"]) < 4 < float(fold["fold_high"])
    assert (here / "delta-ct.png").read_bytes().startswith(b"\x89PNG")


def test_json_says_the_same(here):
    plate = _groups(here / "plate.csv")
    found = succeeded("pcr", plate, "--control", "normal", "--json").json
    assert found["references"]["genes"] == ["ACTB", "GAPDH", "RPLP0"]
    assert found["references"]["stability"]["samples"] == 12
    assert found["comparisons"][0]["fold"] == pytest.approx(4, rel=0.1)
    assert len(found["delta_ct"]) == 48
    assert found["files"] == []


def test_efficiencies(here):
    plate = _groups(here / "plate.csv")
    found = succeeded("pcr", plate, "--control", "normal", "--efficiency", "MKI67=1.9", "--json").json
    assert found["comparisons"][0]["fold"] == pytest.approx(1.9**2, rel=0.1)


def test_the_score(here):
    told = succeeded("pcr", write_vector(here / "plate.csv"), "--score", "rs21", "--out", "score.csv").out
    assert "60.00" in told
    assert "9.70" in told
    assert NOT_THE_TEST in " ".join(told.split())
    (row,) = read_rows(here / "score.csv")
    assert (row["rs"], row["rsu"]) == ("60", "9.7")
    assert row["category_paik2004"] == "high"
    assert NOT_THE_TEST in row["note"]
    assert NOT_THE_TEST in succeeded("pcr", here / "plate.csv", "--score", "rs21", "--json").json["note"]


def test_copies(here):
    found = succeeded("pcr", _simulated(here / "plate.csv"), "--copies", "--max-cycle", "45", "--out", "c.csv")
    assert "limit of detection" in found.out
    rows = read_rows(here / "c.csv")
    assert [row["call"] for row in rows] == ["absent", "present"]
    assert float(rows[1]["copies_per_well_low"]) < 100 < float(rows[1]["copies_per_well_high"])
    as_json = succeeded("pcr", here / "plate.csv", "--copies", "--max-cycle", "45", "--json").json
    assert as_json["limit_of_blank"]["copies"] == 0
    assert as_json["curve"]["efficiency"]["value"] == pytest.approx(0.95, abs=0.06)


def test_quiet_and_force(here):
    plate = _groups(here / "plate.csv")
    assert succeeded("pcr", plate, "--out", "d.csv", "--quiet").out == ""
    assert "exists already" in refused("pcr", plate, "--out", "d.csv")
    assert succeeded("pcr", plate, "--out", "d.csv", "--force", "--quiet").out == ""


@pytest.mark.parametrize(
    ("rows", "header", "options", "words"),
    [
        (["a,ESR1,24", "a,MKI67,26"], "Sample,Gene,Ct", [], "no reference gene of a usual name"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--reference", "ACTN"], "Did you mean 'ACTB'"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--control", "b"], "no group or sample 'b'"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--score", "rs21"], "The score needs 21 genes"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--score", "rs22"], "Did you mean 'rs21'"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--copies"], "0 genes of plate"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--efficiency", "MKI67"], "GENE=FACTOR"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--copies", "--control", "a"], "--control does not go with"),
        (["a,ACTB,18", "a,MKI67,26"], "Sample,Gene,Ct", ["--target", "MKI67"], "--target does not go with"),
        (["a,ACTB,-3", "a,MKI67,26"], "Sample,Gene,Ct", [], "-3 in row 1 .*is no cycle"),
        (["a,ACTB,ok", "a,MKI67,26"], "Sample,Gene,Ct", [], "Text 'ok' in row 1"),
        (["a,20", "b,21"], "Sample,ACTB", [], "is no plate"),
        (["n,T,NA,NTC", "n,T,NA,NTC"], "Sample,Gene,Ct,Task", [], "only standards and blanks"),
    ],
)
def test_bad_plates_are_refused_in_one_block(here, rows, header, options, words):
    plate = write_long(here / "plate.csv", rows, header)
    assert re.search(words, refused("pcr", plate, "--out", "x.csv", *options))


def test_a_plate_that_is_not_there(here):
    assert "there is no such file" in refused("pcr", "nothing.csv")


def test_a_score_without_a_gene(here):
    plate = write_vector(here / "plate.csv", BAG1=None)
    assert "not on the plate: BAG1" in refused("pcr", plate, "--score", "rs21")
    late = {gene: 39.0 if gene == "BAG1" else ct for gene, ct in VECTOR.items()}
    told = succeeded("pcr", write_vector(here / "late.csv", **late), "--score", "rs21", "--max-cycle", "38.6").out
    assert "no cycle of 'BAG1' (above the cycle limit)" in told


@pytest.mark.realdata
def test_real_plates(here, realdata):
    folder = realdata / "tabular/rtqpcr"
    told = succeeded("pcr", folder / "rqdeltact_data_Ct_3groups_long.csv", "--control", "Control").out
    assert "TGFB    AAA    40 of 40  0.63 (0.46 to 0.86)" in told
    assert "60.00" in succeeded("pcr", folder / "oncotype_ct_vectors.csv", "--score", "rs21", "--max-cycle", 60).out
    assert "these are no cycles" in refused("pcr", folder / "normqpcr_geNorm.csv")
