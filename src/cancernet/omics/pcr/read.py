"""A file becomes a plate: long or wide, found and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data import Texts, read_texts
from cancernet.errors import InvalidInput
from cancernet.omics.pcr.cells import ABOVE, FLAGGED, UNDETERMINED, Cycles, read_cycles
from cancernet.omics.pcr.columns import Columns, find_columns
from cancernet.omics.pcr.plate import BLANK, SAMPLE, STANDARD, Plate

__all__ = ["MAX_CYCLE", "read_plate"]

MAX_CYCLE = 40.0  # as many cycles as the usual protocols run
_BLANKS = ("ntc", "blank", "notemplatecontrol", "negativecontrol", "neg")
_STANDARDS = ("standard", "std", "std.")


def read_plate(path: str | Path, *, max_cycle: float = MAX_CYCLE) -> Plate:
    r"""Return the wells of a CSV, TSV (also .gz) or Parquet file.

    Parameters
    ----------
    path
        The long form: a row per well with its sample, its gene and its cycle, and perhaps group, flag, task and
        quantity. Or the wide form: a row per sample and a column per gene, or the other way round. Rows of one sample
        and gene are replicates.
    max_cycle
        A later cycle counts as a well that did not cross.

    Raises
    ------
    InvalidInput
        When no form is recognised, a sample or a gene has no name, or a cell is no cycle.
    StorageFailure, CorruptFile
        When the file cannot be read, or is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "plate.csv")
    ...     _ = path.write_text("Sample,Gene,Ct\na,ACTB,18.2\na,ESR1,Undetermined\n")
    ...     plate = read_plate(path)
    >>> plate.form, plate.ct.tolist(), plate.reasons.tolist()
    ('long form, one well a row', [18.2, nan], ['', 'undetermined'])
    """
    if not max_cycle > 0:
        raise InvalidInput(f"A cycle limit of {max_cycle:g}", "A number of cycles above 0", "Give for example 40")
    texts = read_texts(path)
    columns = find_columns(texts)
    return _wide(texts, columns, max_cycle) if columns.values else _long(texts, columns, max_cycle)


def _long(texts: Texts, columns: Columns, max_cycle: float) -> Plate:
    """Return the plate of a table with a row per well."""
    names = texts.names
    ct = columns.ct or 0
    cycles = read_cycles(
        texts.column(ct), max_cycle=max_cycle, cell=lambda row: texts.source.cell(row + 1, names[ct] or "Ct")
    )
    cycles = _flagged(texts, columns, cycles)
    rows = np.flatnonzero(cycles.measured)
    return _plate(texts, columns, cycles, rows=rows, genes=_labels(texts, columns.gene)[rows])


def _wide(texts: Texts, columns: Columns, max_cycle: float) -> Plate:
    """Return the plate of a table whose columns are genes, or samples when its rows are genes."""
    width, names = len(columns.values), texts.names
    cells = texts.cells[:, columns.values].astype(np.str_).ravel()
    cycles = read_cycles(
        cells,
        max_cycle=max_cycle,
        cell=lambda place: texts.source.cell(place // width + 1, names[columns.values[place % width]]),
    )
    wells = np.flatnonzero(cycles.measured)
    across = np.array([names[place] for place in columns.values])[wells % width]
    if columns.gene is not None:
        down = _labels(texts, columns.gene)[wells // width]
        return _plate(texts, columns, cycles, rows=wells, genes=down, samples=across)
    return _plate(texts, columns, cycles, rows=wells // width, wells=wells, genes=across)


def _plate(
    texts: Texts,
    columns: Columns,
    cycles: Cycles,
    *,
    rows: NDArray[np.int64],
    genes: NDArray[np.str_],
    samples: NDArray[np.str_] | None = None,
    wells: NDArray[np.int64] | None = None,
) -> Plate:
    """Return the plate of the wells: `rows` are theirs in the file, `wells` their places among the cells."""
    wells = rows if wells is None else wells
    per_row = samples is None
    samples = _labels(texts, columns.sample)[rows] if samples is None else samples
    if not len(samples):
        raise InvalidInput(f"'{texts.source.path}' holds no cycle", "At least one well", "Check what wrote it")
    quantities = _quantities(texts, columns)[rows] if per_row else np.full(len(rows), np.nan)
    tasks = _tasks(texts, columns, quantities, samples=samples, rows=rows if per_row else None)
    reasons = cycles.reasons[wells]
    return Plate(
        name=texts.source.path.name.partition(".")[0],
        form=columns.form,
        samples=samples,
        genes=genes,
        ct=cycles.ct[wells],
        reasons=reasons,
        tasks=tasks,
        quantities=np.where(tasks == STANDARD, quantities, np.nan),
        groups=_groups(texts, columns) if per_row else {},
        notes=_notes(cycles, reasons, columns.left),
    )


def _labels(texts: Texts, place: int | None) -> NDArray[np.str_]:
    """Return the names of samples or genes, or of the rows when the table has none; a hole is refused."""
    if place is None:
        return np.array([f"row-{row + 1}" for row in range(len(texts.cells))])
    column = texts.column(place)
    empty = np.flatnonzero(column == "")
    if len(empty):
        raise InvalidInput(
            f"Nothing in {texts.source.cell(int(empty[0]) + 1, texts.names[place])}",
            "Expected a name in each row",
            "Fill the cell, or take the row out of the file",
        )
    return column


def _flagged(texts: Texts, columns: Columns, cycles: Cycles) -> Cycles:
    """Return the cycles; a well whose flag says 'Undetermined' did not cross, whatever number stands beside it."""
    if columns.flag is None:
        return cycles
    told = np.char.startswith(np.char.lower(texts.column(columns.flag)), "undet")
    told &= ~np.isnan(cycles.ct)
    return Cycles(np.where(told, np.nan, cycles.ct), np.where(told, FLAGGED, cycles.reasons), cycles.measured)


def _quantities(texts: Texts, columns: Columns) -> NDArray[np.float64]:
    """Return the known quantities by row, NaN where there is none."""
    quantities = np.full(len(texts.cells), np.nan)
    if columns.quantity is None:
        return quantities
    for row, text in enumerate(texts.column(columns.quantity)):
        if str(text).lower() not in ("", "na", "n/a", "nan", "?", "undetermined"):
            quantities[row] = _quantity(texts, columns.quantity, row)
    return quantities


def _quantity(texts: Texts, place: int, row: int) -> float:
    """Return one quantity."""
    text = texts.cell(row, place)
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and value >= 0):
        raise InvalidInput(
            f"'{text[:40]}' in {texts.source.cell(row + 1, texts.names[place])} is no quantity",
            "Expected copies in the well, 0 or more",
            "Correct the cell, or leave it empty",
        )
    return value


def _tasks(
    texts: Texts,
    columns: Columns,
    quantities: NDArray[np.float64],
    *,
    samples: NDArray[np.str_],
    rows: NDArray[np.int64] | None,
) -> NDArray[np.str_]:
    """Return what each well is: told by the task, else by the quantity or the name of the sample."""
    plain = np.char.replace(np.char.replace(np.char.lower(samples), " ", ""), "-", "")
    blank = np.isin(plain, _BLANKS) | (quantities == 0)
    standard = quantities > 0
    if columns.task is not None and rows is not None:
        told = np.char.replace(np.char.lower(texts.column(columns.task)[rows]), " ", "")
        blank |= np.isin(told, _BLANKS)
        named = np.isin(told, _STANDARDS)
        standard = standard & named if named.any() else standard
    return np.where(blank, BLANK, np.where(standard, STANDARD, SAMPLE))


def _groups(texts: Texts, columns: Columns) -> dict[str, str]:
    """Return the group of each sample; one with two groups is refused."""
    if columns.group is None or columns.sample is None:
        return {}
    groups: dict[str, str] = {}
    for row, (sample, group) in enumerate(zip(texts.column(columns.sample), texts.column(columns.group), strict=True)):
        if str(group) and groups.setdefault(str(sample), str(group)) != str(group):
            raise InvalidInput(
                f"Sample '{sample}' is of group '{groups[str(sample)]}' and, in row {row + 1}, of '{group}'",
                "Expected one group for each sample",
                "Correct the table",
            )
    return groups


def _notes(cycles: Cycles, reasons: NDArray[np.str_], left: tuple[str, ...]) -> tuple[str, ...]:
    """Return what became of wells without a cycle."""
    words = {
        UNDETERMINED: "wells did not cross the threshold",
        ABOVE: "wells crossed only above the cycle limit, and count as undetermined",
        FLAGGED: "wells have a cycle and the flag 'Undetermined', and count as undetermined",
    }
    notes = [f"{int((reasons == reason).sum())} {text}." for reason, text in words.items() if (reasons == reason).any()]
    empty = int((~cycles.measured).sum())
    notes += [f"{empty} empty cells are no wells."] if empty else []
    return (*notes, f"No cycles in {listed(left)}: left out.") if left else tuple(notes)
