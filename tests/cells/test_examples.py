"""The examples in the docstrings of the room, and those on its page."""

import doctest
from importlib import import_module
from pathlib import Path

from house.pages import blocks, run
from house.tree import ROOT


def test_the_example_of_measure_nuclei_runs():
    result = doctest.testmod(import_module("cancernet.cells.measure.table"))
    assert (result.attempted > 0, result.failed) == (True, 0)


def test_the_page_runs(tmp_path: Path):
    found = blocks((ROOT / "docs" / "cells.md").read_text(encoding="utf-8"))
    assert len(found) == 1
    assert "radius_um" in run(found[0], tmp_path)
