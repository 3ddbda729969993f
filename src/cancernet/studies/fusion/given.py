"""Patients whose truth is known, for a fused bundle none of whose sources has seen them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet import engine
from cancernet.bundle import SOURCES, Card, TableInput
from cancernet.checks import listed
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
    said, seen, blind, truth = dict[str, Said](), set[str](), list[str](), dict[str, str]()
    for place, (name, path) in enumerate(tables.items()):
        with engine.open(model.folder / SOURCES / name, runtime=runtime) as source:
            table = _table(source.card, path, options, id, told=place == 0)
            patients = table.ids if options.group in (None, "row") else table.groups
            said[name] = ask_rows(source, table.values, patients=patients)
            seen |= _seen(source.card, table, patients)
            blind += [] if source.card.training.group_hashes or source.card.training.row_hashes else [name]
        if place == 0:
            truth = dict(zip(patients.tolist(), _target(table), strict=True))
    name = " + ".join(dict.fromkeys(path.name for path in tables.values()))
    found = join_said(said)
    table = _joined(model.card, found, truth, name=name, target=options.target or "truth")
    known = np.array([str(patient) in seen for patient in found.patients], dtype=np.bool_)
    return Given(table, known, _answer(found), notes=found.notes, unseen=_unseen(blind))


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


def _unseen(blind: list[str]) -> str:
    """Return what was compared, where nothing was found."""
    if blind:
        return (
            f"Whether {listed(blind)} had some of these cases in training cannot be told: the cards do not know theirs."
        )
    return "No source had one of these cases in training, by the names of the patients or the values of their rows."


def _joined(card: Card, found: Answered, truth: dict[str, str], *, name: str, target: str) -> Table:
    """Return the answers as the table that the fused bundle takes."""
    return Table(
        name=name,
        features=tuple(Feature(column) for column in card.input.names),
        values=found.values,
        ids=found.patients,
        groups=found.patients,
        target=np.array([truth[str(patient)] for patient in found.patients]),
        target_column=target,
        group_column="group" if card.training.group_hashes else "row",
    )


def _answer(found: Answered) -> Callable[[Model], Cases]:
    """Return what an open bundle says of all patients."""

    def answer(model: Model) -> Cases:
        told = also_unlike(cases(model, found.values), found.unlike)
        return replace(told, ids=found.patients)

    return answer
