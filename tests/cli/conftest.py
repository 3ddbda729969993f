from pathlib import Path

import pytest

from cli.made import linear_bundle, succeeded, write_study


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the program runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that refuses missing values."""
    return linear_bundle(tmp_path_factory.mktemp("bundles") / "made")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the tiny study, never interrupted; the only long work of these tests."""
    folder = tmp_path_factory.mktemp("trained")
    succeeded("train", write_study(folder / "tiny.toml"), "--out", folder / "tiny", "--quiet")
    return folder / "tiny"
