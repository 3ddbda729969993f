"""Tables made for the tests of the data room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cancernet.data import Feature, Table


def table_of(
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    values: np.ndarray | None = None,
    group_column: str | None = "patient",
) -> Table:
    """Return a table with these labels; two normal features unless values are given."""
    rng = np.random.default_rng(0)
    rows = len(labels)
    values = rng.normal(size=(rows, 2)) if values is None else np.asarray(values, dtype=float)
    ids = np.array([f"case-{row}" for row in range(rows)])
    return Table(
        name="made",
        features=tuple(Feature(f"f{column}") for column in range(values.shape[1])),
        values=values,
        ids=ids,
        groups=ids if groups is None else np.array(groups),
        target=np.array(labels),
        target_column="label",
        group_column=group_column,
    )


def patients(count: int = 60, rows_each: int = 3, *, positive_share: float = 0.3) -> Table:
    """Return a table of patients with several rows, each patient of one class."""
    rng = np.random.default_rng(1)
    positives = round(count * positive_share)
    labels = np.repeat(np.where(np.arange(count) < positives, "M", "B"), rows_each)
    groups = np.repeat([f"p{number}" for number in range(count)], rows_each)
    order = rng.permutation(len(labels))
    return table_of(labels[order].tolist(), groups[order].tolist())
