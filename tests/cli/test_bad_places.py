"""Places where nothing can be written: a full disk, a folder without rights, a path through a file."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.made import (
    cancernet,
    largest_file,
    linear_bundle,
    refused,
    succeeded,
    tiny_disk,
    without_rights,
    write_labelled,
)

WAYS = {
    "predict": ("predict", "made", "rows.csv", "--out", "{}/out.csv"),
    "gzip": ("predict", "made", "rows.csv", "--out", "{}/out.csv.gz"),
    "parquet": ("predict", "made", "rows.csv", "--out", "{}/out.parquet"),
    "evaluate": ("evaluate", "made", "rows.csv", "--target", "label", "--group", "patient", "--out", "{}/out"),
    "explain": ("explain", "made", "rows.csv", "--out", "{}/why"),
    "onnx": ("export", "made", "--out", "{}/out.onnx"),
    "keras": ("export", "made", "--format", "keras", "--out", "{}/out.keras"),
    "openvino": ("export", "made", "--format", "openvino", "--out", "{}/out.xml"),
    "init": ("init", "{}/study.toml"),
}


def _placed(command, folder: str) -> list[str]:
    return [part.format(folder) for part in command]


@pytest.fixture
def furnished(here: Path, bundle: Path) -> Path:
    """A folder with a bundle and rows for it."""
    shutil.copytree(bundle, here / "made")
    write_labelled(here / "rows.csv", rows=2000)
    return here


@pytest.mark.parametrize("command", WAYS.values(), ids=WAYS.keys())
def test_a_full_disk_in_the_midst_of_writing(furnished: Path, command) -> None:
    with largest_file(200):
        message = refused(*_placed(command, "."))
    assert "larger than allowed" in message or "OpenVINO cannot write" in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["data", "list"], ["predict", "made", "rows.csv", "--out", "-"]], ids=str)
def test_stdout_on_a_full_disk(furnished: Path, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cancernet", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "the disk is full" in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts a disk")
def test_a_disk_that_fills_up(furnished: Path) -> None:
    with tiny_disk(furnished / "disk"):
        for way in ("predict", "parquet", "evaluate", "explain"):
            assert "the disk is full" in refused(*_placed(WAYS[way], "disk"))
        succeeded(*_placed(WAYS["init"], "disk"))


@pytest.mark.parametrize("command", WAYS.values(), ids=WAYS.keys())
def test_a_place_inside_a_file(furnished: Path, command) -> None:
    (furnished / "file").write_text("precious")
    assert "Cannot use 'file" in refused(*_placed(command, "file"))


@pytest.fixture(scope="module")
def locked() -> Iterator[Path]:
    """A folder that everybody may enter and nobody may change, with a bundle and rows; all verbs have run once."""
    base = Path(tempfile.mkdtemp(prefix="cancernet-locked-"))
    linear_bundle(base / "made")
    write_labelled(base / "rows.csv")
    with contextlib.chdir(base):
        for command in WAYS.values():  # once, to load what nobody may not read
            succeeded(*_placed(command, "warm"))
    (base / "secret.csv").write_text("radius\n1\n")
    for path in [base, *base.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield base
    for path in [base, *base.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(base)


@pytest.mark.parametrize("command", WAYS.values(), ids=WAYS.keys())
def test_a_folder_without_rights(locked: Path, monkeypatch: pytest.MonkeyPatch, command) -> None:
    monkeypatch.chdir(locked)
    with without_rights():
        assert "the rights are missing" in refused(*_placed(command, "."))


def test_a_file_without_rights(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(locked)
    (locked / "secret.csv").chmod(0o000)
    with without_rights():
        for command in (("predict", "made"), ("evaluate", "made"), ("explain", "made"), ("data", "audit")):
            found = cancernet(*command, "secret.csv")
            assert found.code == 2
            assert "the rights are missing" in found.err
    (locked / "secret.csv").chmod(0o444)


def test_doctor_says_that_a_folder_cannot_be_written(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(locked)
    with without_rights():
        found = cancernet("doctor")
    assert found.code == 1
    assert "the rights are missing" in found.out
