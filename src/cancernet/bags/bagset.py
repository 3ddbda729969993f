"""A set of bags: which slide has which file, its label and its patient; no features yet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.bags.read import BAG_SUFFIXES
from cancernet.checks import listed
from cancernet.data.columns import read_columns, refuse_holes
from cancernet.data.source import Source, open_source
from cancernet.data.table import refuse_repeated
from cancernet.errors import InvalidInput
from cancernet.files import storage_errors
from cancernet.patches import Fault

__all__ = ["BagOptions", "BagSet", "read_bags"]

_SLIDES = (
    ".svs",
    ".tif",
    ".tiff",
    ".ndpi",
    ".mrxs",
    ".scn",
    ".bif",
    ".svslide",
    ".vms",
    ".vmu",
    ".czi",
    ".dcm",
    ".qptiff",
    ".png",
    ".jpg",
    ".jpeg",
)  # endings of slides, which files of features drop
_FEATURES = "features"  # the column, and the folder, that are looked for when none is named


@dataclass(frozen=True)
class BagOptions:
    """How slides and their files are found.

    Parameters
    ----------
    features
        Folder of the files; None: a column `features` of the table, the folder `features` beside it, or beside it.
    slide, target, group
        Columns of slides, labels and patients; `target` and `group` may be None, and `group` "row": each slide is from
        a patient of its own.
    encoder, mpp
        What made the features, and the microns per pixel that it saw, of files that do not say it.
    """

    features: str | None = None
    slide: str = "slide"
    target: str | None = None
    group: str | None = None
    encoder: str = ""
    mpp: float | None = None


@dataclass(frozen=True, eq=False)
class BagSet:
    """Slides in rows, in the order of the table.

    Parameters
    ----------
    name, source
        Of the data, and where they are from.
    ids
        Shape (n,), text, distinct: the slides.
    paths
        Of their files, n.
    groups
        Shape (n,), text: the patients.
    target
        Shape (n,), text; None without labels.
    target_column, group_column
        Where both are from; "row" when each slide is a group of its own, None when it is unknown.
    options
        How they were found.
    faults
        Slides without a file; they are not among the rows.
    """

    name: str
    source: str
    ids: NDArray[np.str_]
    paths: tuple[Path, ...]
    groups: NDArray[np.str_]
    target: NDArray[np.str_] | None = None
    target_column: str | None = None
    group_column: str | None = None
    options: BagOptions = BagOptions()
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        """Return the number of slides that have a file."""
        return len(self.ids)

    def refuse_missing(self) -> None:
        """Raise `InvalidInput` when a slide has no file; all are counted, ten are named."""
        if self.faults:
            names = [fault.path.name for fault in self.faults]
            raise InvalidInput(
                f"{len(names)} of {len(names) + len(self)} slides of '{self.name}' have no file of features: "
                f"{listed(names)}",
                f"A file for each, called by its slide and ending in {', '.join(BAG_SUFFIXES)}",
                "Make the missing ones, take these slides out of the table, or name the folder of the features",
            )


def read_bags(source: str | Path, *, options: BagOptions | None = None) -> BagSet:
    """Return the slides of a table, or of a folder of files, with their files of features.

    Parameters
    ----------
    source
        CSV, TSV or Parquet with a row per slide; or a folder, whose files are slides without label and patient.
    options
        How they are found.

    Raises
    ------
    InvalidInput
        When a column is missing, a cell is empty, a slide is named twice or has two files, or no slide has one.
    StorageFailure, CorruptFile
        When the table cannot be read, or is damaged.
    """
    path, chosen = Path(source), options or BagOptions()
    found = _of_folder(path, chosen) if path.is_dir() else _of_table(path, chosen)
    if not len(found) and not found.faults:
        raise InvalidInput(
            f"'{path}' holds no file of features", f"Files that end in {', '.join(BAG_SUFFIXES)}", "Check the path"
        )
    return found


def _of_folder(folder: Path, options: BagOptions) -> BagSet:
    """Return all files of features in a folder."""
    with storage_errors(folder):
        paths = sorted(path for path in folder.iterdir() if path.suffix in BAG_SUFFIXES and path.is_file())
    ids = [path.stem for path in paths]
    refuse_repeated(ids, f"folder '{folder}'")
    names = np.array(ids, dtype=np.str_)
    return BagSet(folder.name, str(folder), names, tuple(paths), names, options=options)


def _of_table(path: Path, options: BagOptions) -> BagSet:
    """Return the slides of a table."""
    source = open_source(path)
    by_row = options.group == "row"
    named = {"slide": options.slide, "target": options.target, "group": None if by_row else options.group}
    if options.features is None and _FEATURES in source.names:
        named["file"] = _FEATURES
    columns = _columns(source, {role: name for role, name in named.items() if name is not None})
    ids = columns["slide"]
    _refuse_twice(ids, source)
    files = [_file_of(str(slide), columns.get("file", ids)[row], path, options) for row, slide in enumerate(ids)]
    kept = np.array([row for row, file in enumerate(files) if file is not None], dtype=np.int64)
    groups = columns.get("group", ids)
    return BagSet(
        name=path.name.partition(".")[0],
        source=str(path),
        ids=ids[kept],
        paths=tuple(file for file in files if file is not None),
        groups=groups[kept],
        target=columns["target"][kept] if "target" in columns else None,
        target_column=options.target,
        group_column="row" if by_row else options.group,
        options=options,
        faults=tuple(
            Fault(Path(str(ids[row])), "it has no file of features") for row, file in enumerate(files) if file is None
        ),
    )


def _columns(source: Source, named: dict[str, str]) -> dict[str, NDArray[np.str_]]:
    """Return the columns by their roles, each without holes."""
    texts, _ = read_columns(source, list(dict.fromkeys(named.values())))
    for name, text in texts.items():
        refuse_holes(source, name, text)
    return {role: texts[name] for role, name in named.items()}


def _refuse_twice(ids: NDArray[np.str_], source: Source) -> None:
    """Raise when a slide stands twice in the table."""
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise InvalidInput(
            f"Slides stand twice in '{source.path}': {listed(names[counts > 1].tolist(), 5)}",
            "A row for each slide",
            "Take the repeats out",
        )


def _file_of(slide: str, named: str, table: Path, options: BagOptions) -> Path | None:
    """Return the file of a slide, None when there is none.

    Raises
    ------
    InvalidInput
        When two files fit, or the name leads out of the folder.
    """
    if os.path.isabs(named) or ".." in Path(named).parts:
        raise InvalidInput(
            f"'{named}' in '{table}' leads out of the folder of the features", "A name below that folder", "Correct it"
        )
    if named != slide:
        file = table.parent / named
        return file if file.is_file() else None
    folders = [Path(options.features)] if options.features else [table.parent / _FEATURES, table.parent]
    for folder in folders:
        files = [file for file in (folder / name for name in _names_of(slide)) if file.is_file()]
        if len(files) > 1:
            raise InvalidInput(
                f"Slide '{slide}' has {len(files)} files of features: {listed([str(file) for file in files], 3)}",
                "One for each slide",
                "Take the others out of the folder",
            )
        if files:
            return files[0]
    return None


def _names_of(slide: str) -> Sequence[str]:
    """Return what the file of a slide may be called."""
    if slide.endswith(BAG_SUFFIXES):
        return (slide,)
    stems = [slide, os.path.splitext(slide)[0]] if slide.lower().endswith(_SLIDES) else [slide]
    return tuple(f"{stem}{suffix}" for stem in stems for suffix in BAG_SUFFIXES)
