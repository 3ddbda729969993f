"""The folds of an earlier run, for another table of the same patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.data import split_like
from cancernet.errors import InvalidInput, StorageFailure
from data.made import patients


@pytest.fixture
def told(tmp_path: Path):
    """Return a function that writes predictions of these patients."""

    def write(groups, folds, **columns: object) -> Path:
        path = tmp_path / "predictions.csv"
        pd.DataFrame({"id": groups, "group": groups, "fold": folds, **columns}).to_csv(path, index=False)
        return path

    return write


def test_each_group_is_tested_where_it_was(told) -> None:
    table = patients()
    groups = np.unique(table.groups)
    folds = np.arange(len(groups)) % 3 + 1
    split = split_like(told(groups[::-1], folds[::-1]), table)
    assert (split.kind, len(split.folds), split.repeats) == ("k-fold", 3, 1)
    for fold in split.folds:
        wanted = set(groups[folds == fold.number + 1].tolist())
        assert set(table.groups[fold.test].tolist()) == wanted
        assert not wanted & set(table.groups[fold.train].tolist())


def test_repeats_are_taken_over_in_both_spellings(told) -> None:
    table = patients()
    groups = np.unique(table.groups)
    twice, folds = np.tile(groups, 2), np.arange(2 * len(groups)) % 2
    repeat = np.repeat([0, 1], len(groups))
    names = [f"{draw + 1}.{fold + 1}" for draw, fold in zip(repeat, folds, strict=True)]
    one, other = split_like(told(twice, names), table), split_like(told(twice, folds, repeat=repeat), table)
    assert one.to_dict() == other.to_dict()
    assert [(fold.repeat, fold.number) for fold in one.folds] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_what_cannot_be_taken_over_is_refused(told, tmp_path: Path) -> None:
    table = patients()
    groups = np.unique(table.groups)
    with pytest.raises(InvalidInput, match=f"does not know 1 groups of .*'{groups[0]}'"):
        split_like(told(groups[1:], np.arange(len(groups) - 1) % 2 + 1), table)
    with pytest.raises(InvalidInput, match="A fold is no number"):
        split_like(told(groups, ["x"] * len(groups)), table)
    path = told(groups, 1)
    pd.read_csv(path).drop(columns="fold").to_csv(path, index=False)
    with pytest.raises(InvalidInput, match="no column 'fold'"):
        split_like(path, table)
    with pytest.raises(StorageFailure):
        split_like(tmp_path / "absent.csv", table)
