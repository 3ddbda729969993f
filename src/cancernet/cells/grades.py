"""Grades of the cells of a smear, by one bundle or by several that may disagree in the open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet import engine
from cancernet.bundle import Card, PatchInput, TableInput
from cancernet.cells.cytology import CYTOLOGY, measure_cell
from cancernet.cells.cytoplasm import Cells
from cancernet.cells.held import Held
from cancernet.cells.types import ABSTAINED
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.patches import fit_image, image_statistics
from cancernet.predict import Cases, cases, decide, patch_input

if TYPE_CHECKING:
    import pandas as pd

    from cancernet.engine import Model

__all__ = ["CellGrades"]

_APART = 1.0  # grades between two expected ones from which bundles disagree
_LISTED = 20  # cells that are named in the summary

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class CellGrades(Held):
    """Says how severe each cell looks; a context manager.

    A bundle of measurements takes those of `measure_cell`. One of pictures takes the square around the cell, scaled to
    its size, as the cells of its training images fill theirs. A cell without cytoplasm has no grade.

    Parameters
    ----------
    names_or_paths
        Folders of bundles, or names of shipped ones; all with the same number of grades.
    runtime, threads
        Of the engines.

    Raises
    ------
    BundleMismatch
        When a bundle has no ordered grades, takes something else, or another number of grades.
    InvalidInput
        When two bundles have one name.
    CancerNetError
        As `engine.open` does.
    """

    def __init__(
        self, names_or_paths: Sequence[str | Path], *, runtime: str = "openvino", threads: int | None = None
    ) -> None:
        with ExitStack() as stack:
            opened = [stack.enter_context(engine.open(one, runtime=runtime, threads=threads)) for one in names_or_paths]
            _check([model.card for model in opened])
            self._held, self.models = stack.pop_all(), tuple(opened)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the bundles."""
        return tuple(model.card.name for model in self.models)

    def __call__(self, image: Image, cells: Cells) -> Cells:
        """Return the cells with `grade_<bundle>`, `expected_grade_<bundle>` and `abstained_<bundle>` of each bundle.

        With several bundles `grades_apart` is the distance of the highest and the lowest expected grade.
        """
        table = cells.measured.table
        rows = np.flatnonzero(table["nucleus_share"].notna())
        found = [self._columns(model, image, cells, rows) for model in self.models]
        columns = {name: values for one in found for name, values in one.items()}
        if len(found) > 1:
            expected = np.stack([columns[f"expected_grade_{name}"] for name in self.names])
            columns["grades_apart"] = np.ptp(expected, axis=0)
        return replace(cells, measured=replace(cells.measured, table=table.assign(**columns)))

    def describe(self, table: pd.DataFrame) -> dict[str, Any]:
        """Return what a summary says of the grades of a table: how many of each, and where bundles disagree."""
        graded = table[table["nucleus_share"].notna()]
        said: dict[str, Any] = {
            "by": list(self.names),
            "counts": {name: _counts(model.card, graded) for name, model in zip(self.names, self.models, strict=True)},
            "cells": len(graded),
        }
        if "grades_apart" in graded:
            apart = graded[graded["grades_apart"] >= _APART].sort_values("grades_apart", ascending=False)
            said |= {"a_grade_or_more_apart": len(apart), "most_apart": apart["nucleus"].head(_LISTED).tolist()}
        return said

    def close(self) -> None:
        """Free the memory."""
        self._held.close()

    def _columns(self, model: Model, image: Image, cells: Cells, rows: NDArray[np.intp]) -> dict[str, Any]:
        """Return the columns of a bundle; only some rows have a grade."""
        name, count = model.card.name, len(cells.measured)
        grades, expected, open_ = np.full(count, "", object), np.full(count, np.nan), np.ones(count, bool)
        if len(rows):
            ask = _by_measurements if isinstance(model.card.input, TableInput) else _by_pictures
            found = ask(model, image, cells, rows)
            grades[rows], open_[rows] = found.labels, found.abstained
            expected[rows] = found.expected_grade
        return {f"grade_{name}": grades.tolist(), f"expected_grade_{name}": expected, f"abstained_{name}": open_}


