"""A set of patches from any layout: where each image lies, its label, and its group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.patches.groups import groups_by_pattern, groups_by_table
from cancernet.patches.layouts import list_patches
from cancernet.patches.listing import Listing
from cancernet.patches.options import PatchOptions
from cancernet.patches.patchset import PatchSet

__all__ = ["PatchOptions", "read_patches"]

_OWN_TARGET = {"folders": "label", "idc": "label", "breakhis": "label"}
_OWN_GROUP = {"idc": "patient", "breakhis": "patient"}
_ENDINGS = (".gz", ".csv", ".tsv", ".txt", ".tab", ".parquet", ".pq")


def read_patches(source: str | Path | Sequence[str | Path], *, options: PatchOptions | None = None) -> PatchSet:
    r"""Return the patches of a folder, a manifest, an image, or a sequence of images.

    No image is opened. Files of no byte and, in the layouts `idc`, `breakhis` and `folders`, files that do not belong
    to the layout are set aside as faults; a damaged image is found when it is decoded.

    Parameters
    ----------
    source
        A folder; a manifest (CSV, TSV, also .gz, or Parquet); an image; or several images.
    options
        The layout and which column is what; None: everything is told by what is there.

    Returns
    -------
    Images of a folder sorted by path, those of a manifest or a sequence in its order. The layout "auto" takes a folder
    with one manifest at its top for "manifest"; images of which two in three are named like those of a set for "idc"
    or "breakhis"; images that all lie in one of several folders for "folders"; all else for "files".

    Raises
    ------
    InvalidInput
        When there is no image, a manifest names files that are missing (all are counted, ten are named), a column is
        missing (the nearest is offered), a label or a group is empty, a filter leaves nothing, an image is named twice,
        or groups cannot be told for all images.
    StorageFailure, CorruptFile
        When a folder or a manifest cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("tumour/p1_a.png", "tumour/p2_a.png", "normal/p2_b.png", "normal/p3_a.png"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         _ = path.write_bytes(b"not opened")
    ...     patches = read_patches(folder, options=PatchOptions(group=r"re:/(p\d+)_"))
    >>> patches.layout, patches.classes, patches.groups.tolist()
    ('folders', ('normal', 'tumour'), ['p2', 'p3', 'p1', 'p2'])
    """
    options = options or PatchOptions()
    listing = list_patches(source, options)
    if not len(listing):
        raise _nothing_left(listing)
    target = options.target or _OWN_TARGET.get(listing.layout)
    groups, group_column = _groups(listing, options.group or _OWN_GROUP.get(listing.layout))
    return PatchSet(
        name=_name(listing.source),
        folder=listing.folder,
        ids=listing.ids,
        groups=groups,
        target=_column(listing, target),
        group_column=group_column,
        target_column=target,
        slides=_column(listing, options.slide),
        sites=_column(listing, options.site),
        mpp=_mpp(listing, options.mpp),
        measures=_measures(listing, options.measures),
        measure_names=options.measures,
        layout=listing.layout,
        faults=listing.faults,
        notes=listing.notes,
        source=str(listing.source),
    )


def _groups(listing: Listing, group: str | None) -> tuple[NDArray[np.str_], str | None]:
    """Return the group of each image, and where it is from."""
    if group is None or group == "row":
        return listing.ids, group
    if group.startswith("re:"):
        return groups_by_pattern(listing.ids.tolist(), group.removeprefix("re:")), "path"
    if group.startswith("table:"):
        return groups_by_table(listing.ids.tolist(), Path(group.removeprefix("table:"))), "group"
    return listing.column(group), group


def _column(listing: Listing, name: str | None) -> NDArray[np.str_] | None:
    """Return a column, or None when none is named."""
    return None if name is None else listing.column(name)


def _measures(listing: Listing, names: tuple[str, ...]) -> NDArray[np.float64] | None:
    """Return columns of numbers, NaN where a cell is empty."""
    if not names:
        return None
    numbers = np.full((len(listing), len(names)), np.nan)
    for place, name in enumerate(names):
        for row, text in enumerate(listing.column(name).tolist()):
            numbers[row, place] = _number(text, f"'{listing.ids[row]}', column '{name}'")
    return numbers


def _number(text: str, where: str) -> float:
    """Return the number in a cell, NaN for an empty one."""
    try:
        value = float(text or "nan")
    except ValueError as error:
        raise InvalidInput(f"{where} holds '{text}'", "Expected a number, or nothing", "Correct the cell") from error
    if np.isinf(value):
        raise InvalidInput(f"{where} is infinite", "Expected a finite number, or nothing", "Correct the cell")
    return value


def _mpp(listing: Listing, mpp: str | float | None) -> NDArray[np.float64] | None:
    """Return microns per pixel: of the manifest's column, or the number given for all."""
    if isinstance(mpp, str) and listing.layout != "manifest":
        raise InvalidInput(
            f"mpp = '{mpp}' names a column, and '{listing.source}' is no manifest",
            "Expected a number",
            "Say mpp = 0.5, for instance",
        )
    return np.full(len(listing), mpp) if isinstance(mpp, int | float) else listing.mpp


def _nothing_left(listing: Listing) -> InvalidInput:
    """Return the error when every image was set aside."""
    names = [fault.path.name for fault in listing.faults]
    return InvalidInput(
        f"No image of '{listing.source}' can be used: {listed(names, 3)}: {listing.faults[0].reason}",
        "Expected images",
        "Copy them again",
    )


def _name(source: Path) -> str:
    """Return what to call the data: the file without its endings, or the folder; a manifest is called as its folder."""
    place = source.absolute()
    name = place.name
    while (ending := Path(name).suffix.lower()) in _ENDINGS:
        name = name[: -len(ending)]
    return place.parent.name if name == "manifest" else name or "patches"
