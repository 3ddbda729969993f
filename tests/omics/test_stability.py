"""geNorm and NormFinder against their papers' data, and against plain loops."""

import csv

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.omics import choose_references, combine, genorm, normfinder
from omics.plates import plate

# Table 3 of Vandesompele et al. 2002; the first two of each tissue cannot be told apart.
PUBLISHED = {
    "BM": "RPL13A UBC YWHAZ HPRT1 GAPD SDHA TBP HMBS B2M ACTB",
    "POOL": "GAPD SDHA HMBS HPRT1 TBP UBC RPL13A YWHAZ ACTB B2M",
    "FIB": "GAPD HPRT1 YWHAZ UBC ACTB TBP SDHA RPL13A B2M HMBS",
    "LEU": "UBC YWHAZ B2M GAPD RPL13A TBP SDHA HPRT1 HMBS ACTB",
    "NB": "GAPD HPRT1 SDHA UBC HMBS YWHAZ TBP ACTB RPL13A B2M",
}
# As the vignette of the R package SLqPCR prints them for bone marrow, from ten genes down to two.
MEAN_M = [0.6362855, 0.5828883, 0.5302283, 0.4999437, 0.4773775, 0.4377282, 0.4067706, 0.3716192, 0.3492712]
VARIATION = [0.07646901, 0.07765343, 0.067112, 0.06813202, 0.08061944, 0.08416531, 0.09767827, 0.113745]
M_OF_ALL = {"HPRT1": 0.5160313, "YWHAZ": 0.5314564, "RPL13A": 0.5335963, "HMBS": 0.7206013, "ACTB": 0.8498739}
# As the vignette of NormqPCR prints them for the colon: Table 3 of Andersen et al. 2004.
COLON = {
    **{"UBC": 0.1821707, "GAPD": 0.2146061, "TPT1": 0.2202956, "UBB": 0.2471573, "TUBA6": 0.2700641},
    **{"RPS13": 0.2813039, "NACA": 0.2862397, "CFL1": 0.2870467, "SUI1": 0.3139404, "ACTB": 0.3235918},
    **{"CLTC": 0.3692880, "RPS23": 0.3784909, "FLJ20030": 0.3935173},
}
BEST_OF_BLADDER = ["HSPCB", "TEGT", "ATP5B"]  # abstract of the same paper


def _table(path, first):
    """Return names of rows, a column of groups, genes and binary logarithms of quantities."""
    with path.open(newline="") as stream:
        header, *rows = list(csv.reader(stream))
    values = np.log2([[float(cell) for cell in row[first:]] for row in rows])
    return [row[0] for row in rows], [row[2] for row in rows], header[first:], values


@pytest.mark.realdata
@pytest.mark.parametrize("tissue", PUBLISHED)
def test_genorm_ranks_as_published(realdata, tissue):
    names, _, genes, log2 = _table(realdata / "tabular/rtqpcr/normqpcr_geNorm.csv", 2)
    found = genorm(log2[[name.startswith(tissue) for name in names]], genes)
    wanted = PUBLISHED[tissue].split()
    assert set(found.ranking[:2]) == set(wanted[:2])
    assert list(found.ranking[2:]) == wanted[2:]


@pytest.mark.realdata
def test_genorm_values_of_bone_marrow(realdata):
    names, _, genes, log2 = _table(realdata / "tabular/rtqpcr/normqpcr_geNorm.csv", 2)
    found = genorm(log2[[name.startswith("BM") for name in names]], genes)
    assert found.samples == 9
    assert found.mean_m == pytest.approx(MEAN_M, abs=1e-7)
    assert found.variation[::-1] == pytest.approx(VARIATION, abs=1e-7)
    assert {gene: value for gene, value in zip(found.ranking, found.m, strict=True) if gene in M_OF_ALL} == (
        pytest.approx(M_OF_ALL, abs=1e-7)
    )
    assert found.enough == 2


@pytest.mark.realdata
def test_normfinder_as_published(realdata):
    _, classes, genes, log2 = _table(realdata / "tabular/rtqpcr/normqpcr_Colon.csv", 3)
    assert dict(zip(genes, normfinder(log2, classes), strict=True)) == pytest.approx(COLON, abs=1e-7)
    _, grades, genes, log2 = _table(realdata / "tabular/rtqpcr/normqpcr_Bladder.csv", 3)
    assert [genes[place] for place in np.argsort(normfinder(log2, grades))[:3]] == BEST_OF_BLADDER


