"""The published 21-gene score: its vector, its formula written out once more, its edges."""

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.omics import RS21_REFERENCES, rs21, score_plate, score_rows
from cancernet.omics.pcr import read_plate
from cancernet.omics.pcr.replicates import combine
from omics.plates import VECTOR, plate, write_vector


def by_hand(ct):
    """The formula of Paik et al. 2004, written out."""
    mean = sum(ct[name] for name in RS21_REFERENCES) / 5
    x = {name: 10 + mean - value for name, value in ct.items()}
    her2 = max(0.9 * x["GRB7"] + 0.1 * x["HER2"], 8)
    er = (0.8 * x["ER"] + 1.2 * x["PgR"] + x["BCL2"] + x["SCUBE2"]) / 4
    proliferation = max((x["Survivin"] + x["Ki67"] + x["MYBL2"] + x["CCNB1"] + x["STK15"]) / 5, 6.5)
    invasion = (x["CTSL2"] + x["MMP11"]) / 2
    rest = 0.05 * x["CD68"] - 0.08 * x["GSTM1"] - 0.07 * x["BAG1"]
    unscaled = 0.47 * her2 - 0.34 * er + 1.04 * proliferation + 0.10 * invasion + rest
    return unscaled, min(max(20 * (unscaled - 6.7), 0), 100)


def score(**changes):
    (found,) = score_plate(plate({"t": {**VECTOR, **changes}})).scores
    return found


def test_the_published_vector():
    found = score()
    assert round(found.unscaled, 2) == 9.70
    assert round(found.score.value, 2) == 60.00
    assert found.groups["her2_group"] == 8
    assert found.groups["proliferation_group"] == 6.5
    assert found.flags == ("her2 group raised to its floor 8", "proliferation group raised to its floor 6.5")
    assert found.categories == {"paik2004": "high", "tailorx2018": "high"}
    assert found.score.low is None
    assert "one well" in found.score.reason


def test_random_profiles_by_hand():
    generator = np.random.default_rng(0)
    for _ in range(200):
        ct = {name: float(value) for name, value in zip(VECTOR, generator.uniform(18, 36, 21), strict=True)}
        (found,) = rs21(combine(plate({"t": ct})))
        assert (found.unscaled, found.score.value) == pytest.approx(by_hand(ct))


def test_present_symbols_are_the_same_genes():
    names = {"HER2": "ERBB2", "ER": "ESR1", "PgR": "PGR", "Survivin": "BIRC5", "Ki67": "MKI67"}
    names |= {"STK15": "AURKA", "CTSL2": "CTSV", "GUS": "GUSB"}
    (found,) = score_plate(plate({"t": {names.get(gene, gene): ct for gene, ct in VECTOR.items()}})).scores
    assert found.score == score().score


@pytest.mark.parametrize("gene", VECTOR)
def test_a_missing_gene_is_refused(gene):
    with pytest.raises(InvalidInput, match=f"not on the plate: {gene}"):
        score_plate(plate({"t": {name: ct for name, ct in VECTOR.items() if name != gene}}))


def test_a_gene_without_a_cycle_gives_no_score_and_the_reason():
    made = plate({"t": {**VECTOR, "BAG1": None}, "u": VECTOR})
    lost, kept = score_plate(made).scores
    assert lost.score.value is None
    assert lost.score.reason == "no cycle of 'BAG1' (undetermined)"
    assert kept.score.value == pytest.approx(60.0)
    rows = score_rows(score_plate(made))
    assert rows[0]["rs"] is None
    assert "not the commercial test" in rows[0]["note"]


def test_a_gene_under_two_names_is_refused():
    with pytest.raises(InvalidInput, match="'HER2', 'ERBB2' are one gene"):
        score_plate(plate({"t": {**VECTOR, "ERBB2": 30.0}}))


def test_clipped_to_0_and_100():
    high = score(**dict.fromkeys(("Survivin", "Ki67", "MYBL2", "CCNB1", "STK15"), 22.0))
    assert high.score.value == 100
    assert any("before clipping" in flag for flag in high.flags)
    low = score(ER=16.0, PgR=16.0, BCL2=18.0, SCUBE2=18.0)
    assert low.score.value == 0
    assert low.categories == {"paik2004": "low", "tailorx2018": "low"}


def test_the_interval_is_that_of_the_wells():
    generator = np.random.default_rng(1)
    rough = {name: [ct + noise for noise in generator.normal(0, 0.2, 4)] for name, ct in VECTOR.items()}
    rough |= {name: [value - 9 for value in rough[name]] for name in ("GRB7", "Survivin", "Ki67", "MYBL2", "CCNB1")}
    (found,) = score_plate(plate({"t": rough})).scores
    draws = []
    means = {name: (np.mean(v), np.std(v, ddof=1) / 2) for name, v in rough.items()}
    for _ in range(4000):
        draws.append(by_hand({name: generator.normal(mean, error) for name, (mean, error) in means.items()})[1])
    assert (found.score.high - found.score.low) / 3.92 == pytest.approx(np.std(draws), rel=0.05)


def test_from_a_file(tmp_path):
    (found,) = score_plate(read_plate(write_vector(tmp_path / "v.csv"))).scores
    assert round(found.score.value, 2) == 60.00


@pytest.mark.realdata
def test_the_vectors_at_hand(realdata):
    found = score_plate(read_plate(realdata / "tabular/rtqpcr/oncotype_ct_vectors.csv", max_cycle=60)).scores
    assert round(found[0].unscaled, 2) == 9.70
    assert round(found[0].score.value, 2) == 60.00
    assert [one.score.value for one in found[1:]] == pytest.approx([15.783, 30.749], abs=1e-3)  # as recomputed there
