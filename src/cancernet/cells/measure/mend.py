"""Masks of nuclei made fit to be measured: one piece without holes each, and what was mended in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure.rings import Rings, rings_of
from cancernet.errors import InvalidInput

__all__ = ["checked_labels", "mended", "numbered"]

_MOST = 2**31 - 1
_MANY = 2**24  # above it, a table of all numbers would be large
Labels = NDArray[np.int32]


def checked_labels(labels: NDArray[Any], shape: tuple[int, int] | None = None) -> Labels:
    """Return labels as int32 when they are some, and as large as the image.

    Raises
    ------
    InvalidInput
        When they are no picture of whole numbers from 0, hold one beyond 2,147,483,647, or have another size.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer) or 0 in labels.shape:
        given = f"Labels of shape {labels.shape} and type {labels.dtype}"
        raise InvalidInput(given, "(h, w), integers: 0 is background, each other number one nucleus", "Label the mask")
    if shape is not None and labels.shape != tuple(shape):
        raise InvalidInput(
            f"Labels of {labels.shape[1]} x {labels.shape[0]} pixels for an image of {shape[1]} x {shape[0]}",
            "Labels of the same size",
            "Scale them with the nearest neighbour, or give the image they were made on",
        )
    if labels.min() < 0 or labels.max() > _MOST:
        raise InvalidInput(f"Labels from {labels.min()} to {labels.max()}", f"Numbers from 0 to {_MOST}")
    return labels.astype(np.int32, copy=False)


def numbered(labels: Labels) -> tuple[Labels, NDArray[np.intp]]:
    """Return the labels numbered 1 to n without gaps, and the number that each had, (n,)."""
    if int(labels.max()) > _MANY:
        known, places = np.unique(labels, return_inverse=True)
        places = places.reshape(labels.shape) + int(known[0] > 0)
        return places.astype(np.int32), known[known > 0].astype(np.intp)
    own = np.flatnonzero(np.bincount(labels.ravel())[1:]) + 1
    among = np.zeros(int(labels.max()) + 1, np.int32)
    among[own] = np.arange(1, len(own) + 1)
    return among[labels], own


def mended(labels: Labels) -> tuple[Labels, Rings, dict[int, str]]:
    """Return labels with one piece without holes for each nucleus, their rings, and why some were mended.

    Of several pieces the largest stays (pixels that share an edge are one piece); holes are filled where they hold
    background or the nucleus itself, never where they hold another one.
    """
    rings = rings_of(labels)
    several, counts = np.unique(rings.label, return_counts=True)
    wrong = several[counts > 1]
    if not len(wrong):
        return labels, _outer(rings), {}
    fixed, reasons = labels.copy(), dict[int, str]()
    for number, frame in zip(wrong.tolist(), _frames(labels, wrong), strict=True):
        reasons[number] = _mend(fixed[frame], number)
    return fixed, _outer(rings_of(fixed)), reasons


def _frames(labels: Labels, numbers: NDArray[np.intp]) -> list[tuple[slice, slice]]:
    """Return the frame of each of the nuclei."""
    from scipy import ndimage

    among = np.zeros(int(labels.max()) + 1, np.int32)
    among[numbers] = np.arange(1, len(numbers) + 1)
    frames: list[tuple[slice, slice]] = ndimage.find_objects(among[labels], max_label=len(numbers))
    return frames


def _mend(part: Labels, number: int) -> str:
    """Keep the largest piece of one nucleus in its frame and fill its holes, in place; return what was done."""
    from scipy import ndimage

    pieces, count = ndimage.label(part == number)
    said = []
    if count > 1:
        largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
        part[(pieces > 0) & (pieces != largest)] = 0
        said.append(f"{count} pieces, the largest is measured")
        pieces = pieces == largest
    holes = ndimage.binary_fill_holes(pieces > 0) & (part == 0)
    if holes.any():
        part[holes] = number
        said.append(f"{int(holes.sum())} pixels of holes filled")
    return "; ".join(said) or "encloses another nucleus"


def _outer(rings: Rings) -> Rings:
    """Return the largest ring of each thing."""
    order = np.lexsort((-rings.area, rings.label))
    _, best = np.unique(rings.label[order], return_index=True)
    return rings.take(order[best])
