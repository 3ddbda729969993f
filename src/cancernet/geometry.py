"""Boxes in base-level pixels, and the eight ways to lay a square on itself: quarter turns and flips. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["VIEWS", "Box", "dihedral", "undo_dihedral"]

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
