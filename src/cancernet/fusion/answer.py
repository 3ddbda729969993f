"""A fused bundle asked of new patients: each source answers its own table, and the answers are joined by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet import engine
from cancernet.bundle import SOURCES, Fusion, TableInput
from cancernet.checks import listed, one_of
from cancernet.data import read_answers, read_chunks
from cancernet.engine import Model
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.fusion.join import match_patients
from cancernet.fusion.source import answers_of, log_ratios, mean_by_patient, patients_of
from cancernet.predict import decide, fill_missing, novelty_distance, novelty_reason
from cancernet.survival import answer

__all__ = ["OVERLAP", "Answered", "Said", "ask_rows", "ask_sources", "fusion_of", "join_said", "tables_by_name"]

OVERLAP = 0.5
"""Least share of new patients known to all tables among those in any: the others are left out, and that is said."""

_NUMBERED = "row-1"  # the name of the first row of a file without names


@dataclass(frozen=True, eq=False)
class Said:
    """What one source says of patients.

    Parameters
    ----------
    patients
        Shape (n,), sorted, each once.
    values
        Shape (n, columns), as the fused bundle takes them.
    unlike
        Shape (n,), text: why a patient is unlike the training rows of the source; empty where that is not so.
    filled
        Missing values that were replaced.
    """

    patients: NDArray[np.str_]
    values: NDArray[np.float64]
    unlike: NDArray[np.object_]
    filled: int = 0


@dataclass(frozen=True, eq=False)
class Answered:
    """What all sources say of the patients whom all of them know; arrays as of `Said`, the columns side by side."""

    patients: NDArray[np.str_]
    values: NDArray[np.float64]
    unlike: NDArray[np.object_]
    filled: int
    notes: tuple[str, ...]


def fusion_of(model: Model) -> Fusion:
    """Return the sources of an open bundle.

    Raises
    ------
    BundleMismatch
        When it has none.
    """
    if model.card.fusion is None:
        raise BundleMismatch(f"'{model.card.name}' is no fusion", "A bundle that holds others", "Give it one table")
    return model.card.fusion


def tables_by_name(fusion: Fusion, given: Sequence[str | Path]) -> dict[str, Path]:
    """Return the file of each source: given as NAME=FILE, or in the order of the sources, or one file for all.

    Raises
    ------
    InvalidInput
        When a name is unknown or stands twice, or a source has no file.
    """
    named = [(str(text).partition("=")[0], str(text).partition("=")[2]) for text in given]
    if given and all(path and not Path(str(text)).exists() for text, (_, path) in zip(given, named, strict=True)):
        found = {one_of(name, fusion.names, "source"): Path(path) for name, path in named}
    elif len(given) == 1:
        return dict.fromkeys(fusion.names, Path(given[0]))
    else:
        found = dict(zip(fusion.names, map(Path, given), strict=False))
    if set(found) != set(fusion.names) or len(given) != len(fusion.names):
        raise InvalidInput(
            f"{len(given)} files for the {len(fusion.names)} sources {listed(fusion.names)}",
            "One for each, in this order or as NAME=FILE; or one file with the columns of all",
            f"For example: {' '.join(f'{name}={name}.csv' for name in fusion.names)}",
        )
    return {name: found[name] for name in fusion.names}


def ask_sources(
    model: Model, given: Sequence[str | Path], *, id: str | None = None, runtime: str = "openvino"
) -> Answered:
    """Return what the sources of a fused bundle say of the patients in their tables.

    Parameters
    ----------
    model
        The fused bundle, opened by `engine.open`.
    given
        Files; see `tables_by_name`. Of a source that takes no table, what `cancernet predict` wrote with it.
    id
        Column that names the patients, in all tables; None: one that is called 'id', or a first one without a name.
    runtime
        Of the sources.

    Raises
    ------
    InvalidInput
        When a table lacks a column or names no patients, or too few patients are in all tables.
    """
    fusion = fusion_of(model)
    tables = tables_by_name(fusion, given)
    alone = len(set(tables.values())) == 1
    said = {}
    for name, path in tables.items():
        with engine.open(model.folder / SOURCES / name, runtime=runtime) as source:
            said[name] = _of_table(source, path, id=id, numbered=alone)
    return join_said(said)


def join_said(said: Mapping[str, Said], *, overlap: float = OVERLAP) -> Answered:
    """Return the answers of all sources for the patients whom all know; see `match_patients`."""
    patients, notes = match_patients({name: one.patients for name, one in said.items()}, overlap=overlap)
    rows = {name: np.searchsorted(one.patients, patients) for name, one in said.items()}
    unlike = np.full(len(patients), "", dtype=object)
    for name, one in said.items():
        reasons = one.unlike[rows[name]]
        fresh = (reasons != "") & (unlike == "")
        unlike[fresh] = [f"{name}: {reason}" for reason in reasons[fresh]]
    values = np.concatenate([one.values[rows[name]] for name, one in said.items()], axis=1)
    return Answered(patients, values, unlike, sum(one.filled for one in said.values()), notes)


def ask_rows(source: Model, values: NDArray[np.float64], *, patients: NDArray[np.str_]) -> Said:
    """Return what a source says of rows (m, columns) of its table; several rows of a patient are averaged.

    Raises
    ------
    InvalidInput
        When a value is missing that the source cannot fill.
    """
    card = source.card
    filled = fill_missing(card, values)
    logits = source.run(filled).logits
    names, first, row = np.unique(patients, return_index=True, return_inverse=True)
    if card.survival is not None:
        columns, reason = answer(card.survival, logits).risk[:, None], _unlike(source, filled)
    else:
        found = decide(card, logits, values=filled)
        columns, reason = log_ratios(card, found.probabilities), found.ood_reason
    return Said(names, mean_by_patient(columns, row), reason[first], int(np.isnan(values).sum()))


def _of_table(source: Model, path: Path, *, id: str | None, numbered: bool) -> Said:
    """Return what a source says of a file."""
    if not isinstance(source.card.input, TableInput):
        return _of_answers(source, path)
    chunks = list(read_chunks(path, source.card.input.names, id=id))
    patients = np.concatenate([chunk.ids for chunk in chunks])
    if patients[0] == _NUMBERED and not numbered:
        raise InvalidInput(
            f"'{path}' does not name its patients", "A column by which the tables can be joined", "Name it: --id COLUMN"
        )
    return ask_rows(source, np.concatenate([chunk.values for chunk in chunks]), patients=patients)


def _of_answers(source: Model, path: Path) -> Said:
    """Return the answers in a file that `cancernet predict` wrote with a source that takes no table."""
    frame = read_answers(path)
    values = answers_of(source.card.name, source.card, frame)
    names, row = patients_of(source.card.name, frame)
    return Said(names, mean_by_patient(values, row), np.full(len(names), "", dtype=object))


def _unlike(source: Model, values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return why rows are unlike the training rows of a source of survival."""
    novelty, reason = source.card.decision.novelty, np.full(len(values), "", dtype=object)
    if novelty is not None:
        unlike = novelty_distance(novelty, values) > novelty.limit
        reason[unlike] = novelty_reason(novelty, values[unlike], names=source.card.input.names)
    return reason
