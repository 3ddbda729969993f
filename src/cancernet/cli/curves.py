"""What `cancernet predict` says of survival: times, the first rows, what is not said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cancernet.cli.show import fitted, paragraph, rows_table
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from cancernet.bundle import Card
    from cancernet.survival import Foretold

__all__ = ["in_words", "parse_codes", "parse_times"]


def parse_times(text: str) -> tuple[float, ...]:
    """Return the times of --at.

    Raises
    ------
    InvalidInput
        When a part is no number.
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        return tuple(float(part) for part in parts)
    except ValueError as error:
        raise InvalidInput(
            f"Cannot read the times '{text}'", "Numbers with commas between them", "For example --at 24,60"
        ) from error


def parse_codes(text: str) -> dict[str, int]:
    """Return the codes of --codes.

    Raises
    ------
    InvalidInput
        When a part is not LABEL=NUMBER.
    """
    parts = [part.rpartition("=") for part in text.split(",")]
    wrong = [part for part in parts if not part[0].strip() or not part[2].strip().isdecimal()]
    if wrong:
        raise InvalidInput(
            f"Cannot read the codes '{text}'", "LABEL=NUMBER with commas between them", "For example alive=0,dead=1"
        )
    return {label.strip(): int(number) for label, _, number in parts}


def in_words(found: Foretold, card: Card, out: Path | None) -> str:
    """Return the first rows, what is not said, and the notice that this is no medical device."""
    free, *causes = card.task.classes
    more = f"\n  ... and {found.rows - len(found.first['id'])} more" if found.rows > len(found.first["id"]) else ""
    said = [f"{found.rows} patients; survival_<t> is the chance to be {free} at t {found.unit}."]
    if len(causes) > 1:
        said.append("incidence_<cause>_<t> is the chance to have had that cause first: " + ", ".join(causes) + ".")
    if found.no_median:
        said.append(
            f"Of {found.no_median} the median time lies beyond the follow-up of the training patients; none is stated."
        )
    if found.ood:
        said.append(f"{found.ood} are unlike the training patients: see ood_reason.")
    if found.filled:
        said.append(f"{found.filled} missing values were filled with the medians of the training rows.")
    said += found.notes
    lines = [fitted(_first(found)) + more, "", *(paragraph(sentence) for sentence in said)]
    lines += ["", f"  predictions  {out}" if out else "  To keep all of them, add: --out curves.csv"]
    return "\n".join([*lines, "", "  Research use only, not a medical device."])


def _first(found: Foretold) -> str:
    """Return a table of the first rows."""
    names = [name for name in found.first if name not in ("ood", "ood_reason")]
    rows = zip(*(found.first[name] for name in names), strict=True)
    return rows_table([names, *([_cell(value) for value in row] for row in rows)])


def _cell(value: Any) -> str:
    """Return one cell."""
    if value is None:
        return "not reached"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
