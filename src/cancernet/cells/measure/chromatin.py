"""Texture of chromatin: co-occurrence of grey levels (Haralick) and local binary patterns, of all nuclei at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure.pixels import Pixels

__all__ = ["HARALICK", "PATTERNS", "haralick", "local_patterns"]

HARALICK = ("contrast", "correlation", "energy", "homogeneity", "entropy")
"""Of the co-occurrence of haematoxylin."""

PATTERNS = 10
"""Kinds of local binary patterns: `lbp_0` to `lbp_9`."""

_LEVELS = 16
_DENSEST = 4.0  # natural optical density of haematoxylin at the highest level; what is denser is held there
_STEP_UM = 0.5
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))

Floats = NDArray[np.float64]
Labels = NDArray[np.int32]


def haralick(amount: NDArray[np.floating[Any]], labels: Labels, *, count: int, mpp: float) -> dict[str, Floats]:
    """Return five of Haralick's features of each nucleus.

    Pairs of pixels 0.5 microns apart (at least 1 pixel) in four directions, both inside of the nucleus, each pair both
    ways round; 16 levels from 0 to 4 of natural optical density, the same for all nuclei, so that a dark nucleus is
    not made pale.

    Parameters
    ----------
    amount
        Shape (h, w): haematoxylin.
    labels
        Shape (h, w): 1 to `count`.
    mpp
        Microns per pixel.

    Returns
    -------
    By the names of `HARALICK`, (n,) each; NaN where a nucleus has no pair. Correlation is 1 where all levels are equal.

    References
    ----------
    Haralick, Shanmugam and Dinstein 1973, doi 10.1109/TSMC.1973.4309314: features 1 to 3, 5 and 9; energy is the root
    of the angular second moment, as in `skimage.feature.graycoprops`.
    """
    levels = np.clip(np.asarray(amount) * (_LEVELS / _DENSEST), 0, _LEVELS - 1).astype(np.intp)
    pairs = np.zeros(count * _LEVELS**2)
    step = max(1, round(_STEP_UM / mpp))
    for down, right in ((0, step), (step, step), (step, 0), (step, -step)):
        pairs += _pairs(levels, labels, (down, right), count)
    table = pairs.reshape(count, _LEVELS, _LEVELS)
    table = table + table.transpose(0, 2, 1)
    total = table.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return _features(table / total[:, None, None])


def local_patterns(grey: NDArray[Any], pixels: Pixels, shape: tuple[int, int]) -> Floats:
    """Return the share of each kind of local binary pattern among the pixels of each nucleus, (n, PATTERNS).

    A pattern says which of the 8 pixels around are at least as bright. Kinds 0 to 8 are patterns with at most two
    changes around, by how many are bright: 0 is a bright spot, 8 a dark spot or flat, 4 a straight edge; 9 is all else.
    They do not change when the image is turned by quarters, nor by another brightness.

    Parameters
    ----------
    grey
        Shape (h, w).
    pixels
        Of the nuclei.
    shape
        Height and width of the image.

    References
    ----------
    Ojala, Pietikainen and Maenpaa 2002, doi 10.1109/TPAMI.2002.1017623, the pattern riu2 with the 8 pixels around
    instead of a circle.
    """
    padded = np.pad(np.asarray(grey), 1, mode="edge")
    flat, width = padded.ravel(), shape[1] + 2
    row, column = np.divmod(pixels.place, shape[1])
    here = (row + 1) * width + column + 1
    values = flat[here]
    code = np.zeros(len(here), np.intp)
    for bit, (down, right) in enumerate(_AROUND):
        code |= (flat[here + down * width + right] >= values).astype(np.intp) << bit
    kinds = np.bincount(pixels.nucleus * PATTERNS + _kinds()[code], minlength=pixels.count * PATTERNS)
    shares: Floats = kinds.reshape(-1, PATTERNS) / np.maximum(pixels.areas, 1)[:, None]
    return shares


def _pairs(levels: NDArray[np.intp], labels: Labels, step: tuple[int, int], count: int) -> Floats:
    """Return how often each pair of levels stands a step apart in each nucleus, flat."""
    down, right = step
    height, width = labels.shape
    if down >= height or abs(right) >= width:
        return np.zeros(count * _LEVELS**2)
    here = (slice(0, height - down), slice(max(0, -right), width - max(0, right)))
    there = (slice(down, height), slice(max(0, right), width + min(0, right)))
    inside = (labels[here] > 0) & (labels[here] == labels[there])
    code = (labels[here][inside].astype(np.intp) - 1) * _LEVELS + levels[here][inside]
    code = code * _LEVELS + levels[there][inside]
    return np.bincount(code, minlength=count * _LEVELS**2).astype(np.float64)


def _features(p: Floats) -> dict[str, Floats]:
    """Return the features of co-occurrences, (n, levels, levels), that sum to 1."""
    level = np.arange(_LEVELS)
    apart = level[:, None] - level
    margin = p.sum(axis=2)
    mean = margin @ level
    variance = margin @ level**2 - mean**2
    covariance = np.einsum("nij,i,j->n", p, level, level) - mean**2
    flat = variance < 1e-12
    correlation = np.where(flat, 1.0, covariance / np.where(flat, 1.0, variance))
    return {
        "contrast": (p * apart**2).sum(axis=(1, 2)),
        "correlation": np.where(np.isnan(mean), np.nan, correlation),
        "energy": np.sqrt((p**2).sum(axis=(1, 2))),
        "homogeneity": (p / (1 + apart**2)).sum(axis=(1, 2)),
        "entropy": -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=(1, 2)),
    }


def _kinds() -> NDArray[np.intp]:
    """Return the kind of each of the 256 patterns."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    kinds: NDArray[np.intp] = np.where(changes <= 2, bits.sum(axis=1), PATTERNS - 1).astype(np.intp)
    return kinds
