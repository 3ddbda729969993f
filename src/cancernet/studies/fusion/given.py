"""Patients whose truth is known, for a fused bundle none of whose sources has seen them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet import engine
from cancernet.bundle import SOURCES, Card, TableInput
from cancernet.data import Feature, Table, read_table
from cancernet.engine import Model
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.fusion import Answered, Said, ask_rows, fusion_of, join_said, tables_by_name
from cancernet.patches import PatchOptions
from cancernet.predict import Cases, also_unlike, cases
from cancernet.studies.given import Given

__all__ = ["read_fused"]


def read_fused(
    model: Model, given: Sequence[str | Path], *, options: PatchOptions, id: str | None, runtime: str
) -> Given:
    """Return the patients whom all tables know, as the fused bundle takes them.

    Parameters
    ----------
    model
        The fused bundle.
    given
        A file for each source; see `tables_by_name`. The first one holds the truth.
    options
        Which columns are target and group; groups are the patients, else the ids are.
    id
        Column that names the rows.
    runtime
        Of the sources.

    Raises
    ------
    InvalidInput
        When the truth is unknown, or a table lacks a column.
    """
    tables = tables_by_name(fusion_of(model), given)
    said, seen, truth = dict[str, Said](), set[str](), dict[str, str]()
    for place, (name, path) in enumerate(tables.items()):
        with engine.open(model.folder / SOURCES / name, runtime=runtime) as source:
            table = _table(source.card, path, options, id, told=place == 0)
            patients = table.ids if options.group in (None, "row") else table.groups
            said[name] = ask_rows(source, table.values, patients=patients)
            seen |= _seen(source.card, table, patients)
        if place == 0:
            truth = dict(zip(patients.tolist(), _target(table), strict=True))
    return _given(model.card, join_said(said), truth, seen, target=options.target or "truth")


def _table(card: Card, path: Path, options: PatchOptions, id: str | None, *, told: bool) -> Table:
    """Return the rows of one source."""
    if not isinstance(card.input, TableInput) or card.survival is not None:
        raise BundleMismatch(
            f"'{card.name}' takes no table or tells no classes", "A fusion of tables that tells classes", "Use predict"
        )
    names = card.input.names
    target = options.target if told else None
    table = read_table(path, target=target, group=options.group, id=id, columns=names)
    return table.select(names, exact=False)


def _target(table: Table) -> list[str]:
    """Return the truth of each row."""
    if table.target is None:
        raise InvalidInput(f"'{table.name}' has no target column", "The truth in the first table", "Name it: --target")
    return [str(label) for label in table.target]


def _seen(card: Card, table: Table, patients: NDArray[np.str_]) -> set[str]:
    """Return the patients that a source was trained on, by name or by the values of their rows."""
    rows = card.training.seen_rows(table.values)
    return {*card.training.seen(patients.tolist()), *patients[rows].tolist()}


def _given(card: Card, found: Answered, truth: dict[str, str], seen: set[str], *, target: str) -> Given:
    """Return all of it."""
    table = Table(
        name=card.name,
        features=tuple(Feature(name) for name in card.input.names),
        values=found.values,
        ids=found.patients,
        groups=found.patients,
        target=np.array([truth[str(name)] for name in found.patients]),
        target_column=target,
        group_column="group" if card.training.group_hashes else "row",
    )

    def answer(model: Model) -> Cases:
        told = also_unlike(cases(model, table.values), found.unlike)
        return replace(told, ids=table.ids)

    known = np.array([str(name) in seen for name in found.patients], dtype=np.bool_)
    return Given(table, known, answer, notes=found.notes)
