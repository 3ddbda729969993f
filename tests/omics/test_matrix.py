"""Matrices of expression: which way round, which names, and what is none."""

import gzip

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.omics import SampleOptions, kind_of_names, read_expression, read_matrix
from omics.matrices import counts, write_matrix, write_samples

SAMPLES, GENES, VALUES, LABELS = counts(12, 7)


def test_either_way_round_is_the_same_by_known_samples(tmp_path):
    upright = read_matrix(write_matrix(tmp_path / "a.csv", SAMPLES, GENES, VALUES), samples=SAMPLES)
    turned = read_matrix(write_matrix(tmp_path / "b.csv", GENES, SAMPLES, VALUES.T, "gene"), samples=SAMPLES)
    for found in (upright, turned):
        assert (found.samples, found.genes) == (tuple(SAMPLES), tuple(GENES))
        np.testing.assert_array_equal(found.values, VALUES)
    assert "Samples stand in the rows" in upright.notes[0]
    assert "Genes stand in the rows of the file, for 12 of them are named in the other table." in turned.notes


def test_by_the_names_alone_or_as_told(tmp_path):
    path = write_matrix(tmp_path / "a.csv", GENES, SAMPLES, VALUES.T, "")
    assert read_matrix(path).genes == tuple(GENES)
    assert read_matrix(path, orientation="samples").genes == tuple(SAMPLES)
    unclear = write_matrix(tmp_path / "b.csv", ["a", "b"], ["c", "d"], np.eye(2))
    with pytest.raises(InvalidInput, match="cannot be told whether samples or genes"):
        read_matrix(unclear)


def test_tsv_gz_and_parquet(tmp_path):
    import pandas as pd

    text = write_matrix(tmp_path / "a.csv", SAMPLES, GENES, VALUES).read_text().replace(",", "\t")
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(text.encode()))
    pd.DataFrame(VALUES, index=SAMPLES, columns=GENES).to_parquet(tmp_path / "a.parquet")
    for name in ("a.tsv.gz", "a.parquet"):
        np.testing.assert_array_equal(read_matrix(tmp_path / name, samples=SAMPLES).values, VALUES)


@pytest.mark.parametrize("sparse", [False, True])
def test_h5ad(tmp_path, sparse):
    anndata = pytest.importorskip("anndata")
    import pandas as pd
    from scipy.sparse import csr_matrix

    stored = csr_matrix(VALUES) if sparse else VALUES
    names = pd.DataFrame(index=SAMPLES), pd.DataFrame(index=GENES)
    anndata.AnnData(stored, obs=names[0], var=names[1]).write_h5ad(tmp_path / "a.h5ad")
    found = read_matrix(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(found.values, VALUES)
    assert found.genes == tuple(GENES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s,A,A\nx,1,2\n", "same name: 'A'"),
        ("s,A,B\nx,1,2\nx,3,4\n", "1 samples of .* more than once: 'x'"),
        ("s,A,B\nx,1,high\n", "'high' in row 1 below the header, column 'B'"),
        ("s,A,B\nx,1,inf\n", "'inf' in row 1"),
        ("s,A,B\nx,1,2\ny,3\n", "Row 2 below the header .* has 2 cells"),
        ("s,A,B\n", "has a header and no rows"),
    ],
)
def test_what_is_no_matrix(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InvalidInput, match=words):
        read_matrix(tmp_path / "a.csv", orientation="samples")


def test_a_transposed_matrix_with_repeated_genes_is_told(tmp_path):
    path = write_matrix(tmp_path / "a.csv", ["TP53", "TP53"], SAMPLES, VALUES[:, :2].T, "gene")
    with pytest.raises(InvalidInput, match=r"1 genes of .* more than once: 'TP53'"):
        read_matrix(path, samples=SAMPLES)


def test_missing_cells_are_nan(tmp_path):
    (tmp_path / "a.csv").write_text("s,A,B\nx,1,NA\ny,,2\n")
    np.testing.assert_array_equal(
        read_matrix(tmp_path / "a.csv", orientation="samples").values, [[1, np.nan], [np.nan, 2]]
    )


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["ESR1", "TP53", "HLA-A"], "symbols"),
        (["ENSG00000141510", "ENSG00000091831.5"], "Ensembl ids"),
        (["TTN|NP_001254479.2", "MADD|NP_569827.2"], "protein ids"),
        (["205225_at", "1007_s_at"], "probe ids"),
        (["2064", "7157"], "Entrez ids"),
        (["a b", "c d"], "other names"),
    ],
)
def test_kinds_of_names(names, kind):
    assert kind_of_names(names) == kind


