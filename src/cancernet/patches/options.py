"""What a user says about a set of patches: how it is laid out, and which column is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from cancernet.checks import one_of
from cancernet.errors import InvalidInput

__all__ = ["LAYOUTS", "PatchOptions"]

LAYOUTS = ("auto", "manifest", "folders", "idc", "breakhis", "files")


@dataclass(frozen=True)
class PatchOptions:
    """How patches are found, and what is known about each.

    Parameters
    ----------
    layout
        "manifest": a table with a row per image. "folders": a folder per class. "idc", "breakhis": the names of these
        sets say all. "files": images without labels. "auto": told by what is there.
    target
        Column of the labels. None: of a manifest none; else what the layout says ("label"). Layouts have columns as a
        manifest has: `folders` "label" (the topmost folder) and "parent" (the folder that holds the image); `idc`
        "label", "patient", "x", "y"; `breakhis` "label" and "class" (benign, malignant), "subtype", "magnification",
        "patient", "case".
    group
        Column of what must never be on two sides of a split; "row": each image is a group of its own; "re:PATTERN": a
        regular expression with one group in parentheses, searched in the path of each image below the source;
        "table:FILE": a table with the columns `path` or `name` (of the file) and `group`. None: the patient for `idc`
        and `breakhis`, else unknown.
    slide, site
        Columns of the slide and of where it was made.
    mpp
        Microns per pixel: a number for all, or the column of a manifest.
    measures
        Columns of a manifest with numbers, such as a share of the nucleus that was measured by hand.
    path
        Column of a manifest with the paths, relative to its folder.
    where
        Values of columns; only images that have them are taken.

    Raises
    ------
    InvalidInput
        When the layout is unknown, or mpp is a number that is not positive.
    """

    layout: str = "auto"
    target: str | None = None
    group: str | None = None
    slide: str | None = None
    site: str | None = None
    mpp: str | float | None = None
    measures: tuple[str, ...] = ()
    path: str = "path"
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can be no layout and no resolution."""
        one_of(self.layout, LAYOUTS, "layout")
        number = 1.0 if self.mpp is None or isinstance(self.mpp, str) else self.mpp
        if not (isfinite(number) and number > 0):
            raise InvalidInput(f"mpp is {number}", "Expected microns per pixel, above 0", "Leave it out if unknown")

    @property
    def group_column(self) -> str | None:
        """The column of the groups, when it is one."""
        free = self.group is None or self.group == "row" or self.group.startswith(("re:", "table:"))
        return None if free else self.group

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of text that is named, each once."""
        named = (self.target, self.group_column, self.slide, self.site, *self.measures, *self.where)
        return tuple(dict.fromkeys(name for name in named if name is not None))
