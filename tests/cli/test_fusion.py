"""Several runs on the command line: the stack trained, asked with a file for each source, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cli.made import read_rows, refused, succeeded
from fusion.made import class_run, made_people

STUDY = """name = "fused"
[data]
kind = "fusion"
sources = { rna = "runs/rna", protein = "runs/protein" }
[model]
penalty = 0.1
[training]
inner_folds = 2
[report]
draws = 200
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli-fusion")
    people = made_people()
    for name, hint in (("rna", "first"), ("protein", "second")):
        class_run(folder / "runs" / name, people, hint)
    (folder / "study.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        told = succeeded("train", "study.toml", "--out", "run").out
    for line in ("stack", "rna", "protein", "equal weights", "stack minus rna", "stack minus protein"):
        assert f"\n  {line} " in told
    assert "the best single source (stack minus" in told.replace("\n  ", " ")
    for name, seed in (("rna", 1), ("protein", 2)):
        values = np.random.default_rng(seed).normal(size=(3, 4)).round(3)
        table = pd.DataFrame(values, columns=["one", "two", "three", "four"]).assign(woman=["a", "b", "c"])
        table.assign(label=["alpha", "beta", "gamma"]).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_a_file_for_each_source_is_predicted(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    asked = ("predict", "run/bundle", "--id", "woman", "--force", "--out", "out.csv")
    succeeded(*asked, "rna.csv", "protein.csv")
    rows = read_rows(Path("out.csv"))
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    succeeded(*asked, "protein=protein.csv", "rna=rna.csv")
    assert read_rows(Path("out.csv")) == rows
    assert "3 files for the 2 sources" in refused(*asked, "rna.csv", "rna.csv", "rna.csv")


def test_one_bundle_is_evaluated_on_one_file(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    told = refused("evaluate", "runs/rna/bundle", "rna.csv", "protein.csv", "--out", "f")
    assert "2 files for 'made', which is no fusion" in told
