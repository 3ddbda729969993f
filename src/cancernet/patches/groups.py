"""Groups that no column holds: cut out of the paths by a regular expression, or looked up in a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data.columns import read_columns, refuse_holes
from cancernet.data.source import Source, open_source
from cancernet.errors import InvalidInput

__all__ = ["groups_by_pattern", "groups_by_table"]


def groups_by_pattern(ids: Sequence[str], pattern: str) -> NDArray[np.str_]:
    r"""Return the part of each path that a regular expression catches.

    Parameters
    ----------
    ids
        n paths, with '/'.
    pattern
        A regular expression with exactly one group in parentheses; it is searched, and need not fit the whole path.

    Returns
    -------
    Shape (n,), text.

    Raises
    ------
    InvalidInput
        When the pattern is no regular expression or has not one group, or a path does not fit (or catches nothing);
        those are counted, three are named.

    Examples
    --------
    >>> groups_by_pattern(["tumour/p01_3.png", "normal/p02_1.png"], r"/(p\d+)_").tolist()
    ['p01', 'p02']
    """
    search = _compiled(pattern).search
    found = [search(path) for path in ids]
    groups = [match[1] or "" if match else "" for match in found]
    unmatched = [path for path, group in zip(ids, groups, strict=True) if not group]
    if unmatched:
        raise InvalidInput(
            f"{len(unmatched):,} of {len(ids):,} images do not fit the pattern '{pattern}': {listed(unmatched, 3)}",
            "Expected a group in each path",
            "Correct the pattern, or take these images out",
        )
    return np.array(groups, dtype=np.str_)


def groups_by_table(ids: Sequence[str], path: Path) -> NDArray[np.str_]:
    """Return the group of each image from a table.

    Parameters
    ----------
    ids
        n paths, with '/'.
    path
        CSV, TSV or Parquet with the column `group`, and `path` (as in `ids`) or `name` (of the file alone).

    Returns
    -------
    Shape (n,), text.

    Raises
    ------
    InvalidInput
        When a column is missing, an image is not in the table (those are counted, three are named), or a name has two
        groups.
    """
    source = open_source(path)
    key = "name" if "name" in source.names and "path" not in source.names else "path"
    columns, _ = read_columns(source, [key, "group"])
    for name, column in columns.items():
        refuse_holes(source, name, column)
    known = _by_key(source, columns[key].tolist(), columns["group"].tolist())
    keys = [name.rpartition("/")[2] for name in ids] if key == "name" else ids
    missing = [name for name in keys if name not in known]
    if missing:
        raise InvalidInput(
            f"{len(missing):,} of {len(ids):,} images are not in '{path}': {listed(missing, 3)}",
            f"Expected each in its column '{key}'",
            "Add them, or take these images out",
        )
    return np.array([known[name] for name in keys], dtype=np.str_)


def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a regular expression with one group."""
    todo = r"Put the part that names the patient in parentheses, as in re:/(p\d+)_"
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        wrong = f"'{pattern}' is no regular expression ({error})"
        raise InvalidInput(wrong, "Expected one in the syntax of Python", todo) from error
    if compiled.groups != 1:
        raise InvalidInput(
            f"The pattern '{pattern}' has {compiled.groups} groups in parentheses",
            "Expected one",
            f"{todo}; (?:...) is none",
        )
    return compiled


def _by_key(source: Source, keys: Sequence[str], groups: Sequence[str]) -> dict[str, str]:
    """Return the group of each key, or raise when one has two."""
    known: dict[str, str] = {}
    for key, group in zip(keys, groups, strict=True):
        key = key.replace("\\", "/")
        if known.setdefault(key, group) != group:
            raise InvalidInput(
                f"'{key}' has two groups in '{source.path}': '{known[key]}' and '{group}'",
                "Expected one group for each image",
                "Correct the table",
            )
    return known
