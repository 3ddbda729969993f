"""Evaluating: the numbers are those of scikit-learn on the predictions that lie beside them."""

import json
from pathlib import Path

import pytest
from sklearn import metrics

from cli.made import read_rows, refused, succeeded, write_labelled

LEFT = {"figures", "metrics.json", "predictions.csv", "report.html"}


@pytest.fixture(scope="module")
def evaluated(bundle: Path, tmp_path_factory: pytest.TempPathFactory):
    """What an evaluation printed as JSON, and its folder."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_labelled(folder / "rows.csv", rows=120)
    command = ("evaluate", bundle, folder / "rows.csv", "--target", "label", "--group", "patient")
    return succeeded(*command, "--out", folder / "out", "--json").json, folder / "out"


def test_what_it_leaves(evaluated) -> None:
    _, folder = evaluated
    assert {path.name for path in folder.iterdir()} == LEFT
    assert len(read_rows(folder / "predictions.csv")) == 120


def test_numbers_are_those_of_scikit_learn(evaluated) -> None:
    printed, folder = evaluated
    found = json.loads((folder / "metrics.json").read_text())["test"]
    assert printed["test"] == found
    rows = read_rows(folder / "predictions.csv")
    truth = [row["truth"] == "M" for row in rows]
    called = [row["predicted"] == "M" for row in rows]
    shares = [float(row["p_M"]) for row in rows]
    expected = {
        "auroc": metrics.roc_auc_score(truth, shares),
        "average_precision": metrics.average_precision_score(truth, shares),
        "brier": metrics.brier_score_loss(truth, shares),
        "accuracy": metrics.accuracy_score(truth, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(truth, called, pos_label=False),
        "ppv": metrics.precision_score(truth, called),
        "f1": metrics.f1_score(truth, called),
        "mcc": metrics.matthews_corrcoef(truth, called),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, abs=1e-6), name
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
        assert found[name]["groups"] <= 60
    assert found["accuracy"]["groups"] == 60


def test_words_and_default_place(here: Path, bundle: Path) -> None:
    write_labelled(here / "rows.csv")
    told = succeeded("evaluate", bundle, "rows.csv", "--target", "label", "--group", "row").out
    assert "AUROC" in told
    assert "report  runs/made-on-rows/report.html" in told
    assert "all of them tested" in told
    assert max(map(len, told.splitlines())) <= 100


def test_rows_the_model_has_seen_are_a_leak(run_folder: Path, here: Path) -> None:
    command = ("evaluate", run_folder / "bundle", run_folder.parent / "cases.csv", "--target", "label")
    message = refused(*command, "--group", "patient", "--quiet")
    assert "61 of 61 rows" in message
    assert "--allow-leak" in message


def test_rows_the_model_has_seen_are_measured_when_that_is_allowed(run_folder: Path, here: Path) -> None:
    command = ("evaluate", run_folder / "bundle", run_folder.parent / "cases.csv", "--target", "label")
    told = succeeded(*command, "--group", "patient", "--allow-leak", "--out", "leaky").out
    assert "this is not a test" in told
