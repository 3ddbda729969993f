"""Training from the command line: what a run leaves, and what an interrupted one does."""

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from cancernet.studies import read_study, study_from
from cli.made import cancernet, contents, read_rows, refused, succeeded, write_study

LEFT = {
    "study.toml",
    "split.json",
    "history.csv",
    "predictions.csv",
    "metrics.json",
    "report.html",
    "bundle",
    "figures",
}
BUNDLE = {"card.json", "model.keras", "model.onnx", "checksums.json"}
METRICS = {"schema", "test", "validation", "folds", "operating_points", "baselines", "leak_audit"}
COLUMNS = [
    "id",
    "group",
    "split",
    "fold",
    "truth",
    "p_B",
    "p_M",
    "logit_B",
    "logit_M",
    "predicted",
    "set",
    "abstained",
    "ood",
    "ood_reason",
]  # of the contract
ESTIMATE = {"value", "low", "high", "n", "groups", "method"}
training = sys.modules["cancernet.studies.tables.fit"]


def _metrics(folder: Path):
    return json.loads((folder / "metrics.json").read_text())


def _comparable(folder: Path):
    """Return the metrics without the time that fitting took, as text."""
    found = _metrics(folder)
    found["facts"].pop("Fitting took")
    return json.dumps(found)


def test_what_a_run_leaves(run_folder: Path) -> None:
    assert {path.name for path in run_folder.iterdir()} == LEFT
    assert {path.name for path in (run_folder / "bundle").iterdir()} == BUNDLE
    beside = {path.name for path in run_folder.parent.iterdir()}
    assert beside == {"tiny", "tiny.toml", "cases.csv"}


def test_metrics_have_the_keys_of_the_contract(run_folder: Path) -> None:
    found = _metrics(run_folder)
    assert set(found) >= METRICS
    assert len(found["folds"]) == 2
    assert set(found["baselines"]) == {"majority", "logistic"}
    assert "balanced" in found["operating_points"]
    for column in (found["test"], *found["folds"], *found["baselines"].values()):
        for name, estimate in column.items():
            assert set(estimate) >= ESTIMATE, name
            assert estimate["value"] is not None or estimate["reason"], name
        assert set(column) == set(found["test"])


def test_every_patient_is_tested_once(run_folder: Path) -> None:
    rows = read_rows(run_folder / "predictions.csv")
    assert list(rows[0]) == COLUMNS
    assert len({row["group"] for row in rows}) == len(rows) == 61
    assert {row["fold"] for row in rows} == {"1", "2"}
    assert {row["split"] for row in rows} == {"test"}


def test_the_study_is_written_so_that_it_can_be_repeated(run_folder: Path) -> None:
    again = study_from(tomllib.loads((run_folder / "study.toml").read_text()))
    assert again == read_study(run_folder.parent / "tiny.toml")


def test_the_bundle_predicts(run_folder: Path, here: Path) -> None:
    found = succeeded("predict", run_folder / "bundle", run_folder.parent / "cases.csv", "--json").json
    assert found["rows"] == 61
    assert found["bundle"] == "tiny"


def test_an_existing_run_is_kept(run_folder: Path, here: Path) -> None:
    before = contents(run_folder)
    assert "exists already" in refused("train", run_folder.parent / "tiny.toml", "--out", run_folder)
    assert contents(run_folder) == before


def test_interrupted_resumed_and_replaced(run_folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = run_folder.parent / "tiny.toml"
    fitted, run_fold, save_fold = [], training.run_fold, training.save_fold

    def counted(plan, fold, learners):
        fitted.append(fold.number)
        return run_fold(plan, fold, learners)

    def interrupted(*arguments):
        save_fold(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "run_fold", counted)
    monkeypatch.setattr(training, "save_fold", interrupted)
    stopped = cancernet("train", study, "--quiet")
    assert stopped.code == 130
    assert stopped.err.splitlines() == [
        "Interrupted: 1 finished fold kept in 'runs/.tiny.partial'.",
        "  To go on, give the same command with --resume",
    ]
    assert {path.name for path in Path("runs").iterdir()} == {".tiny.partial"}

    monkeypatch.setattr(training, "save_fold", save_fold)
    assert "--resume" in refused("train", study)
    assert "another study" in refused("train", study, "--seed", "3", "--resume")
    Path("runs", "tiny").mkdir()  # an older run, to be replaced
    Path("runs", "tiny", "old.txt").write_text("old")
    succeeded("train", study, "--resume", "--force", "--quiet")
    assert fitted == [0, 1]
    assert {path.name for path in Path("runs").iterdir()} == {"tiny"}
    assert {path.name for path in Path("runs", "tiny").iterdir()} == LEFT
    assert Path("runs", "tiny", "predictions.csv").read_bytes() == (run_folder / "predictions.csv").read_bytes()
    assert _comparable(Path("runs", "tiny")) == _comparable(run_folder)


def test_ctrl_c_before_the_first_fold_leaves_no_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "run_fold", interrupted)
    stopped = cancernet("train", write_study(here / "tiny.toml"))
    assert stopped.code == 130
    assert "nothing is left behind" in stopped.err
    assert not list(here.rglob("*tiny.partial*"))
    assert not list(here.rglob("report.html"))


def test_one_at_a_time(here: Path) -> None:
    from filelock import FileLock

    study = write_study(here / "tiny.toml")
    (here / "runs").mkdir()
    with FileLock(here / "runs" / ".tiny.lock"):
        assert "Another process works on 'runs/tiny'" in cancernet("train", study).err


def test_a_constant_baseline_is_measured() -> None:
    """The majority baseline of 60 rows in two equal folds differs between the folds by rounding only."""
    from cancernet.metrics import calibration_line

    rows = np.arange(60)
    calibration_line(rows % 3 == 0, np.where(rows < 30, 1 / 3, 1 / 3 + 1e-8), groups=rows)
