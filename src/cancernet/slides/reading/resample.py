"""Pixels at another resolution: the mean over the area of each new pixel, or lines between pixels when magnified."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.reading.levels import Area

__all__ = ["resample"]

_BAND = 32  # rows of the answer that are made at a time, so that what lies between stays in the processor's cache
_POWERS_OF_TWO = [2**power for power in range(1, 25)]  # blocks of which Pillow rounds the means rightly


def resample(pixels: NDArray[np.uint8], area: Area, *, px_size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an area of an image at another size.

    Each direction for itself: where pixels become larger, a new one is the mean of what it covers, parts of pixels
    counted as parts; where they become smaller, values lie on straight lines between the centres of pixels.

    Parameters
    ----------
    pixels
        Shape (h, w, 3), uint8.
    area
        In pixels of this image; beyond its edge, the pixels at the edge go on.
    px_size
        Width and height of the answer.

    Returns
    -------
    Shape (height, width, 3), uint8, rounded to the nearest.
    """
    factors = _whole_factors(pixels, area, px_size)
    if factors is not None:
        return _block_means(pixels, area, factors)
    return _weighted(pixels, area, px_size)


def _whole_factors(pixels: NDArray[np.uint8], area: Area, px_size: tuple[int, int]) -> tuple[int, int] | None:
    """Return how many whole pixels each new one covers; None when they fall on parts, or are an odd number."""
    numbers = [*area.scale(px_size), area.left, area.top]
    across, down, left, top = (round(number) for number in numbers)
    whole = np.allclose(numbers, (across, down, left, top), rtol=0, atol=1e-9)
    right, bottom = left + across * px_size[0], top + down * px_size[1]
    inside = min(left, top) >= 0 and right <= pixels.shape[1] and bottom <= pixels.shape[0]
    return (across, down) if whole and inside and across * down in _POWERS_OF_TWO else None


def _block_means(pixels: NDArray[np.uint8], area: Area, factors: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the mean of each block of whole pixels: four times as fast as weights."""
    from PIL import Image

    box = round(area.left), round(area.top), round(area.right), round(area.bottom)
    return np.array(Image.fromarray(pixels).reduce(factors, box=box))


def _weighted(pixels: NDArray[np.uint8], area: Area, px_size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return weighted sums, first down, then across, a band of rows at a time."""
    width, height = px_size
    answer = np.empty((height, width, 3), dtype=np.uint8)
    across = _weights((area.left, area.right), count=width, length=pixels.shape[1])
    step = (area.bottom - area.top) / height
    for row in range(0, height, _BAND):
        rows = min(_BAND, height - row)
        edges = area.top + row * step, area.top + (row + rows) * step
        first, last = max(int(edges[0]) - 1, 0), min(int(edges[1]) + 2, pixels.shape[0])
        down = _weights((edges[0] - first, edges[1] - first), count=rows, length=last - first)
        answer[row : row + rows] = _both(pixels[first:last], down, across)
    return answer


def _both(band: NDArray[np.uint8], down: Any, across: Any) -> NDArray[np.uint8]:
    """Return down · band · acrossᵀ for each colour; sparse matrices times (h, w, 3) give (rows, width, 3)."""
    height, width, _ = band.shape
    short = (down @ band.reshape(height, width * 3).astype(np.float32)).reshape(-1, width, 3)
    sums = (across @ _turned(short).reshape(width, -1)).reshape(across.shape[0], -1, 3)
    sums += np.float32(0.5)  # what is cut off below is rounded now
    return _turned(sums.astype(np.uint8))


def _turned(image: NDArray[Any]) -> NDArray[Any]:
    """Return (h, w, 3) as (w, h, 3); pixels move as one item, which is twice as fast as three."""
    pixels = image.view(np.dtype((np.void, 3 * image.itemsize)))[..., 0]
    return np.ascontiguousarray(pixels.T)[..., np.newaxis].view(image.dtype)


def _weights(edges: tuple[float, float], *, count: int, length: int) -> Any:
    """Return how much each of `length` pixels counts in each of `count` new ones between two edges.

    Sparse, shape (count, length), float32; rows sum to 1.
    """
    from scipy.sparse import csr_array

    scale = (edges[1] - edges[0]) / count
    starts = edges[0] + scale * np.arange(count, dtype=np.float64)
    columns, shares = _covered(starts, scale) if scale >= 1 else _on_lines(starts + scale / 2)
    ends = np.arange(count + 1) * columns.shape[1]
    parts = shares.astype(np.float32).ravel(), np.clip(columns, 0, length - 1).ravel(), ends
    return csr_array(parts, shape=(count, length))


def _covered(starts: NDArray[np.float64], scale: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pixels that each stretch covers and their shares of it, both (count, taps)."""
    columns = np.floor(starts).astype(np.int64)[:, None] + np.arange(int(np.ceil(scale)) + 1)
    ends = np.minimum(starts[:, None] + scale, columns + 1)
    return columns, np.clip(ends - np.maximum(starts[:, None], columns), 0, None) / scale


def _on_lines(centres: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the two pixels whose centres lie around each place, and how near each of them is, both (count, 2)."""
    left = np.floor(centres - 0.5)
    beyond = centres - 0.5 - left
    return left.astype(np.int64)[:, None] + np.arange(2), np.stack([1 - beyond, beyond], axis=1)
