"""What a bundle may be given: rows, patches or bags, checked at the door, in batches that suit the kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import BagInput, Card, FieldInput, PatchInput, TableInput
from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.geometry import VIEWS, dihedral

__all__ = ["batch_size", "check_inputs", "count_views", "views_of"]

_ROWS = 4096  # of a table; measured on two cores with 30 columns: 234 k rows/s, 212 k at 8192, 111 k at 16384
_NUMBERS = 2**22  # of bags in a batch: 16 MB
_PIXELS = 8 * 96 * 96  # of patches in a batch: their activations stay in the cache of a core


def batch_size(values: NDArray[np.generic]) -> int:
    """Return how many cases the engine gets at once: rows (n, columns), bags (n, tiles, width) or patches (n, ...)."""
    if values.ndim == 2:
        return _ROWS
    if values.ndim == 3:
        return max(1, int(_NUMBERS // max(1, values.shape[1] * values.shape[2])))
    return max(1, int(_PIXELS // (values.shape[1] * values.shape[2])))


def check_inputs(card: Card, values: ArrayLike) -> NDArray[np.generic]:
    """Return the cases as the engine takes them.

    Parameters
    ----------
    card
        Of the bundle.
    values
        Rows (n, columns), any numbers; patches or tiles of fields (n, size, size, 3), uint8; or bags
        (n, tiles, width + 1), any numbers, from `pad_bags`.

    Raises
    ------
    InvalidInput
        When the shape or the type is another, or a number is missing or infinite: engines make plausible logits of NaN.
    """
    if isinstance(card.input, PatchInput | FieldInput):
        return _patches(values, card.input)
    if isinstance(card.input, BagInput):
        return _bags(values, card.input)
    return _rows(values, card.input)


def count_views(test_time: str) -> int:
    """Return how many views of a batch `views_of` yields."""
    return VIEWS if test_time == "dihedral" else 1


def views_of(batch: NDArray[np.generic], test_time: str) -> Iterator[NDArray[np.generic]]:
    """Yield the batch as it is, and with "dihedral" each of its other rotations and flips."""
    yield np.ascontiguousarray(batch)
    for view in range(1, count_views(test_time)):
        yield np.ascontiguousarray(dihedral(batch, view))


def _patches(values: ArrayLike, wanted: PatchInput | FieldInput) -> NDArray[np.generic]:
    """Return patches, or refuse."""
    batch = np.asarray(values)
    if batch.ndim != 4 or batch.shape[1:] != wanted.shape or batch.dtype != np.uint8:
        raise InvalidInput(
            f"The patches have shape {batch.shape} and type {batch.dtype}",
            f"(n, {wanted.size}, {wanted.size}, 3), uint8, RGB",
            "Read them with cancernet.patches.read_image and fit_image",
        )
    return batch


def _bags(values: ArrayLike, wanted: BagInput) -> NDArray[np.generic]:
    """Return bags as float32, or refuse."""
    with np.errstate(over="ignore"):  # becomes infinite, and is refused below
        batch = np.ascontiguousarray(values, dtype=np.float32)
    if batch.ndim != 3 or batch.shape[2] != wanted.width + 1 or not np.isfinite(batch).all():
        raise InvalidInput(
            f"The bags have shape {batch.shape}, or hold numbers that are missing, infinite or too large for float32",
            f"(n, tiles, {wanted.width + 1}), finite: {wanted.width} features, and 1 for a tile or 0 for padding",
            "Make them with cancernet.bags.pad_bags",
        )
    there = batch[:, :, -1]
    if not np.isin(there, (0, 1)).all() or not there.any(axis=1).all():
        raise InvalidInput(
            "The last column of the bags holds other numbers than 0 and 1, or a bag holds no tile",
            "1 for a tile and 0 for padding, one tile at least",
            "Make them with cancernet.bags.pad_bags",
        )
    return batch


def _rows(values: ArrayLike, wanted: TableInput) -> NDArray[np.generic]:
    """Return rows as float32, or refuse."""
    columns = wanted.names
    with np.errstate(over="ignore"):  # becomes infinite, and is refused below
        batch = np.ascontiguousarray(values, dtype=np.float32)
    if batch.ndim != 2 or batch.shape[1] != len(columns):
        raise InvalidInput(
            f"The values have shape {batch.shape}",
            f"(n, {len(columns)}): a row per case and a column for each of {listed(columns, 3)}",
            "Select the columns of the card, in its order",
        )
    finite = np.isfinite(batch)
    if not finite.all():
        raise _not_finite(finite, columns)
    return batch if wanted.plain else wanted.prepare(np.asarray(values, dtype=np.float64)).astype(np.float32)


def _not_finite(finite: NDArray[np.bool_], columns: tuple[str, ...]) -> InvalidInput:
    """Return the error for values that are missing, infinite or too large for float32, naming the first."""
    row, column = np.argwhere(~finite)[0]
    where = f"the first in row {row}, column '{columns[column]}'"
    return InvalidInput(
        f"{np.count_nonzero(~finite)} values are missing, infinite or too large for float32, {where}",
        "Finite numbers",
        "Fill missing values first, as the bundle's medians do",
    )
