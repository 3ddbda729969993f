"""Boxes in base-level pixels, quarter turns and flips of squares, and what a mask holds in boxes. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["VIEWS", "Box", "dihedral", "summed_area", "undo_dihedral"]

VIEWS = 8
"""Rotations by 0, 90, 180 and 270 degrees, and the same after a flip from left to right."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of a slide's base level: its upper left corner, width and height. Parts of pixels count."""

    l0_x: float
    l0_y: float
    l0_width: float
    l0_height: float


def dihedral(images: NDArray[Any], view: int) -> NDArray[Any]:
    """Return images turned and flipped; a view of the same memory.

    Parameters
    ----------
    images
        Shape (n, h, w, ...).
    view
        0 to 7: `view % 4` quarter turns against the clock, of the flipped image from 4 on.

    References
    ----------
    The dihedral group of order 8; averaging answers over it: Cohen and Welling 2016, arXiv:1602.07576.
    """
    flipped = images[:, :, ::-1] if view >= VIEWS // 2 else images
    return np.rot90(flipped, view % 4, axes=(1, 2))


def undo_dihedral(images: NDArray[Any], view: int) -> NDArray[Any]:
    """Return what `dihedral` turned into these images: the inverse of the same view."""
    turned = np.rot90(images, -(view % 4), axes=(1, 2))
    return turned[:, :, ::-1] if view >= VIEWS // 2 else turned


def summed_area(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return how many pixels of a mask lie above and left of each corner, (h + 1, w + 1): a box is four look-ups."""
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int32)  # of below 2^31 pixels
    inner = table[1:, 1:]
    np.cumsum(mask, axis=0, dtype=np.int32, out=inner)
    np.cumsum(inner, axis=1, out=inner)
    return table
