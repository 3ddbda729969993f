"""What all tests share: the data folder, quiet libraries, and no way out to the network."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Before any test imports a deep-learning library: quiet, no window, one thread per worker when there are several.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_ROOT = Path(__file__).resolve().parents[1]
_OFFLINE = Path(__file__).parent / "offline"

sys.path.insert(0, str(_OFFLINE))
sys.modules.pop("sitecustomize", None)
import sitecustomize as offline  # noqa: E402  (the guard of this folder, not the interpreter's)

# The same examples on every machine; a slow import inside an example is no failure.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of the real data sets, or skip the test."""
    folder = Path(os.environ.get("CANCERNET_DATA") or _ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}; set CANCERNET_DATA")
    return folder


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection, also to this machine, in this process and in the Python processes it starts."""
    monkeypatch.setattr(offline, "refused", offline.EVERYTHING)
    monkeypatch.setenv("CANCERNET_TEST_REFUSE", offline.EVERYTHING)
    monkeypatch.setenv("PYTHONPATH", str(_OFFLINE), prepend=os.pathsep)