def _m_by_loops(values):
    n = values.shape[1]
    return [np.mean([np.std(values[:, j] - values[:, k], ddof=1) for k in range(n) if k != j]) for j in range(n)]


def test_genorm_by_loops():
    values = np.random.default_rng(0).normal(size=(12, 6)) * [1, 0.2, 0.3, 2, 0.5, 0.8]
    genes = list("abcdef")
    found, left = genorm(values, genes), list(range(6))
    for mean in found.mean_m:
        m = _m_by_loops(values[:, left])
        assert mean == pytest.approx(np.mean(m))
        left.pop(int(np.argmax(m)))
    m = dict(zip(genes, _m_by_loops(values), strict=True))
    assert found.m == pytest.approx([m[gene] for gene in found.ranking])
    assert found.ranking[-1] == "d"


def test_loading_does_not_count():
    generator = np.random.default_rng(1)
    values = generator.normal(size=(10, 5))
    loaded = values + generator.normal(size=(10, 1)) * 5
    groups = np.array(list("xxxxxyyyyy"))
    assert genorm(values, list("abcde")).mean_m == pytest.approx(genorm(loaded, list("abcde")).mean_m)
    assert normfinder(values, groups) == pytest.approx(normfinder(loaded, groups))


def test_normfinder_finds_the_gene_that_answers_and_the_noisy_one():
    generator = np.random.default_rng(2)
    values = generator.normal(size=(60, 8)) * 0.2
    values[30:, 3] += 2
    values[:, 5] *= 6
    groups = np.array(["x"] * 30 + ["y"] * 30)
    assert set(np.argsort(normfinder(values, groups))[-2:]) == {3, 5}
    assert normfinder(values, np.full(60, "one"))[5] == pytest.approx(1.2, rel=0.2)


def test_samples_with_holes_are_left_out():
    values = np.random.default_rng(3).normal(size=(9, 4))
    holed = np.vstack([values, np.full((1, 4), np.nan)])
    assert genorm(holed, list("abcd")).mean_m == genorm(values, list("abcd")).mean_m


@pytest.mark.parametrize(("samples", "genes"), [(2, 5), (9, 1)])
def test_too_little(samples, genes):
    with pytest.raises(InvalidInput, match="geNorm needs 2 genes and 3 samples"):
        genorm(np.zeros((samples, genes)), ["g"] * genes)


def test_a_group_of_one_is_refused():
    with pytest.raises(InvalidInput, match="Group 'y' has one sample"):
        normfinder(np.random.default_rng(0).normal(size=(5, 4)), np.array(list("xxxxy")))


def _plate(**more):
    generator = np.random.default_rng(4)
    steady = {"ACTB": 0.05, "GAPDH": 0.05, "ESR1": 2.0, "MKI67": 1.0, **more}
    return plate({f"s{n}": {g: 22 + generator.normal() * sd for g, sd in steady.items()} for n in range(12)})


def test_references_are_found_named_or_chosen():
    made = _plate()
    table = combine(made)
    assert choose_references(made, table).genes == ("ACTB", "GAPDH")
    assert choose_references(made, table, names=["GAPDH"]).genes == ("GAPDH",)
    chosen = choose_references(made, table, names=["stable"])
    assert set(chosen.genes) == {"ACTB", "GAPDH"}
    assert "chosen on these samples" in chosen.warnings[0]
    assert len(chosen.normfinder) == 4


def test_unsteady_references_are_told():
    made = _plate(B2M=3.0)
    found = choose_references(made, combine(made))
    assert found.genes == ("ACTB", "GAPDH", "B2M")
    assert any("B2M is unsteady" in text for text in found.warnings)
    assert any("still changes the normalisation" in text for text in found.warnings)


def test_no_reference_and_unknown_reference():
    made = plate({f"s{n}": {"ESR1": 20.0, "MKI67": 22.0} for n in range(3)})
    with pytest.raises(InvalidInput, match="no reference gene of a usual name"):
        choose_references(made, combine(made))
    with pytest.raises(InvalidInput, match=r"no reference gene 'ESR2'.*Did you mean 'ESR1'"):
        choose_references(made, combine(made), names=["ESR2"])
    with pytest.raises(InvalidInput, match="three at least to choose among"):
        choose_references(made, combine(made), names=["stable"])
