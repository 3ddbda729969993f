"""What is known of samples: labels, patients and measured columns from a second table, joined by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data import MISSING, Feature, Table, Texts, match_columns, read_texts
from cancernet.errors import InvalidInput
from cancernet.omics.expression.matrix import Matrix, Orientation, read_matrix

__all__ = ["Expression", "SampleOptions", "read_expression"]


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Where labels are, and which of them count.

    Parameters
    ----------
    samples
        The table of samples; None: they stand in columns of the matrix itself.
    target, group, id
        Columns of labels, of patients ("row": each sample is from another one), and of the names of samples.
    classes
        Labels to keep; None: all.
    measured
        Columns of numbers that were measured otherwise, for a baseline, such as age.
    orientation, drop
        As of `read_matrix`.
    """

    samples: str | None = None
    target: str
    group: str | None = None
    id: str | None = None
    classes: tuple[str, ...] | None = None
    measured: tuple[str, ...] = ()
    orientation: Orientation = "auto"
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Expression:
    """Samples with their labels.

    Parameters
    ----------
    table
        A row per sample, a column per gene.
    measured
        Shape (samples, columns), NaN where missing: what was measured otherwise.
    notes
        What was found, in sentences.
    """

    table: Table
    measured: NDArray[np.float64]
    notes: tuple[str, ...]


def read_expression(path: str | Path, options: SampleOptions) -> Expression:
    """Return the samples of a matrix that have a label.

    Parameters
    ----------
    path
        The matrix: CSV, TSV (also .gz), Parquet or `.h5ad`.
    options
        Where labels are.

    Raises
    ------
    InvalidInput
        When a column is missing, no sample is left, a sample is named twice, a measured cell is no number, or `.h5ad`
        comes without a table of samples.
    """
    if options.samples is None and Path(path).suffix.lower() == ".h5ad":
        raise InvalidInput(
            f"The labels of '{path}' are not said",
            "A table of the samples beside an .h5ad file: only its matrix is read",
            'Name it: samples = "samples.csv", with the columns of id and target',
        )
    own = (options.target, *([] if options.group in (None, "row") else [str(options.group)]), *options.measured)
    texts = read_texts(options.samples or path, only=[*own, *([options.id] if options.id else [])])
    names = _names(texts, options, path)
    labels = texts.column(match_columns(texts.names, own, where=f"'{texts.source.path}'")[0])
    drop = (*options.drop, *(own if options.samples is None else ()))
    matrix = read_matrix(
        path, orientation=options.orientation, samples=names if options.samples else (), id=options.id, drop=drop
    )
    rows = {name: row for row, name in enumerate(names)}
    kept, notes = _kept(matrix, rows, labels, options)
    there = [rows[matrix.samples[sample]] for sample in kept]
    table = _table(path, matrix, kept, labels[there], _groups(texts, there, options), options)
    return Expression(table, _measured(texts, there, options.measured), (*matrix.notes, *notes))


def _names(texts: Texts, options: SampleOptions, path: str | Path) -> list[str]:
    """Return the names of the samples in the table of samples; one that stands twice is refused."""
    if options.id is not None:
        place = match_columns(texts.names, [options.id], where=f"'{texts.source.path}'")[0]
    else:
        place = texts.source.index if texts.source.index is not None else 0
    names = [str(name) for name in texts.column(place)]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InvalidInput(
            f"{len(twice)} samples of '{texts.source.path}' stand there more than once: {listed(twice, 5)}",
            "Expected each sample once",
            f"Take the repeats out, or name another column of samples with id (now '{texts.names[place]}')",
        )
    return names


def _kept(
    matrix: Matrix, rows: dict[str, int], labels: NDArray[np.str_], options: SampleOptions
) -> tuple[list[int], list[str]]:
    """Return the samples with a label that counts, and sentences about the others."""
    known = [sample for sample, name in enumerate(matrix.samples) if name in rows]
    labelled = [sample for sample in known if labels[rows[matrix.samples[sample]]] not in MISSING]
    kept = [
        sample
        for sample in labelled
        if options.classes is None or labels[rows[matrix.samples[sample]]] in options.classes
    ]
    lost = {
        "samples are not named in the table of samples": len(matrix.samples) - len(known),
        f"samples have no label in '{options.target}'": len(known) - len(labelled),
        f"samples have a label that is no class of the study, in '{options.target}'": len(labelled) - len(kept),
    }
    if not kept:
        why = "; ".join(f"{count} {words}" for words, count in lost.items() if count)
        raise InvalidInput(f"No sample is left: {why}", "Samples with labels", "Check target, classes and id")
    return kept, [f"{count} {words}: left out." for words, count in lost.items() if count]


def _table(
    path: str | Path,
    matrix: Matrix,
    kept: Sequence[int],
    labels: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    options: SampleOptions,
) -> Table:
    """Return the table of the samples that are kept."""
    ids = np.array(matrix.samples)[kept]
    whole = len(kept) == len(matrix.samples)
    return Table(
        name=Path(path).name.partition(".")[0],
        features=tuple(Feature(gene) for gene in matrix.genes),
        values=matrix.values if whole else matrix.values[kept],
        ids=ids,
        groups=ids if groups is None else groups,
        target=labels,
        target_column=options.target,
        group_column=options.group,
        source=str(path),
    )


def _groups(texts: Texts, rows: Sequence[int], options: SampleOptions) -> NDArray[np.str_] | None:
    """Return the patient of each sample; None where each sample is from another one, or nobody said it."""
    if options.group in (None, "row"):
        return None
    place = match_columns(texts.names, [options.group or ""], where=f"'{texts.source.path}'")[0]
    groups = texts.column(place)[rows]
    if np.isin(groups, MISSING).any():
        raise InvalidInput(f"A sample has no patient in '{options.group}'", "A patient for each", "Fill the cell")
    return groups


def _measured(texts: Texts, rows: Sequence[int], columns: Collection[str]) -> NDArray[np.float64]:
    """Return measured columns, NaN where missing."""
    places = match_columns(texts.names, list(columns), where=f"'{texts.source.path}'")
    return np.array([[_number(texts, row, place) for place in places] for row in rows]).reshape(len(rows), len(places))


def _number(texts: Texts, row: int, place: int) -> float:
    """Return one measured cell."""
    text = texts.cell(row, place)
    if text in MISSING:
        return np.nan
    try:
        return float(text)
    except ValueError as error:
        cell = texts.source.cell(row + 1, texts.names[place])
        raise InvalidInput(f"'{text[:40]}' in {cell}", "Expected a number in a measured column", "Code it") from error
