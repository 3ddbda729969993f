"""Which resolution is used when a slide says one, none, or another one than the user: never a silent guess."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cancernet.checks import listed
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.files import storage_errors
from cancernet.slides.slide import Pitch, Slide

__all__ = ["CONTRADICTION", "MppPolicy", "resolve_pitch"]

CONTRADICTION = 0.10
"""Resolutions that differ by more than this part are not the same one."""

_SMALLEST, _LARGEST = 0.01, 100.0  # microns per pixel that a user may mean
_ASSUME = "assume:"
_GRAMMAR = "Expected 'error', a number of microns per pixel as in 0.25, 'assume:0.25', or a CSV file of slide,mpp"


@dataclass(frozen=True)
class MppPolicy:
    """What to do about the resolution of slides.

    Parameters
    ----------
    stated
        Microns per pixel that the user says all slides have, or None.
    assumed
        Microns per pixel for slides that say none, a guess that the user asked for, or None.
    table
        Microns per pixel by file name or path of a slide.
    source
        Name of the table.
    """

    stated: float | None = None
    assumed: float | None = None
    table: Mapping[str, float] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def parse(cls, text: str | float) -> MppPolicy:
        """Return the policy that an option says.

        Parameters
        ----------
        text
            "error": what the file says, else refuse. "0.25": the slides have this. "assume:0.25": what the file says,
            else this, recorded as assumed. Otherwise the path of a CSV file with the columns slide and mpp.

        Raises
        ------
        InvalidInput
            When it is none of these, or the table cannot be understood.
        """
        text = str(text).strip()
        if text == "error":
            return cls()
        if text.startswith(_ASSUME):
            return cls(assumed=_side(text.removeprefix(_ASSUME), where=f"'{text}'"))
        if text.lower().endswith((".csv", ".tsv", ".txt")) or Path(text).is_file():
            return cls(table=_read_table(Path(text)), source=text)
        return cls(stated=_side(text, where=f"'{text}'"))

    def line_of(self, path: str | Path) -> str:
        """Return what the table lists for a slide, as text; empty without a line."""
        side = _line_of(Path(path), self)
        return "" if side is None else f"{side:g}"


def resolve_pitch(slide: Slide, policy: MppPolicy | str | float = "error") -> Pitch:
    """Return how large the pixels of a slide are, and how that is known.

    ============  ===========================  =====================================================================
    policy        the file says                what is used
    ============  ===========================  =====================================================================
    "error"       a value                      the file's
    "error"       nothing                      refused
    "0.25"        nothing, or the same         0.25, which is recorded; "the same" is up to 10 %
    "0.25"        another value                refused: what is said of all slides is wrong about this one
    "assume:…"    a value                      the file's
    "assume:…"    nothing                      the guess, recorded as assumed
    a table       anything                     the line of this slide: who names one slide has looked at it. What the
                                               file says is recorded beside it; a slide without a line is as "error"
    ============  ===========================  =====================================================================

    Parameters
    ----------
    slide
        The slide.
    policy
        A policy, or the text of one.

    Raises
    ------
    MissingResolution
        When nothing says the resolution; the message says how to give it.
    InvalidInput
        When the number for all slides contradicts the file.
    """
    policy = policy if isinstance(policy, MppPolicy) else MppPolicy.parse(policy)
    listed_side = _line_of(slide.path, policy)
    if listed_side is not None:
        return _given(slide.pitch, listed_side, f"table '{policy.source}'")
    if policy.stated is not None:
        _refuse_contradiction(slide, policy.stated)
        return _given(slide.pitch, policy.stated, "--mpp")
    if slide.pitch is not None:
        return slide.pitch
    if policy.assumed is not None:
        return Pitch(policy.assumed, policy.assumed, f"assumed by --mpp {_ASSUME}{policy.assumed:g}", assumed=True)
    raise _missing(slide.path, policy)


def _given(said: Pitch | None, side: float, source: str) -> Pitch:
    """Return the user's number, with what the file says beside its source."""
    pitch = Pitch(side, side, source)
    if said is None or (said.um_x, said.um_y) == (side, side):
        return pitch
    return replace(pitch, source=f"{source} (the file says {_sides(said)})")


def _sides(pitch: Pitch) -> str:
    """Return the size of a pixel in words."""
    return f"{pitch.um_x:.4g}" if pitch.um_x == pitch.um_y else f"{pitch.um_x:.4g} x {pitch.um_y:.4g}"


def _refuse_contradiction(slide: Slide, side: float) -> None:
    """Raise when a number is far from what the file says, in either direction."""
    said = slide.pitch
    if said is None or all(abs(own / side - 1) <= CONTRADICTION for own in (said.um_x, said.um_y)):
        return
    raise InvalidInput(
        f"--mpp {side:g} contradicts '{slide.path}', which says {_sides(said)} microns per pixel ({said.source})",
        f"Expected a difference of at most {CONTRADICTION:.0%}",
        "Leave --mpp away; if the file is wrong, give a CSV table with a line slide,mpp for it",
    )


def _missing(path: Path, policy: MppPolicy) -> MissingResolution:
    """Return the error for a slide whose resolution nobody says."""
    table = f" nor does '{policy.source}' list it" if policy.source else ""
    return MissingResolution(
        f"'{path}' does not say how large its pixels are{',' if table else ''}{table}",
        "Microns per pixel are needed, and are never guessed",
        "Give them with --mpp 0.25 (you know it), --mpp table.csv with lines slide,mpp (several slides), or "
        "--mpp assume:0.25 (a guess, recorded in every output)",
    )


def _side(text: str, *, where: str) -> float:
    """Return a number of microns per pixel."""
    try:
        side = float(text)
    except ValueError:
        side = math.nan
    if not _SMALLEST <= side <= _LARGEST:
        raise InvalidInput(
            f"{where} is no resolution", _GRAMMAR, f"Microns per pixel lie between {_SMALLEST:g} and {_LARGEST:g}"
        )
    return side


def _line_of(path: Path, policy: MppPolicy) -> float | None:
    """Return the number that a table lists for a slide: by its path, else by its name."""
    if not policy.table:
        return None
    beside = Path(policy.source).parent
    named = {str(path): path, str(path.absolute()): path, path.name: path}
    keys = [*named, *(key for key in policy.table if (beside / key).absolute() == path.absolute())]
    return next((policy.table[key] for key in keys if key in policy.table), None)


def _read_table(path: Path) -> dict[str, float]:
    """Return the table of a CSV file with the columns slide and mpp."""
    try:
        lines = list(_lines(path))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"'{path}' is no table ({error})", "Expected CSV in UTF-8", "Save it again") from error
    table: dict[str, float] = {}
    for number, (slide, text) in enumerate(lines, start=2):
        where = f"Line {number} of '{path}' (mpp '{text}')"
        side = _side(text, where=where)
        if table.setdefault(slide, side) != side:
            raise InvalidInput(f"{where} contradicts an earlier line of '{slide}'", "Expected one line per slide")
    return table


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield slide and mpp of each line that is not empty."""
    with storage_errors(path), path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        names = [name.strip() for name in rows.fieldnames or []]
        if not {"slide", "mpp"} <= set(names):
            raise InvalidInput(f"'{path}' has the columns {listed(names)}", "Expected slide and mpp", "Rename them")
        rows.fieldnames = names
        for row in rows:
            yield (row["slide"] or "").strip(), (row["mpp"] or "").strip()