def _counts(card: Card, graded: pd.DataFrame) -> dict[str, int]:
    """Return how many cells have which grade of a bundle, and how many it leaves open."""
    open_ = graded[f"abstained_{card.name}"].to_numpy(bool)
    counts = Counter(graded[f"grade_{card.name}"].to_numpy()[~open_].tolist())
    return {**{name: counts.get(name, 0) for name in card.task.classes}, ABSTAINED: int(open_.sum())}


def _by_measurements(model: Model, image: Image, cells: Cells, rows: NDArray[np.intp]) -> Cases:
    """Return what a bundle of measurements says of some cells; what cannot be measured is missing."""
    wanted = model.card.input.names
    values = np.full((len(rows), len(wanted)), np.nan)
    for place, row in enumerate(rows.tolist()):
        part = _square(cells.labels == row + 1)
        inside, cell = _cut(cells.measured.labels == row + 1, part), _cut(cells.labels == row + 1, part)
        known = measure_cell(_cut(image, part), inside, cell=cell)
        values[place] = [known[name] for name in wanted]
    return cases(model, values)


def _by_pictures(model: Model, image: Image, cells: Cells, rows: NDArray[np.intp]) -> Cases:
    """Return what a bundle of pictures says of some cells."""
    size = patch_input(model.card).size
    squares = [_cut(image, _square(cells.labels == row + 1)) for row in rows.tolist()]
    pictures = np.stack([fit_image(square, size, fit="resize") for square in squares])
    return decide(model.card, model.run(pictures).logits, values=image_statistics(pictures))


def _square(mask: Mask) -> tuple[int, int, int]:
    """Return first row, first column and side of the square around a mask; it may reach beyond the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    side = int(max(height, width))
    return int(rows[0] - (side - height) // 2), int(columns[0] - (side - width) // 2), side


def _cut(pixels: NDArray[Any], square: tuple[int, int, int]) -> NDArray[Any]:
    """Return a square of an image or a mask: an image is continued by its mirror image, a mask by nothing."""
    row, column, side = square
    before = (max(0, -row), max(0, -column))
    after = (max(0, row + side - pixels.shape[0]), max(0, column + side - pixels.shape[1]))
    margins = [(before[0], after[0]), (before[1], after[1]), (0, 0)][: pixels.ndim]
    wide = np.pad(pixels, margins) if pixels.dtype == np.bool_ else np.pad(pixels, margins, mode="symmetric")
    top, left = row + before[0], column + before[1]
    return wide[top : top + side, left : left + side]


def _check(cards: Sequence[Card]) -> None:
    """Refuse bundles that give no grades of cells, or none that can be compared."""
    for card in cards:
        taken = card.input
        strange = set(taken.names) - set(CYTOLOGY) if isinstance(taken, TableInput) else set()
        fits = isinstance(taken, PatchInput) and taken.fit == "resize" and taken.stain == "none"
        if card.task.kind != "ordinal" or strange or not (fits or isinstance(taken, TableInput)):
            raise BundleMismatch(
                f"The bundle '{card.name}' answers {card.task.kind} for {taken.kind}, no grades of single cells",
                "Ordered grades of the measurements of `cancernet data cells`, or of pictures scaled to one size",
                "Use 'cytology-grade', or train studies/cytology-measured.toml",
            )
        if len(card.task.classes) != len(cards[0].task.classes):
            raise BundleMismatch(
                f"'{card.name}' has {len(card.task.classes)} grades, '{cards[0].name}' {len(cards[0].task.classes)}",
                "Bundles with the same grades",
            )
    if len({card.name for card in cards}) < len(cards):
        raise InvalidInput(f"Two bundles are called '{cards[0].name}'", "A name for each", "Name one bundle once")
