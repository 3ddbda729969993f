"""The layouts `folders` (a folder per class) and `files` (images without labels)."""

from __future__ import annotations

from collections import Counter

import numpy as np

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.patches.found import Found
from cancernet.patches.listing import Listing
from cancernet.patches.patchset import Fault

__all__ = ["are_class_folders", "list_files", "list_folders"]

_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}


def list_folders(found: Found, *, target: str | None = None) -> Listing:
    """Return images whose class is a folder: column "label" is the topmost one, "parent" the one that holds the image.

    Images that lie in no folder become faults.

    Parameters
    ----------
    found
        The images.
    target
        The column that labels are taken from; None: "label".

    Raises
    ------
    InvalidInput
        When no image lies in a folder, or the topmost folders are the parts of a split and not classes.
    """
    rows = [row for row, path in enumerate(found.ids) if "/" in path]
    loose = [Fault(found.folder / path, "it lies in no class folder") for path in found.ids if "/" not in path]
    if not rows:
        raise InvalidInput(
            f"'{found.folder}' holds {len(found):,} images and no folder of images",
            "Expected one folder for each class",
            "Name the folder above, or choose another layout",
        )
    kept = found.keep(rows, loose)
    labels = [path.partition("/")[0] for path in kept.ids]
    if target in (None, "label"):
        _refuse_parts(found, sorted(set(labels)))
    columns = {"label": np.array(labels), "parent": np.array([path.rsplit("/", 2)[-2] for path in kept.ids])}
    return Listing(found.folder, found.folder, "folders", np.array(kept.ids), columns, faults=kept.faults)


def list_files(found: Found) -> Listing:
    """Return images without labels; column "parent" is the folder of each."""
    parents = [f"/{path}".rsplit("/", 2)[-2] for path in found.ids]
    columns = {"parent": np.array(parents)}
    return Listing(found.folder, found.folder, "files", np.array(found.ids), columns, faults=found.faults)


def are_class_folders(found: Found) -> bool:
    """Tell whether folders look like classes: every image lies in one, there are several, and of several images."""
    counts = Counter(path.partition("/")[0] for path in found.ids if "/" in path)
    return counts.total() == len(found) and 1 < len(counts) <= len(found) / 2


def _refuse_parts(found: Found, folders: list[str]) -> None:
    """Raise when the folders are named like the parts of a split."""
    if _PARTS.issuperset(name.lower() for name in folders):
        raise InvalidInput(
            f"The folders of '{found.folder}' are parts of a split, no classes: {listed(folders)}",
            "Expected one folder for each class",
            'Name one of them as the source, or take the inner folders: layout = "folders", target = "parent"',
        )
