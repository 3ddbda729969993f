"""A set of patches: where each image lies, its label, its patient, and what else is known; no pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput

__all__ = ["Fault", "PatchSet"]


@dataclass(frozen=True)
class Fault:
    """A file that was set aside: its path as the user would find it, and why, in a few words."""

    path: Path
    reason: str


@dataclass(frozen=True, eq=False)
class PatchSet:
    """Images in rows, in a fixed order, and what is known about each.

    Parameters
    ----------
    name
        Of the data.
    folder
        What the ids are relative to.
    ids
        Shape (n,), text, distinct: the path below `folder`, with '/' on every system.
    groups
        Shape (n,), text; patches of one group (patient) never stand on two sides of a split.
    target
        Shape (n,), the label of each patch as text; None when there are none.
    group_column
        Where the groups are from, in words for messages ("patient", "folder", "slide"); "row" when every patch is a
        group of its own, None when it is unknown.
    target_column
        Where the labels are from; None when there are none.
    slides, sites
        Shape (n,), text; None when they are unknown.
    mpp
        Shape (n,), float64, microns per pixel of the file, NaN where unknown; None when it is unknown throughout.
    measures, measure_names
        Shape (n, k), float64, NaN where unknown, and the k names: numbers that are known of each image; None without.
    layout
        How the files were found: "manifest", "folders", "idc", "breakhis", or "files" for a plain list.
    faults
        Files that were set aside.
    notes
        Sentences about what was found on the way (a second copy that was skipped, say).
    source, licence
        Where the data are from and under which licence, when that is known.

    Raises
    ------
    InvalidInput
        When an id repeats or a column has another length.
    """

    name: str
    folder: Path
    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    target: NDArray[np.str_] | None = None
    group_column: str | None = None
    target_column: str | None = None
    slides: NDArray[np.str_] | None = None
    sites: NDArray[np.str_] | None = None
    mpp: NDArray[np.float64] | None = None
    measures: NDArray[np.float64] | None = None
    measure_names: tuple[str, ...] = ()
    layout: str = "files"
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        """Freeze the columns and hold them together."""
        for name in ("ids", "groups", "target", "slides", "sites"):
            self._keep(name, np.str_)
        self._keep("mpp", np.float64)
        self._keep("measures", np.float64, len(self.measure_names))
        if len(np.unique(self.ids)) < len(self.ids):
            names, counts = np.unique(self.ids, return_counts=True)
            raise InvalidInput(
                f"'{names[counts > 1][0]}' stands twice in '{self.name}'", "Each image once", "Remove the repetition"
            )

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.ids)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted; empty without a target."""
        return () if self.target is None else tuple(np.unique(self.target).tolist())

    def path(self, row: int) -> Path:
        """Return where the image of a row lies."""
        return self.folder / str(self.ids[row])

    def take(self, rows: ArrayLike) -> PatchSet:
        """Return the patches of some rows (indices or a mask), in that order."""
        chosen = np.asarray(rows)
        chosen = chosen if chosen.size else chosen.astype(np.int64)  # NumPy takes an empty list for floats
        names = ("ids", "groups", "target", "slides", "sites", "mpp", "measures")
        columns = {name: getattr(self, name) for name in names}
        taken: dict[str, Any] = {name: None if column is None else column[chosen] for name, column in columns.items()}
        return replace(self, **taken)

    def _keep(self, name: str, kind: type[np.generic], *width: int) -> None:
        """Set a column, or several side by side, to a read-only array of the kind and of the right shape."""
        column = getattr(self, name)
        if column is None:
            return
        array = np.asarray(column).astype(kind, copy=True)
        if array.shape != (len(self.ids), *width):
            expected = f"Expected {(len(self.ids), *width)}: one per image"
            raise InvalidInput(f"'{name}' has the shape {array.shape}", expected)
        array.flags.writeable = False
        object.__setattr__(self, name, array)
