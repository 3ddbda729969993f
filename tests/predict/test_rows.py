import csv
import gzip
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from cancernet.errors import InvalidInput
from cancernet.predict import cases, tabulate, write_predictions
from cancernet.predict.rows import open_writer
from predict.made import training_values

IDS = np.array(["1", "a,b", 'say "x"', "two\nlines", "", " blank "])
RUN = ["id", "group", "split", "fold", "truth"]
ANSWER = ["p_B", "p_M", "logit_B", "logit_M", "predicted", "set", "abstained", "ood", "ood_reason"]


@pytest.fixture
def found(model):
    values = training_values(6)
    values[0] = [14.0, 19.0, 590.0]
    values[1] = [60.0, 19.0, 590.0]
    values[2] = [13.0, 19.0, 507.0]
    return cases(model, values, ids=IDS)


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def known(**changes):
    fields = {
        "ids": IDS,
        "groups": np.array(list("ppqqrr")),
        "split": np.full(6, "test"),
        "fold": np.arange(6) % 5,
        "truth": np.array([0, 1, 0, 1, 1, 0]),
    }
    return fields | changes


def test_columns_of_a_run(found, tmp_path):
    write_predictions(tmp_path / "predictions.csv", found, **known())
    rows = read(tmp_path / "predictions.csv")
    assert list(rows[0]) == RUN + ANSWER
    assert [row["id"] for row in rows] == IDS.tolist()
    assert [row["truth"] for row in rows] == list("BMBMMB")
    assert [row["fold"] for row in rows] == list("012340")
    assert [row["predicted"] for row in rows] == found.labels.tolist()


def test_columns_of_new_cases(found, tmp_path):
    write_predictions(tmp_path / "new.csv", found)
    assert list(read(tmp_path / "new.csv")[0]) == ["id", *ANSWER]
    write_predictions(tmp_path / "bare.csv", replace(found, ids=None))
    assert list(read(tmp_path / "bare.csv")[0]) == ANSWER


def test_cells(found, tmp_path):
    write_predictions(tmp_path / "a.csv", found)
    rows = read(tmp_path / "a.csv")
    for row, sets, abstained, ood in zip(rows, found.sets, found.abstained, found.ood, strict=True):
        assert row["set"] == "|".join(np.array(["B", "M"])[sets])
        assert (row["abstained"], row["ood"]) == (str(bool(abstained)).lower(), str(bool(ood)).lower())
    assert {row["set"] for row in rows} > {"B|M"}
    assert rows[1]["ood_reason"].startswith("radius is 15.")
    assert rows[0]["ood_reason"] == ""


def test_numbers_are_exact_float32_of_at_most_nine_digits(found, tmp_path):
    write_predictions(tmp_path / "a.csv", found)
    rows = read(tmp_path / "a.csv")
    for name, numbers in (("p_M", found.probabilities[:, 1]), ("logit_M", found.logits[:, 1])):
        assert [np.float32(row[name]) for row in rows] == np.float32(numbers).tolist()
        assert all(len(row[name].split("e")[0].strip("-").replace(".", "").lstrip("0")) <= 9 for row in rows)


def test_text_is_quoted_only_where_it_must_be(found, tmp_path):
    write_predictions(tmp_path / "plain.csv", found, ids=np.array(list("abcdef")))
    assert b'"' not in (tmp_path / "plain.csv").read_bytes()


def test_class_names_that_want_quotes(three_classes, tmp_path):
    values = np.abs(training_values(4))
    write_predictions(tmp_path / "a.csv", cases(three_classes, values))
    rows = read(tmp_path / "a.csv")
    assert list(rows[0])[:3] == ["p_a,b", 'p_say "c"', "p_d"]
    assert {row["predicted"] for row in rows} <= {"a,b", 'say "c"', "d"}
    assert {row["set"] for row in rows} == {""}


@pytest.mark.parametrize("suffix", [".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq", ".CSV"])
def test_every_form_holds_the_same(found, tmp_path, suffix):
    write_predictions(tmp_path / "a.csv", found, **known())
    other = tmp_path / f"a{suffix}" if suffix != ".CSV" else tmp_path / "b.CSV"
    write_predictions(other, found, **known())
    plain = {"dtype": {"id": str}, "keep_default_na": False}
    if suffix in (".parquet", ".pq"):
        table = pq.read_table(other).to_pandas()
    else:
        table = pd.read_csv(other, sep="\t" if ".tsv" in suffix else ",", **plain)
    numbers = [name for name in table if name.startswith(("p_", "logit_"))]
    expected = pd.read_csv(tmp_path / "a.csv", **plain)
    pd.testing.assert_frame_equal(
        table.astype(dict.fromkeys(numbers, "float32")),
        expected.astype(dict.fromkeys(numbers, "float32")),
        check_dtype=False,
    )


def test_gzip_is_gzip(found, tmp_path):
    write_predictions(tmp_path / "a.csv.gz", found)
    write_predictions(tmp_path / "a.csv", found)
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()


def test_tables_of_a_stream_follow_each_other(found):
    stream = BytesIO()
    with open_writer(stream) as writer:
        for part in (found.take(slice(2)), found.take(slice(2, 6))):
            writer.write(tabulate(part))
    rows = list(csv.DictReader(stream.getvalue().decode().splitlines(keepends=True)))
    assert [row["id"] for row in rows] == IDS.tolist()


def test_truth_may_be_names(found):
    assert tabulate(found, truth=np.array(list("MMBBMM")))["truth"].to_pylist() == list("MMBBMM")


def test_many_classes_and_their_sets(found):
    classes = tuple(f"c{k}" for k in range(70))
    sets = np.random.default_rng(0).random((40, 70)) < 0.05
    sets[:, 0] = True
    many = replace(
        found,
        logits=np.zeros((40, 70)),
        probabilities=np.full((40, 70), 1 / 70),
        predicted=np.zeros(40, dtype=int),
        sets=sets,
        abstained=np.ones(40, dtype=bool),
        ood=np.zeros(40, dtype=bool),
        ood_reason=np.full(40, "", dtype=object),
        classes=classes,
        ids=None,
    )
    expected = ["|".join(name for name, member in zip(classes, row, strict=True) if member) for row in sets]
    assert tabulate(many)["set"].to_pylist() == expected


def test_existing_file_is_kept(found, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        write_predictions(path, found)
    assert path.read_text() == "mine"
    write_predictions(path, found, force=True)
    assert path.read_text().startswith("id,")


@pytest.mark.parametrize("name", ["a.xlsx", "a", "csv"])
def test_unknown_form(found, tmp_path, name):
    with pytest.raises(InvalidInput, match=r"ends in \.csv"):
        write_predictions(tmp_path / name, found)
    assert not list(tmp_path.iterdir())


def test_columns_of_another_length(found, tmp_path):
    with pytest.raises(InvalidInput, match="5 groups for 6 cases"):
        write_predictions(tmp_path / "a.csv", found, groups=np.array(list("ppqqr")))
    assert not list(tmp_path.iterdir())
