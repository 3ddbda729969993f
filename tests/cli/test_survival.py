"""Survival on the command line: a study, curves at asked times, and what is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest

from cli.made import refused, succeeded

STUDY = """name = "made"
[data]
kind = "survival"
source = "cases.csv"
time = "months"
event = "died"
time_unit = "months"
group = "patient"
id = "patient"
[split]
folds = 2
[model]
inner_folds = 2
tried = 4
[report]
times = [20]
draws = 200
"""


def write_patients(path: Path, n: int = 120) -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(n, 2))
    death, left = generator.exponential(40 * np.exp(-values[:, 0])), generator.uniform(5, 90, size=n)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["patient", "grade", "noise", "months", "died"])
        for row in range(n):
            time, died = min(death[row], left[row]) + 0.1, int(death[row] <= left[row])
            writer.writerow([f"p{row}", *values[row].round(4), round(time, 3), died])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli-survival")
    write_patients(folder / "cases.csv")
    (folder / "study.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        told = succeeded("train", "study.toml", "--out", "run").out
    assert "concordance uno" in told
    assert "kaplan-meier" in told
    assert "Research use only, not a medical device" in told
    return folder


def test_curves_are_predicted_at_asked_times(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    told = succeeded("predict", "run/bundle", "cases.csv", "--at", "10, 30", "--out", "curves.csv", "--id", "patient")
    assert "survival_10" in told.out
    with (trained / "curves.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 120
    assert rows[0]["id"] == "p0"
    assert all(0 <= float(row["survival_30"]) <= float(row["survival_10"]) <= 1 for row in rows)
    found = succeeded("predict", "run/bundle", "cases.csv", "--json").json
    assert (found["rows"], found["times"], found["unit"]) == (120, [20.0], "months")
    streamed = succeeded("predict", "run/bundle", "cases.csv", "--out", "-").out
    assert streamed.splitlines()[0].startswith("id,risk,survival_20,median_time,risk_group")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "10,900"), "Nothing is known of 900 months"),
        (("--at", "ten"), "Cannot read the times 'ten'"),
        (("--out", "curves.xlsx"), "Cannot tell the form of 'curves.xlsx'"),
    ],
)
def test_what_cannot_be_predicted_is_said(
    trained: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(trained)
    assert said in refused("predict", "run/bundle", "cases.csv", *arguments)


def test_verbs_of_classes_refuse_curves_and_the_other_way_round(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    assert "answers with survival curves" in refused("explain", "run/bundle", "cases.csv", "--out", "why")
    assert "tells classes, not survival" in refused("predict", "fna", "cases.csv", "--at", "10")
    exported = succeeded("export", "run/bundle", "--format", "onnx", "--out", "m.onnx").out
    assert "survival curves by the form 'cox'" in " ".join(exported.split())


def test_a_bundle_is_tested_on_other_patients(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    assert "in the training data of 'made'" in refused("evaluate", "run/bundle", "cases.csv", "--group", "patient")
    text = (
        (trained / "cases.csv").read_text().replace("\np", "\nq").replace(",1\n", ",dead\n").replace(",0\n", ",alive\n")
    )
    head, *rows = text.splitlines()
    moved = [f"{row.partition(',')[0]},{float(row.split(',')[1]) + 0.3},{','.join(row.split(',')[2:])}" for row in rows]
    (trained / "other.csv").write_text("\n".join([head, *moved]) + "\n")
    asked = ("--group", "patient", "--event", "died", "--codes", "alive=0, dead=1", "--out", "other")
    told = " ".join(succeeded("evaluate", "run/bundle", "other.csv", *asked).out.split())
    assert "concordance uno" in told
    assert "None of these cases was among the training data" in told
    assert "bundle" not in told.split("report")[-1]
    found = succeeded("evaluate", "run/bundle", "other.csv", *asked, "--force", "--json").json
    assert found["test"]["concordance_harrell"]["value"] > 0.6
    assert "Cannot read the codes" in refused("evaluate", "run/bundle", "other.csv", "--codes", "alive", "--out", "x")
