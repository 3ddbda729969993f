"""Which slides a command means: files, folders of files, DICOM folders, and lists in a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.files import storage_errors

__all__ = ["SUFFIXES", "find_slides"]

SUFFIXES = (
    *(".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide", ".qptiff"),
    *(".dcm", ".png", ".jpg", ".jpeg", ".webp", ".bmp"),
)
"""Of the files that a folder is searched for; a file that is named itself may have any name."""

_LISTS = (".csv", ".tsv")
_COLUMNS = ("slide", "path", "file")
_NAMED = 10


def find_slides(given: Iterable[Path]) -> tuple[Path, ...]:
    """Return the slides that are meant, each once, in the order given; those of a folder by name.

    Parameters
    ----------
    given
        Files; folders, whose slides are taken (a folder of DICOM files is one slide); CSV or TSV lists with a column
        `slide` (or `path`, `file`), relative to the list.

    Raises
    ------
    InvalidInput
        When a file or folder does not exist (all are counted, the first ten named), a list has no such column, or
        there is no slide at all.
    """
    paths = list(given)
    found = list(dict.fromkeys(slide for path in paths for slide in _slides_of(path)))
    absent = [str(path) for path in found if not path.exists()]
    if absent:
        count = "1 slide does" if len(absent) == 1 else f"{len(absent)} slides do"
        raise InvalidInput(f"{count} not exist: {listed(absent, _NAMED)}", "Files that exist", "Check the paths")
    if not found:
        raise InvalidInput(
            f"There is no slide in {listed([str(path) for path in paths], _NAMED)}",
            f"Files that end in {', '.join(SUFFIXES[:6])} and so on",
            "Name the files themselves",
        )
    return tuple(found)


def _slides_of(path: Path) -> Iterator[Path]:
    """Yield the slides that one argument means."""
    if path.suffix.lower() in _LISTS:
        yield from _listed(path)
    elif path.is_dir():
        yield from _in_folder(path)
    else:
        yield path


def _in_folder(folder: Path) -> Sequence[Path]:
    """Return the slides of a folder, or the folder itself when it holds the files of a DICOM slide."""
    with storage_errors(folder):
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    slides = [path for path in files if path.suffix.lower() in SUFFIXES]
    if slides and all(path.suffix.lower() == ".dcm" for path in slides):
        return [folder]
    return slides


def _listed(path: Path) -> Iterator[Path]:
    """Yield the slides of a list."""
    with storage_errors(path), path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        names = rows.fieldnames or []
        column = next((name for name in _COLUMNS if name in names), None)
        if column is None:
            raise InvalidInput(f"'{path}' has the columns {listed(list(names))}", "A column named slide", "Rename it")
        for row in rows:
            if row[column]:
                yield path.parent / row[column]
