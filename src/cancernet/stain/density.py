"""Stains: optical density, and the amounts of haematoxylin and eosin in each pixel.

Optical density here is the natural logarithm, so that an amount of stain and the light it takes are tied by
Beer-Lambert's law without a factor: intensity = 256 exp(-density) - 1. Multiply by 0.4343 for the density to base 10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

__all__ = ["HE_VECTORS", "combine", "from_optical_density", "optical_density", "separate", "unmixing"]

_SMALLEST_VOLUME = 1e-6  # of the body that three vectors span; below it, amounts are noise
_DENSITIES = -np.log((np.arange(256, dtype=np.float64) + 1) / 256).astype(np.float32)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows with length 1, read-only."""
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    unit.flags.writeable = False
    return unit


_HAEMATOXYLIN, _EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])

HE_VECTORS = _unit(np.stack([_HAEMATOXYLIN, _EOSIN, np.cross(_HAEMATOXYLIN, _EOSIN)]))
"""Optical density (red, green, blue) of one unit of haematoxylin, of eosin, and of what is neither.

Shape (3, 3), float64, rows of length 1. Haematoxylin and eosin as measured by Ruifrok and Johnston 2001 (table 1); the
residual stands at right angles to both, so it takes nothing that the two can explain.
"""


def optical_density(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the natural optical density -ln((I + 1) / 256) of each value.

    Parameters
    ----------
    images
        Any shape, uint8.

    Returns
    -------
    The same shape, float32, 0 (white) to 5.55 (black).

    Raises
    ------
    InvalidInput
        When the values are not uint8.

    References
    ----------
    Ruifrok and Johnston 2001, Quantification of histochemical staining by color deconvolution, Anal Quant Cytol Histol
    23(4): 291-299. The 1 keeps the logarithm of black finite.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise InvalidInput(f"Images of type {images.dtype}", "uint8, 0 (black) to 255 (white)", "Convert them first")
    # "clip" never clips a uint8; it spares NumPy a check of every index and is five times faster than plain indexing.
    return np.take(_DENSITIES, images, mode="clip")


def from_optical_density(density: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return 256 exp(-density) - 1, rounded and held within 0 .. 255; the inverse of `optical_density`."""
    light = 256 * np.exp(-np.asarray(density)) - 1
    images: NDArray[np.uint8] = np.rint(np.clip(light, 0, 255)).astype(np.uint8)
    return images


def separate(images: NDArray[np.uint8], *, vectors: NDArray[np.floating[Any]] = HE_VECTORS) -> NDArray[np.float32]:
    """Return how much of each stain a pixel holds.

    Parameters
    ----------
    images
        Shape (..., 3), uint8 RGB.
    vectors
        Shape (3, 3), one stain a row; its length is one unit of the stain.

    Returns
    -------
    Shape (..., 3), float32: haematoxylin, eosin, residual. Below zero where the colour lies outside the stains.

    Raises
    ------
    InvalidInput
        When the values are not uint8, the last axis is not RGB, or the vectors do not span three directions.

    References
    ----------
    Ruifrok and Johnston 2001: amounts = density times the inverse of the vectors.
    """
    if np.shape(images)[-1:] != (3,):
        raise InvalidInput(f"Images of shape {np.shape(images)}", "(..., 3): red, green, blue", "Convert them to RGB")
    return optical_density(images) @ unmixing(vectors).astype(np.float32)


def combine(
    amounts: NDArray[np.floating[Any]], *, vectors: NDArray[np.floating[Any]] = HE_VECTORS
) -> NDArray[np.uint8]:
    """Return the colours of amounts of stain, (..., 3) to (..., 3) uint8; the inverse of `separate`."""
    return from_optical_density(np.asarray(amounts) @ np.asarray(vectors))


def unmixing(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the inverse of the stain vectors, shape (3, 3).

    Raises
    ------
    InvalidInput
        When two of them have the same direction, or the shape is another.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    spans = vectors.shape == (3, 3) and np.isfinite(vectors).all() and abs(np.linalg.det(vectors)) > _SMALLEST_VOLUME
    if not spans:
        raise InvalidInput(
            f"Stain vectors {vectors.tolist()}",
            "Three rows (red, green, blue) of different directions",
            "Leave them away to use those of haematoxylin and eosin",
        )
    inverse: NDArray[np.float64] = np.linalg.inv(vectors)
    return inverse
