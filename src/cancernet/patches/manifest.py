"""The layout `manifest`: a table with a row per image."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data.columns import read_columns, refuse_holes
from cancernet.data.source import Source, open_source
from cancernet.errors import InvalidInput
from cancernet.patches.found import usable_size
from cancernet.patches.listing import Listing, rows_with
from cancernet.patches.options import PatchOptions
from cancernet.patches.patchset import Fault

__all__ = ["check_files", "read_manifest"]


def read_manifest(path: Path, options: PatchOptions) -> Listing:
    r"""Return the images that a manifest names.

    Parameters
    ----------
    path
        CSV, TSV (also .gz) or Parquet. Paths in it are relative to its folder; '\' is read as '/'.
    options
        Which column is what; only those that it names are read.

    Raises
    ------
    InvalidInput
        When a column is missing, a path, label or group is empty, mpp is not positive, or files are missing: all are
        counted, ten are named.
    """
    source = open_source(path)
    number = options.mpp if isinstance(options.mpp, str) else None
    names = tuple(dict.fromkeys((options.path, *options.columns)))
    columns, mpp = read_columns(source, names, number=number)
    rows = rows_with(columns, options.where, source=path)
    columns = {name: column[rows] for name, column in columns.items()}
    for name in dict.fromkeys((options.path, options.target, options.group_column)):
        if name is not None:
            refuse_holes(source, name, columns[name], rows=rows)
    if mpp is not None:
        mpp = mpp[rows]
        _refuse_mpp(source, str(number), mpp, rows)
    ids = _below(path.parent, columns[options.path].tolist())
    listing = Listing(path, path.parent, "manifest", ids, columns, mpp)
    return check_files(listing, what=f"files that '{path}' names are missing")


def check_files(listing: Listing, *, what: str) -> Listing:
    """Return the images that are there; a file of no byte becomes a fault.

    Parameters
    ----------
    listing
        Images, in any order.
    what
        How to speak of missing files, after their number.

    Raises
    ------
    InvalidInput
        When files are missing: all are counted, ten are named.
    """
    reasons = [_reason(str(listing.folder), path) for path in listing.ids.tolist()]
    missing = [str(path) for path, reason in zip(listing.ids, reasons, strict=True) if reason is None]
    if missing:
        raise InvalidInput(
            f"{len(missing):,} of {len(listing):,} {what}: {listed(missing)}",
            f"Expected them below '{listing.folder}'",
            "Copy them there, or correct their paths",
        )
    faults = [Fault(listing.folder / path, reason) for path, reason in zip(listing.ids, reasons, strict=True) if reason]
    kept = listing.take(np.array([not reason for reason in reasons], dtype=np.bool_))
    return replace(kept, faults=(*listing.faults, *faults))


def _reason(folder: str, path: str) -> str | None:
    """Return why a file cannot be an image: empty when it can, None when it is not there."""
    try:
        return usable_size(os.stat(os.path.join(folder, path)))[1]
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return None


def _below(folder: Path, paths: Iterable[str]) -> NDArray[np.str_]:
    """Return paths of a manifest as ids: with '/', without './', below the folder where they are absolute and in it."""
    top = f"{folder.absolute().as_posix()}/"
    tidy = (path.replace("\\", "/").removeprefix(top) for path in paths)
    return np.array([_without_dots(path) for path in tidy], dtype=np.str_)


def _without_dots(path: str) -> str:
    """Return a path without '.' and empty parts; '..' stays, for a link may stand before it."""
    if "./" not in path and "//" not in path:
        return path
    start = "/" if path.startswith("/") else ""
    return start + "/".join(part for part in path.split("/") if part not in ("", "."))


def _refuse_mpp(source: Source, name: str, mpp: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
    """Raise when microns per pixel are not positive."""
    wrong = np.flatnonzero(mpp <= 0)  # NaN is unknown, and not wrong
    if len(wrong):
        first = int(wrong[0])
        raise InvalidInput(
            f"{mpp[first]:g} in {source.cell(int(rows[first]) + 1, name)}",
            "Expected microns per pixel, above 0",
            "Correct the cell, or empty it where mpp is unknown",
        )
