"""The partial folder of a run: locked, kept when interrupted, resumed only by the study that began it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cancernet.errors import InvalidInput
from cancernet.files import (
    exclusive,
    partial_of,
    read_json,
    refuse_existing,
    remove,
    storage_errors,
    whole_folder,
    write_json,
)

__all__ = ["Workspace", "open_workspace"]

_BEGUN = "begun.json"


@dataclass(frozen=True)
class Workspace:
    """Where a run grows.

    Parameters
    ----------
    folder
        Becomes the run folder when all is done.
    work
        For what is kept for a resumed run only; it is removed at the end.
    """

    folder: Path
    work: Path


@contextmanager
def open_workspace(out: Path, *, digest: str, resume: bool, force: bool) -> Iterator[Workspace]:
    """Yield the partial folder `.NAME.partial` and rename it to `out` when the block ends well.

    When the block fails, the folder stays if there is a finished fold in it, so that `resume` can go on.

    Parameters
    ----------
    out
        The run folder.
    digest
        Of study, data and split.
    resume
        Go on with what an interrupted run left; with nothing left, begin.
    force
        Replace a finished run, and throw away an interrupted one unless `resume` is set.

    Raises
    ------
    InvalidInput
        When the run exists, an interrupted one is there and neither was said, it belongs to another study, or another
        process works on it.
    """
    refuse_existing(out, force=force)
    with exclusive(out):
        _prepare(partial_of(out), digest, resume=resume, force=force)
        try:
            with whole_folder(out, force=force, keep_partial=True) as folder:
                yield _begin(folder, digest)
                remove(folder / "work")
        finally:
            _remove_empty(partial_of(out))


def _begin(folder: Path, digest: str) -> Workspace:
    """Mark the partial folder as begun by this study; of an interrupted run only `work` is of use."""
    work = folder / "work"
    for path in folder.iterdir():
        if path != work:
            remove(path)
    work.mkdir(exist_ok=True)
    write_json(work / _BEGUN, {"digest": digest})
    return Workspace(folder, work)


def _prepare(partial: Path, digest: str, *, resume: bool, force: bool) -> None:
    """Decide what becomes of an interrupted run."""
    begun = partial / "work" / _BEGUN
    if not partial.exists():
        return
    if not resume and not force:
        raise InvalidInput(
            f"'{partial}' holds an interrupted run",
            "Nothing of it is thrown away unasked",
            "Pass --resume to go on with it, or --force to start anew",
        )
    if not resume:
        remove(partial)
    elif not begun.is_file() or read_json(begun) != {"digest": digest}:
        raise InvalidInput(
            f"'{partial}' was begun with another study, other data or another version",
            "The study that is to be resumed",
            "Run that study, or pass --force without --resume to start anew",
        )


def _remove_empty(partial: Path) -> None:
    """Remove a partial folder that has nothing worth resuming."""
    if partial.is_dir() and not any((partial / "work").glob("fold-*")):
        with storage_errors(partial):
            remove(partial)
