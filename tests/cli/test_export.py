"""`cancernet export --format float16`; the other formats are tested with the verbs that read bundles."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.bundle import find, verify
from cli.made import refused, succeeded

# 2026-11: Keras 3.15 calls np.array on TensorFlow's variables, which do not know NumPy's argument `copy` yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_the_help_says_what_float16_is() -> None:
    told = " ".join(succeeded("export", "--help").out.replace("│", " ").split())
    assert "float16: a whole bundle of half the size." in told
    assert "The file to write, or the folder for float16." in told


def test_a_smaller_bundle_is_written_and_predicts(here: Path) -> None:
    told = succeeded("export", "fna", "--format", "float16").out
    verify(here / "fna-float16")
    before, after = (
        round((folder / "model.onnx").stat().st_size / 1024) for folder in (find("fna"), here / "fna-float16")
    )
    assert f"{after} KiB, before {before} KiB" in told
    assert "engines, f32" in told
    assert [path.name for path in here.iterdir()] == ["fna-float16"]
    assert "exists already" in refused("export", "fna", "--format", "float16")


def test_a_damaged_bundle_is_refused_before_anything_is_written(here: Path) -> None:
    import shutil

    shutil.copytree(find("fna"), here / "broken")
    with (here / "broken" / "model.keras").open("ab") as stream:
        stream.write(b"more")
    assert "differs from its checksum" in refused("export", "broken", "--format", "float16", "--out", "small")
