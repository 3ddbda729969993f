"""One record and its figures for all tests of the report: drawing is what takes the time."""

from __future__ import annotations

import pytest

from cancernet.report import Picture, RunRecord, render_figures
from report.made import make_record


@pytest.fixture(scope="session")
def record() -> RunRecord:
    """Return a full record of a binary task."""
    return make_record()


@pytest.fixture(scope="session")
def pictures(record: RunRecord) -> tuple[Picture, ...]:
    """Return its figures."""
    return render_figures(record)
