"""Slides on the command line: train, predict, evaluate, export, and what explain says."""

import csv
from pathlib import Path

import pytest

from bags.made import write_needles, write_table
from cli.made import refused, succeeded

STUDY = """
name = "tiny-bags"
[data]
kind = "bags"
source = "made/slides.csv"
[split]
folds = 2
[task]
kind = "binary"
positive = "tumour"
[model]
hidden = 8
attention = 4
[training]
epochs = 2
batch_size = 8
tiles = 8
inner_folds = 2
[report]
draws = 200
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Return a folder with a trained bundle, and slides that it has not seen."""
    folder = tmp_path_factory.mktemp("slides")
    write_needles(folder / "made", slides=24, tiles=12, strength=4.0)
    write_needles(folder / "new", slides=12, tiles=12, seed=1)
    (folder / "tiny.toml").write_text(STUDY)
    told = succeeded("train", folder / "tiny.toml", "--out", folder / "run")
    assert "24 slides" in told.out
    return folder


def test_predict(place, tmp_path):
    told = succeeded("predict", place / "run/bundle", place / "new/slides.csv", "--out", tmp_path / "p.csv")
    assert "12 rows" in told.out
    assert "... and 2 more" in told.out
    with (tmp_path / "p.csv").open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [f"s{number:03d}" for number in range(12)]
    assert succeeded("predict", place / "run/bundle", place / "new/features", "--json").json["rows"] == 12


def test_predict_from_another_folder_and_column(place, tmp_path):
    table = write_table(tmp_path / "t.csv", [("s001",), ("s002",), ("gone",)], head=("case",))
    options = ("--id", "case", "--features", place / "new/features")
    told = succeeded("predict", place / "run/bundle", table, *options)
    assert "2 rows" in told.out
    assert "Set aside: 1 file that could not be read (gone: it has no file of features)" in told.out
    assert "None of the 3 slides of 't' can be used" in refused("predict", place / "run/bundle", table, "--id", "case")


def test_evaluate_and_export(place, tmp_path):
    rows = [(f"s{number:03d}", ("normal", "tumour")[number % 2], f"q{number}") for number in range(12)]
    table = write_table(tmp_path / "t.csv", rows)
    options = ("--features", place / "new/features", "--target", "label", "--group", "patient", "--out", tmp_path / "e")
    assert "AUROC" in succeeded("evaluate", place / "run/bundle", table, *options).out
    told = succeeded("export", place / "run/bundle", "--format", "onnx", "--out", tmp_path / "m.onnx").out
    assert "(n, tiles, 17) float32" in told
    assert "attention (n, tiles)" in told


def test_explain_names_the_function(place, tmp_path):
    said = refused("explain", place / "run/bundle", place / "new/slides.csv", "--out", tmp_path / "why")
    assert "attention_of" in said
