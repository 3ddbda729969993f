"""Scale, shift and blur of patches by one matrix for the rows and one for the columns of each image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["resample", "sampling_matrices"]

_SHARPEST = 0.05  # pixels: exp(-1 / (2 * 0.05^2)) is 0 in float32, so a smaller sigma is no blur at all
_LEAST, _NOTHING = -40.0, 1e-12  # exponents and weights that count as none: denormal numbers are 13 times slower


def resample(
    planes: NDArray[np.float32], *, rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return rows @ plane @ columns^T for each plane.

    Parameters
    ----------
    planes
        Shape (n, channels, s, s), float32.
    rows, columns
        Shape (n, s, s), float32, as `sampling_matrices` makes them.

    Returns
    -------
    Shape (n, channels, s, s), float32.
    """
    across = np.ascontiguousarray(columns.swapaxes(1, 2))  # matmul is slower with a transposed view
    resampled: NDArray[np.float32] = rows[:, None] @ (planes @ across[:, None])
    return resampled


def sampling_matrices(
    size: int,
    *,
    zoom: NDArray[np.float32],
    shift: NDArray[np.float32],
    blur: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the matrices that scale, shift and then blur lines of pixels.

    Output pixel i is read at c + (i - c - shift) / zoom, with c the middle of the line, between its two neighbours
    (bilinear); the blur is a Gaussian. Beyond its edges the line is reflected ("d c b a | a b c d | d c b a"), so the
    blur keeps its mean. Each row sums to 1: a constant line stays constant.

    Parameters
    ----------
    size
        Pixels of a line.
    zoom
        Shape (n,), float32, 0.5 or more; above 1 things look larger.
    shift
        Shape (n,), float32, pixels, towards higher indices.
    blur
        Shape (n,), float32, standard deviation in pixels, 0 (none) to about size / 8.

    Returns
    -------
    Shape (n, size, size), float32.
    """
    return _gaussians(size, blur) @ _interpolations(size, zoom, shift)


def _interpolations(size: int, zoom: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the bilinear weights of source pixels (last axis) in output pixels, (n, size, size)."""
    pixels = np.arange(size, dtype=np.float32)
    middle = np.float32((size - 1) / 2)
    places = middle + (pixels - middle - shift[:, None]) / zoom[:, None]
    places = np.abs(places + np.float32(0.5))  # reflected at the lower edge, which lies half a pixel before the first
    places = np.clip(size - np.abs(size - places) - np.float32(0.5), 0, np.float32(size - 1))
    weights: NDArray[np.float32] = np.abs(places[:, :, None] - pixels)
    np.subtract(1, weights, out=weights)
    return np.maximum(weights, 0, out=weights)


def _gaussians(size: int, blur: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Gaussian weights with reflection at both edges, (n, size, size)."""
    factor = -0.5 / np.maximum(blur, np.float32(_SHARPEST))[:, None, None] ** 2
    weights = np.zeros((len(blur), size, size), dtype=np.float32)
    for squares in _squared_distances(size):
        weights += np.exp(np.maximum(squares * factor, _LEAST))
    weights /= weights.sum(axis=2, keepdims=True)
    weights[weights < _NOTHING] = 0
    return weights


@lru_cache(maxsize=8)
def _squared_distances(size: int) -> tuple[NDArray[np.float32], ...]:
    """Return the squared distance of each pixel to each, to its mirror image below 0, and to that beyond the end."""
    to, of = np.mgrid[:size, :size].astype(np.float32)
    return tuple(np.square(distance) for distance in (to - of, to + of + 1, 2 * size - 1 - to - of))
