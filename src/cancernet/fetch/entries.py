"""The catalogue of public data sets: what each is, where it lies, and where that was read."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cancernet.checks import one_of

__all__ = ["RemoteFile", "RemoteSet", "find_set", "remote_sets"]

_Words = Annotated[str, Field(min_length=3)]
_Size = Annotated[int, Field(gt=0)]


class RemoteFile(BaseModel):
    """A file of a public data set.

    Parameters
    ----------
    name
        What it is called once it is here.
    address
        Where it is fetched from.
    size
        In bytes; None when nobody has published it.
    about
        In bytes, roughly, where only that is known.
    checksum
        "sha256:..." or "md5:..."; None when nobody has published one: then the first fetch writes it down.
    read_in
        Where address, size and checksum were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    address: Annotated[str, Field(pattern=r"^https?://[^/\s]+/\S+$")]
    size: _Size | None = None
    about: _Size | None = None
    checksum: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})$")] | None = None
    read_in: Annotated[tuple[_Words, ...], Field(min_length=1)]

    @property
    def roughly(self) -> int:
        """The size in bytes as far as it is known, else 0."""
        return self.size or self.about or 0


class RemoteSet(BaseModel):
    """A public data set.

    Parameters
    ----------
    name
        What to call it on the command line.
    title
        What it is, in one line.
    licence, source
        What may be done with it, and the page of its makers.
    groups
        What must be kept together in a split.
    layout
        How its patches are found (`--layout`); None for tables, and where no layout reads it.
    folder
        What to read of it, below the folder that it is fetched into.
    about
        Size in bytes, roughly, of a set without files.
    files
        What is fetched; none for a set behind a login.
    steps
        What to do by hand instead, or when the address no longer answers; `{folder}` stands for the folder to fill.
    notes
        What to know before using it.
    read_in
        Where the steps of a set without files were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: _Words
    licence: _Words
    source: Annotated[str, Field(pattern=r"^https?://\S+$")]
    groups: _Words
    layout: str | None = None
    folder: str = ""
    about: _Size | None = None
    files: Annotated[tuple[RemoteFile, ...], Field(alias="file")] = ()
    steps: tuple[_Words, ...] = ()
    notes: tuple[_Words, ...] = ()
    read_in: tuple[_Words, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a set that can be had in no way, and two files of one name."""
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError(f"the set '{self.name}' has two files of one name")
        if not self.files and not (self.steps and self.read_in):
            raise ValueError(f"the set '{self.name}' has no files: it needs steps, and where they were read")
        return self

    @property
    def size(self) -> int:
        """What is fetched, in bytes, as far as it is known."""
        return sum(file.roughly for file in self.files) or self.about or 0

    @property
    def exact(self) -> bool:
        """Whether no size is a rough one; tables of a few kilobytes beside large files do not matter."""
        return bool(self.files) and self.about is None and all(file.about is None for file in self.files)

    @property
    def how(self) -> str:
        """How it is had: "fetch", "fetch, first use trusted" (no checksum is published), or "by hand, see steps"."""
        if not self.files:
            return "by hand, see steps"
        return "fetch" if all(file.checksum for file in self.files) else "fetch, first use trusted"


@cache
def remote_sets() -> tuple[RemoteSet, ...]:
    """Return the public data sets of the catalogue."""
    content = tomllib.loads(files("cancernet.fetch").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return tuple(RemoteSet.model_validate(entry) for entry in content["set"])


def find_set(name: str) -> RemoteSet:
    """Return a public data set.

    Raises
    ------
    InvalidInput
        When there is none of this name; the nearest is offered.

    Examples
    --------
    >>> find_set("kather-2016").layout
    'folders'
    """
    known = {each.name: each for each in remote_sets()}
    return known[one_of(name, tuple(known), "data set")]