def test_genes_that_a_spreadsheet_made_dates(tmp_path):
    found = read_matrix(
        write_matrix(tmp_path / "a.csv", SAMPLES, ["1-Mar", "Sep-02", *GENES[2:]], VALUES), samples=SAMPLES
    )
    assert "2 names look like dates ('1-Mar', 'Sep-02')" in found.notes[-1]


def _read(tmp_path, labels=LABELS, matrix=SAMPLES, **options):
    write_matrix(tmp_path / "m.csv", matrix, GENES, VALUES)
    samples = write_samples(
        tmp_path / "s.csv", SAMPLES, labels, age=range(12), patient=[f"p{k // 2}" for k in range(12)]
    )
    asked = {"samples": str(samples), "target": "subtype", "id": "sample", "group": "patient", **options}
    return read_expression(tmp_path / "m.csv", SampleOptions(**asked))


def test_labels_are_joined_by_name(tmp_path):
    order = [*SAMPLES[::-1]]
    found = _read(tmp_path, matrix=order, measured=("age",))
    assert found.table.ids.tolist() == order
    assert found.table.target.tolist() == LABELS[::-1].tolist()
    assert found.table.groups[0] == "p5"
    assert found.measured[:, 0].tolist() == list(range(12))[::-1]


def test_samples_without_label_are_left_out_and_counted(tmp_path):
    labels = ["NA", *LABELS[1:]]
    found = _read(tmp_path, labels, matrix=[*SAMPLES[:-1], "stranger"], classes=("low", "mid"))
    assert len(found.table) == 7
    assert {note.split(":")[0] for note in found.notes[2:]} == {
        "1 samples are not named in the table of samples",
        "1 samples have no label in 'subtype'",
        "3 samples have a label that is no class of the study, in 'subtype'",
    }


def test_labels_in_the_matrix_itself(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(VALUES, columns=GENES).assign(name=SAMPLES, subtype=LABELS)
    frame.to_csv(tmp_path / "m.csv", index=False)
    options = SampleOptions(target="subtype", id="name", group="row", orientation="samples")
    found = read_expression(tmp_path / "m.csv", options).table
    assert found.feature_names == tuple(GENES)
    assert found.target.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "subtipe"}, "Did you mean 'subtype'"),
        ({"measured": ("subtype",)}, "Expected a number in a measured column"),
        ({"classes": ("x", "y")}, "No sample is left: 12 samples have a label that is no class"),
        ({"matrix": [f"other-{k}" for k in range(12)]}, "None of the 12 samples of the other table is named"),
    ],
)
def test_what_cannot_be_joined(tmp_path, options, words):
    with pytest.raises(InvalidInput, match=words):
        _read(tmp_path, **options)


@pytest.mark.realdata
def test_the_proteome(realdata):
    folder = realdata / "tabular/cptac_brca2020"
    found = read_expression(
        folder / "proteome_122x10107.csv.gz",
        SampleOptions(samples=str(folder / "annotation.csv"), id="Sample.ID", target="PAM50", group="row"),
    )
    assert found.table.values.shape == (122, 10107)
    assert np.isnan(found.table.values).mean() == pytest.approx(0.053, abs=0.001)
    assert int((~np.isnan(found.table.values).any(axis=0)).sum()) == 7767
    assert "protein ids" in found.notes[1]


@pytest.mark.parametrize("named", [{"target": "nothere"}, {"target": "kind", "group": "nobody"}])
def test_a_column_that_is_not_there_is_named_before_any_cell_is_read(tmp_path, named):
    (tmp_path / "m.csv").write_text("sample,kind,A,B,C\ns1,x,1,2,3\ns2,y,text,2,3\ns3,x,3,1,2\n")
    with pytest.raises(InvalidInput, match="lacks the column 'no"):
        read_expression(tmp_path / "m.csv", SampleOptions(id="sample", **named))


def test_labels_of_anndata_come_from_a_table_beside_it(tmp_path):
    with pytest.raises(InvalidInput, match=r"The labels of .* are not said"):
        read_expression(tmp_path / "a.h5ad", SampleOptions(target="kind"))
