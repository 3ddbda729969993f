"""Images with what their layout says about each, in columns of text: every layout ends as such a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import nearest
from cancernet.data.table import match_columns
from cancernet.errors import InvalidInput
from cancernet.patches.patchset import Fault

__all__ = ["Listing", "rows_with"]


@dataclass(frozen=True, eq=False)
class Listing:
    """Images, and what is known about each by name.

    Parameters
    ----------
    source
        What was read: a folder, a manifest or an image.
    folder
        What the ids are relative to.
    layout
        How the images were found.
    ids
        Shape (n,), text: the path of each image below the folder.
    columns
        Text of shape (n,), by name.
    mpp
        Shape (n,), float64, microns per pixel; None when nothing says it.
    faults, notes
        Files that were set aside, and sentences about what was found.
    """

    source: Path
    folder: Path
    layout: str
    ids: NDArray[np.str_]
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    mpp: NDArray[np.float64] | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.ids)

    def column(self, name: str) -> NDArray[np.str_]:
        """Return a column, shape (n,), or raise `InvalidInput` with the nearest name."""
        match_columns(tuple(self.columns), [name], where=f"'{self.source}' (layout '{self.layout}')")
        return self.columns[name]

    def take(self, rows: ArrayLike) -> Listing:
        """Return some of the images (indices or a mask)."""
        chosen = np.asarray(rows)
        columns = {name: column[chosen] for name, column in self.columns.items()}
        mpp = None if self.mpp is None else self.mpp[chosen]
        return replace(self, ids=self.ids[chosen], columns=columns, mpp=mpp)

    def only(self, values: Mapping[str, str]) -> Listing:
        """Return the images whose columns have these values; see `rows_with`."""
        for name in values:
            self.column(name)
        return self.take(rows_with(self.columns, values, source=self.source)) if values else self


def rows_with(columns: Mapping[str, NDArray[np.str_]], values: Mapping[str, str], *, source: Path) -> NDArray[np.int64]:
    """Return the rows whose columns have these values.

    Parameters
    ----------
    columns
        Text of shape (n,), by name.
    values
        The text to keep, by column.
    source
        Where the columns are from, for the message.

    Returns
    -------
    Indices, rising.

    Raises
    ------
    InvalidInput
        When no row is left; the message says which values occur.
    """
    rows = np.arange(len(next(iter(columns.values()))))
    for name, value in values.items():
        column = columns[name][rows]
        rows = rows[column == str(value)]
        if not len(rows):
            raise _no_such_value(source, column, name, str(value))
    return rows


def _no_such_value(source: Path, column: NDArray[np.str_], name: str, value: str) -> InvalidInput:
    """Return the error for a filter that nothing passes."""
    counts = Counter(column.tolist()).most_common()
    shown = ", ".join(f"'{text}' ({count:,})" for text, count in counts[:10])
    more = f" and {len(counts) - 10} more" if len(counts) > 10 else ""
    close = nearest(value, [text for text, _ in counts])
    return InvalidInput(
        f"No image of '{source}' has {name} = '{value}'",
        f"Its values are {shown}{more}",
        f"Did you mean '{close}'?" if close else "Correct the filter (where)",
    )
