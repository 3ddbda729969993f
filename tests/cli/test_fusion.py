"""A fused bundle on the command line: a file for each source, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bundle.made import made_bundle, made_card
from cancernet.bundle import CHECKSUMS, FusedSource, Fusion
from cancernet.files import sha256
from cli.made import read_rows, refused, succeeded
from fusion.made import CLASSES, made_training, write_by_hand

NAMES = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fusion of two sources, and a table for each."""
    folder = tmp_path_factory.mktemp("cli-fusion")
    sources = {
        name: made_bundle(folder / name, made_card(NAMES, CLASSES, training=made_training()))
        for name in ("rna", "protein")
    }
    part = Fusion(
        sources=tuple(
            FusedSource(
                name=name, columns=tuple(f"{name}: {label}" for label in CLASSES), sha256=sha256(place / CHECKSUMS)
            )
            for name, place in sources.items()
        )
    )
    card = made_card(part.columns, CLASSES, training=made_training(), fusion=part)
    write_by_hand(folder / "fused", card, logits=3, sources=sources)
    for seed, name in enumerate(sources):
        table = pd.DataFrame(np.random.default_rng(seed).normal(size=(4, 4)).round(3), columns=NAMES)
        table.assign(woman=list("abcd")).iloc[seed:].to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_a_file_for_each_source_is_predicted(fused: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fused)
    asked = ("predict", "fused", "--id", "woman", "--force", "--out", "out.csv")
    told = succeeded(*asked, "rna.csv", "protein.csv").out
    assert "1 of 4 patients are not known to all sources and are left out." in told
    assert "protein lacks 1: 'a'." in told
    rows = read_rows(Path("out.csv"))
    assert [row["id"] for row in rows] == ["b", "c", "d"]
    succeeded(*asked, "protein=protein.csv", "rna=rna.csv")
    assert read_rows(Path("out.csv")) == rows
    assert "3 files for the 2 sources" in refused(*asked, "rna.csv", "rna.csv", "rna.csv")


def test_one_bundle_is_evaluated_on_one_file(fused: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fused)
    told = refused("evaluate", "rna", "rna.csv", "protein.csv", "--out", "f")
    assert "2 files for 'made', which is no fusion" in told


def test_a_fusion_is_not_compressed(fused: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fused)
    assert "is a fusion" in refused("export", "fused", "--format", "float16", "--out", "small")
