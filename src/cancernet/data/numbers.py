"""Columns of a file as numbers or labels; what cannot be a number is named with its row and column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data.source import Source
from cancernet.errors import InvalidInput

__all__ = ["MISSING", "refuse_infinite", "to_labels", "to_numbers"]

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "NULL", "null", "None")


def to_numbers(column: Any, source: Source, *, name: str, first_row: int = 0) -> NDArray[np.float64]:
    """Return an Arrow array as numbers, NaN where a cell is missing.

    Parameters
    ----------
    column
        Arrow array of text, numbers, booleans, or nulls, shape (n,).
    source, name
        File and column, for messages.
    first_row
        Rows of the file before this array.

    Returns
    -------
    Shape (n,), float64.

    Raises
    ------
    InvalidInput
        When a cell holds text or infinity, with its row and column; when the column holds dates or lists.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if _is_text(kind):
        column = _parsed(column, source, name, first_row)
    elif not _is_numeric(kind):
        raise InvalidInput(
            f"Column '{name}' of '{source.path}' holds {kind} values",
            "Expected numbers",
            f'Leave it out: drop = ["{name}"]',
        )
    numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return refuse_infinite(numbers, source, name=name, first_row=first_row)


def refuse_infinite(
    numbers: NDArray[np.float64], source: Source, *, name: str, first_row: int = 0
) -> NDArray[np.float64]:
    """Return the numbers, shape (n,), or raise `InvalidInput` with the row and column of the first infinite one."""
    if np.isinf(numbers).any():
        row = first_row + int(np.argmax(np.isinf(numbers))) + 1
        raise InvalidInput(
            f"Infinity in {source.cell(row, name)}",
            "Expected a finite number, or an empty cell or '?' for a missing one",
            "Correct the cell",
        )
    return numbers


def to_labels(column: Any) -> NDArray[np.object_]:
    """Return an Arrow array as text without blanks at its ends; whole numbers without a decimal point, None for null.

    Parameters
    ----------
    column
        Arrow array of any flat type, shape (n,).

    Returns
    -------
    Shape (n,), object: str or None.
    """
    return np.array([_label(value) for value in column.to_pylist()], dtype=object)


def _label(value: Any) -> str | None:
    """Return one value as text."""
    if value is None or value != value:  # NaN is not itself
        return None
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()


def _parsed(column: Any, source: Source, name: str, first_row: int) -> Any:
    """Return a text array as an array of doubles with nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    hole = pc.is_in(trimmed, value_set=pa.array(MISSING, trimmed.type))
    text = pc.if_else(hole, pa.scalar(None, trimmed.type), trimmed)
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        row = _first_unreadable(text)
        raise _not_a_number(str(text[row]), source.cell(first_row + row + 1, name), name) from None


def _first_unreadable(text: Any) -> int:
    """Return the position of the first cell that is no number, by halving."""
    import pyarrow as pa

    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            text[low:middle].cast(pa.float64())
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low


def _not_a_number(text: str, cell: str, name: str) -> InvalidInput:
    """Return the error for a cell that holds text."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= 40 else f"{shown[:40]}..."
    comma = text.replace(",", "", 1).replace("-", "", 1).replace(".", "").isdecimal()
    todo = "Write decimals with a point, and no thousands separator" if comma else "Correct the cell"
    return InvalidInput(
        f"Text '{shown}' in {cell}",
        "Expected a number, or an empty cell or '?' for a missing one",
        f'{todo}, or, in a study, leave the column out with drop = ["{name}"]',
    )


def _is_text(kind: Any) -> bool:
    """Tell whether an Arrow type is text."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_numeric(kind: Any) -> bool:
    """Tell whether an Arrow type can be read as numbers."""
    import pyarrow as pa

    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(test(kind) for test in tests)
