"""Which column of a plate is what: the names that instruments write, and the three ways to lay out a plate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cancernet.data import Texts
from cancernet.errors import InvalidInput
from cancernet.omics.pcr.cells import is_cycle

__all__ = ["Columns", "find_columns"]

# As QuantStudio, StepOne, LightCycler, CFX and the usual tables call them, in lower case without blanks and signs.
_NAMES = {
    "sample": ("sample", "samplename", "sampleid", "samples", "patient", "patientid", "sampleno", "id"),
    "gene": (
        "gene",
        "target",
        "targetname",
        "detector",
        "detectorname",
        "assay",
        "assayname",
        "genename",
        "genesymbol",
    ),
    "ct": ("ct", "cq", "cp", "ctvalue", "cqvalue", "crt", "ctmean", "cycle"),
    "group": ("group", "condition", "samplegroup", "biologicalgroup", "class"),
    "flag": ("flag", "ctflag", "flags"),
    "task": ("task", "content", "sampletype", "welltype", "type"),
    "quantity": ("quantity", "sq", "startingquantity", "startingquantitysq", "copies", "copynumber"),
}
_LOOKALIKE = str.maketrans("\u0442\u0422\u0441\u0421", "tTcC")  # QuantStudio writes "Ct" with a Cyrillic T


@dataclass(frozen=True)
class Columns:
    """Positions of the columns of a plate; None where there is none.

    Parameters
    ----------
    sample, gene, ct
        In the long form all three; in the wide form only one of sample and gene.
    group, flag, task, quantity
        What else is known of a well.
    values
        The columns of cycles in the wide form, empty in the long one.
    left
        The columns of the wide form that hold only text, and are left out.
    """

    sample: int | None
    gene: int | None
    ct: int | None
    group: int | None
    flag: int | None
    task: int | None
    quantity: int | None
    values: tuple[int, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        """How the plate is laid out, in words."""
        if not self.values:
            return "long form, one well a row"
        return "wide form, genes in rows" if self.gene is not None else "wide form, genes in columns"


def find_columns(texts: Texts) -> Columns:
    """Return which column is what.

    Raises
    ------
    InvalidInput
        When neither form is recognised.
    """
    found = {role: _place(texts.names, role) for role in _NAMES}
    if found["ct"] is not None:
        _need_both(texts, found)
        return _columns(found)
    return _wide(texts, found)


def _place(names: Sequence[str], role: str) -> int | None:
    """Return the column of a role: the first of its names that occurs."""
    plain = [_plain(name) for name in names]
    return next((plain.index(name) for name in _NAMES[role] if name in plain), None)


def _plain(name: str) -> str:
    """Return a name as it is compared."""
    return re.sub(r"[\W_]", "", name.translate(_LOOKALIKE)).lower()


def _need_both(texts: Texts, found: dict[str, int | None]) -> None:
    """Raise when a long table names no samples or no genes."""
    lacking = [role for role in ("sample", "gene") if found[role] is None]
    if lacking:
        known = ", ".join(f"'{name}'" for name in _NAMES[lacking[0]][:4])
        raise InvalidInput(
            f"'{texts.source.path}' has a column of cycles and none of {lacking[0]}s",
            f"Expected one that is called {known} or the like, for each well",
            "Rename the column",
        )


def _wide(texts: Texts, found: dict[str, int | None]) -> Columns:
    """Return the columns of a wide table, in which all columns without another role are cycles."""
    first = texts.source.index
    if found["gene"] is None and found["sample"] is None:
        found["sample"] = first
    taken = {place for place in (*found.values(), first) if place is not None}
    free = [place for place, name in enumerate(texts.names) if place not in taken and name]
    values = tuple(place for place in free if any(map(is_cycle, texts.cells[:, place])))
    if not values or (found["gene"] is None and len(values) < 2):
        raise InvalidInput(
            f"'{texts.source.path}' is no plate: no column is called Ct or Cq, and no row of genes is there",
            "Expected the long form (Sample, Gene, Ct), or the wide one (a row per sample, a column per gene)",
            "Rename the columns",
        )
    if found["gene"] is not None:
        found = {**found, "sample": None}
    return _columns(found, values, tuple(texts.names[place] for place in free if place not in values))


def _columns(found: dict[str, int | None], values: tuple[int, ...] = (), left: tuple[str, ...] = ()) -> Columns:
    """Return the columns of the roles that were found."""
    sample, gene, ct, group, flag, task, quantity = (found[role] for role in _NAMES)
    return Columns(sample, gene, ct, group, flag, task, quantity, values, left)
