"""One contract for every Keras backend: conv1d builds, fits, repeats itself and exports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.fitting import findings

TESTS = Path(__file__).parents[1]


def findings_elsewhere(backend: str, out: Path, *options: str) -> dict:
    """Return the findings of another process that runs Keras on another backend."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "contracts.fitting", str(out), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(out.read_text())


@pytest.fixture(scope="module")
def found_here():
    """What the backend of this process does."""
    return findings(export=True)


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def found(request, tmp_path_factory):
    """How one backend fits; this process keeps the backend that it has."""
    if request.param == "tensorflow":
        return {"asked": request.param, **request.getfixturevalue("found_here")}
    pytest.importorskip(request.param, reason="the extra is not installed")
    out = tmp_path_factory.mktemp(request.param) / "findings.json"
    return {"asked": request.param, **findings_elsewhere(request.param, out)}


@pytest.fixture(scope="module", params=["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def exported(request, tmp_path_factory):
    """What one backend exports; two processes with another backend than TensorFlow, half a minute."""
    if request.param == "tensorflow":
        return request.getfixturevalue("found_here")
    pytest.importorskip(request.param, reason="the extra is not installed")
    return findings_elsewhere(request.param, tmp_path_factory.mktemp(request.param) / "findings.json", "--export")


def test_the_backend_is_the_one_that_was_asked_for(found):
    assert found["backend"] == found["asked"]


def test_the_network_has_its_parameters(found):
    assert found["parameters"] == 13_058


def test_the_loss_falls(found):
    assert found["epochs"] == [2, 2, 2]
    assert found["losses"][0][1] < found["losses"][0][0]
    assert found["training_losses"][1] < found["training_losses"][0]


def test_the_same_seed_gives_the_same_numbers_and_another_others(found):
    assert found["same"]
    assert found["losses"][0] == found["losses"][2]
    assert found["losses"][0] != found["losses"][1]


def test_engines_agree_with_keras_on_probabilities(exported):
    assert {name.split()[0] for name in exported["parity"]} >= {"openvino"}
    assert {name.split()[1] for name in exported["parity"]} == {"1", "7"}
    assert max(exported["parity"].values()) <= 1e-5


def test_the_network_of_raw_rows_is_the_one_that_was_fitted(exported):
    assert exported["raw"] <= 1e-5
