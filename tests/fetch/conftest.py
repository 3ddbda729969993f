from collections.abc import Iterator
from pathlib import Path

import pytest

from fetch.made import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    with serving() as found:
        yield found


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for the record of first fetches."""
    folder = tmp_path_factory.mktemp("cache") / "cancernet"
    monkeypatch.setenv("CANCERNET_CACHE", str(folder))
    return folder
