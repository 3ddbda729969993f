"""The examples in the docstrings of the room run."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["catalogue", "chunks", "read"])
def test_examples(name):
    result = doctest.testmod(import_module(f"cancernet.data.{name}"))
    assert result.attempted
    assert not result.failed
