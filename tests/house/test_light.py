"""What a program loads: no deep-learning library and no connection where a bundle only runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from house.tree import ROOT, SOURCE, modules

DEEP = {"keras", "tensorflow", "jax", "jaxlib", "torch", "tf2onnx"}
SCIENCE = {"matplotlib", "pandas", "pyarrow", "scipy", "seaborn", "sklearn"}
HEAVY = DEEP | SCIENCE | {"jinja2", "onnx", "onnxruntime", "openvino"}
CLI = SOURCE / "cli" / "main.py"
FNA = SOURCE / "zoo" / "fna"
needs_cli = pytest.mark.skipif(not CLI.is_file(), reason="the command line is not built yet")


def _run(*arguments: str, cwd: Path = ROOT) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run Python offline; return what it said and the top-level names of all that it imported."""
    refused = cwd / "refused.txt"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "tests" / "offline"),
        "CANCERNET_TEST_REFUSE": "everything",
        "CANCERNET_TEST_REFUSED": str(refused),
    }
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    imported = re.findall(r"^import time:.*\|\s*([\w.]+)$", done.stderr, flags=re.MULTILINE)
    assert not refused.exists(), f"opened a connection: {refused.read_text()}"
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done, {name.partition(".")[0] for name in imported}


def test_heavy_imports_are_seen(tmp_path: Path) -> None:
    _, imported = _run("-c", "import scipy.special", cwd=tmp_path)
    assert imported & HEAVY == {"scipy"}


def test_connections_are_seen_even_when_swallowed(tmp_path: Path) -> None:
    code = "import socket, contextlib\nwith contextlib.suppress(OSError): socket.create_connection(('127.0.0.1', 9))"
    with pytest.raises(AssertionError, match="opened a connection"):
        _run("-c", code, cwd=tmp_path)


def test_import_is_light(tmp_path: Path) -> None:
    _, imported = _run("-c", "import cancernet", cwd=tmp_path)
    assert "cancernet" in imported
    assert not imported & HEAVY


def test_every_module_is_light(tmp_path: Path) -> None:
    _, imported = _run("-c", "import " + ", ".join(modules()), cwd=tmp_path)
    assert not imported & HEAVY


@needs_cli
@pytest.mark.parametrize("arguments", ["--help", "predict --help", "train --help"])
def test_help_is_light(tmp_path: Path, arguments: str) -> None:
    done, imported = _run("-m", "cancernet", *arguments.split(), cwd=tmp_path)
    assert "cancernet" in done.stdout.lower()
    assert not imported & HEAVY


@needs_cli
@pytest.mark.skipif(not FNA.is_dir(), reason="the bundle 'fna' is not shipped yet")
@pytest.mark.parametrize("runtime", [[], ["--runtime", "onnxruntime"]], ids=["openvino", "onnxruntime"])
def test_predict_needs_no_deep_learning_library(tmp_path: Path, runtime: list[str]) -> None:
    write_wdbc_rows(tmp_path / "rows.csv", rows=20)
    done, imported = _run("-m", "cancernet", "predict", "fna", "rows.csv", "--out", "out.csv", *runtime, cwd=tmp_path)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 21, done.stdout
    assert not imported & DEEP


def write_wdbc_rows(path: Path, *, rows: int) -> None:
    """Write the first rows of the Wisconsin table without their target."""
    from cancernet import data

    table = data.load("wdbc")
    lines = [",".join(["id", *table.feature_names])]
    for row in range(rows):
        lines.append(",".join([table.ids[row], *(repr(float(value)) for value in table.values[row])]))
    path.write_text("\n".join(lines) + "\n")


def test_predict_test_is_active_once_the_bundle_is_there() -> None:
    """A study that ships a bundle without the bundle, or a bundle without the program, is no state to test in."""
    if (ROOT / "studies" / "fna.toml").is_file() and CLI.is_file():
        assert FNA.is_dir(), "studies/fna.toml exists, so `make zoo` must have made src/cancernet/zoo/fna"
    if FNA.is_dir():
        assert CLI.is_file()
        assert {path.name for path in FNA.iterdir()} >= {"card.json", "checksums.json", "model.keras", "model.onnx"}
