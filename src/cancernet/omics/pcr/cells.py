"""The cells of a plate: a cycle, a word for "did not cross the threshold", nothing, or a mistake that is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

__all__ = ["ABOVE", "FLAGGED", "UNDETERMINED", "Cycles", "is_cycle", "read_cycles"]

UNDETERMINED = "undetermined"
ABOVE = "above the cycle limit"
FLAGGED = "flagged undetermined by the instrument"

_WORDS = ("undetermined", "undet", "undet.", "noct", "nocq", "na", "n/a", "nan", "nd", "n.d.", "-", "inf", "negative")
_LONGEST = 60.0  # cycles: no protocol has more


@dataclass(frozen=True, eq=False)
class Cycles:
    """The cycles of wells.

    Parameters
    ----------
    ct
        Shape (n,), float64; NaN where a well did not cross.
    reasons
        Shape (n,), text: why it is NaN.
    measured
        Shape (n,), bool: False for an empty cell, which is no well at all.
    """

    ct: NDArray[np.float64]
    reasons: NDArray[np.str_]
    measured: NDArray[np.bool_]


def read_cycles(cells: NDArray[np.str_], *, max_cycle: float, cell: Callable[[int], str]) -> Cycles:
    """Return the cycles that cells say.

    'Undetermined', 'No Ct', 'NA' and the like, and a cycle above the limit, are wells that did not cross the threshold;
    an empty cell is a well that was not measured.

    Parameters
    ----------
    cells
        Shape (n,), text.
    max_cycle
        The last cycle that counts.
    cell
        Names the cell of a position, for messages.

    Raises
    ------
    InvalidInput
        When a cell holds other text or a cycle that cannot be, or all look like quantities.
    """
    parsed = [_number(str(text)) for text in cells]
    ct = np.array([math.nan if number is None else number for number in parsed])
    wrong = [place for place, number in enumerate(parsed) if number is None and not _is_word(str(cells[place]))]
    if wrong:
        raise InvalidInput(
            f"Text '{str(cells[wrong[0]])[:40]}' in {cell(wrong[0])}",
            "Expected a cycle such as 24.7, or 'Undetermined', or an empty cell for a well that was not measured",
            "Correct the cell",
        )
    _refuse_quantities(ct, cell)
    above = ct > max_cycle
    missing = np.isnan(ct)
    reasons = np.where(above, ABOVE, np.where(missing, UNDETERMINED, ""))
    measured = np.array([bool(str(text)) for text in cells], dtype=np.bool_)
    return Cycles(np.where(above, np.nan, ct), reasons, measured)


def is_cycle(text: str) -> bool:
    """Tell whether a cell holds a number, or a word for a well that did not cross; an empty one does not."""
    return bool(text) and (_number(text) is not None or _is_word(text))


def _number(text: str) -> float | None:
    """Return a cell as a finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_word(text: str) -> bool:
    """Tell whether a cell is empty or says that the well did not cross."""
    plain = text.lower().replace(" ", "").strip("<>")
    return not plain or plain in _WORDS


def _refuse_quantities(ct: NDArray[np.float64], cell: Callable[[int], str]) -> None:
    """Raise when a number is no cycle."""
    wrong = np.flatnonzero((ct <= 0) | (ct > _LONGEST))
    if len(wrong):
        raise InvalidInput(
            f"{ct[wrong[0]]:g} in {cell(int(wrong[0]))} is no cycle",
            f"Expected cycles above 0 and up to {_LONGEST:g}; quantities and fold changes are another thing",
            "Give the Ct or Cq of the wells; 0 for a well that did not cross should be 'Undetermined'",
        )
    known = ct[np.isfinite(ct)]
    if len(known) and np.median(known) < 5:
        raise InvalidInput(
            f"Half of the {len(known)} numbers are below {max(np.median(known), 0.01):.3g}: these are no cycles",
            "Expected Ct or Cq of wells, usually 15 to 40",
            "Give the cycles, not quantities, fold changes or delta Ct",
        )
