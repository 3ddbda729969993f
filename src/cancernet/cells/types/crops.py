"""Squares around nuclei, at the microns per pixel of a network: all of an image at once, no loop over pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut_crops"]

_AT_ONCE = 512  # squares in memory as real numbers: 60 MB of 100 pixels' side

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def cut_crops(image: Pixels, centres: NDArray[np.floating], *, size: int, scale: float) -> Pixels:
    """Return a square around each centre, scaled to the pixels of a network.

    A square depends on the pixels around its own centre alone, so that tiles of a slide give the squares that one piece
    would give. Beyond the border the image is continued by its mirror image.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    centres
        Shape (n, 2): x, y in pixels from the upper left corner of the image.
    size
        Pixels of a side of a square in the end.
    scale
        Microns per pixel of the squares by those of the image.

    Returns
    -------
    Shape (n, size, size, 3), uint8: of larger squares the means over what becomes a pixel, of smaller ones interpolated
    between pixels.
    """
    side = max(1, round(size * scale))
    squares = _squares(image, np.asarray(centres, np.float64).reshape(-1, 2), side)
    if side == size:
        return np.ascontiguousarray(squares)
    weights = _weights(size, side)
    found = np.empty((len(squares), size, size, 3), np.uint8)
    for start in range(0, len(squares), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found[part] = _scaled(squares[part], weights)
    return found


def _squares(image: Pixels, centres: NDArray[np.float64], side: int) -> Pixels:
    """Return the squares of the image's own pixels, (n, side, side, 3)."""
    around = side // 2 + 1
    padded = np.pad(image, ((around, around), (around, around), (0, 0)), mode="symmetric")
    first = np.floor(centres - side / 2 + 0.5).astype(np.intp) + around
    column, row = np.clip(first, 0, np.array(padded.shape[1::-1]) - side).T
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    taken: Pixels = windows[row, column].transpose(0, 2, 3, 1)
    return taken


def _scaled(squares: Pixels, weights: Floats) -> Pixels:
    """Return squares whose rows and columns are weighed sums of those given."""
    rows = np.einsum("is,nstc->nitc", weights, squares.astype(np.float32), optimize=True)
    both = np.einsum("jt,nitc->nijc", weights, rows, optimize=True)
    scaled: Pixels = np.rint(both).astype(np.uint8)
    return scaled


def _weights(size: int, side: int) -> Floats:
    """Return how much of each of `side` pixels goes into each of `size` pixels, (size, side); rows sum to 1."""
    if side > size:
        edges, step = np.arange(size + 1) * side / size, np.arange(side)
        low = np.maximum(edges[:-1, None], step)
        high = np.minimum(edges[1:, None], step + 1)
        shared = np.maximum(high - low, 0)
    else:
        places = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
        shared = np.maximum(1 - np.abs(places[:, None] - np.arange(side)), 0)
    weights: Floats = (shared / shared.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights
