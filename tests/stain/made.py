"""Made tissue of known stains."""

import numpy as np
from numpy.typing import NDArray

VECTORS = np.array([[0.60, 0.72, 0.35], [0.18, 0.90, 0.40]])
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


def amounts(rng: np.random.Generator, pixels: int = 40_000) -> NDArray[np.float64]:
    """Return amounts of haematoxylin and eosin, (pixels, 2): a third each of nuclei, of stroma and of both."""
    dense = rng.gamma(8, 0.15, (pixels, 2))
    kind = np.arange(pixels) % 3
    dense[kind == 0, 1] = 0
    dense[kind == 1, 0] = 0
    return dense


def tissue(rng: np.random.Generator, *, vectors: NDArray[np.float64] = VECTORS, noise: float = 0) -> NDArray[np.uint8]:
    """Return tissue, (200, 200, 3) uint8, with noise of so many grey levels, by the law of Beer and Lambert."""
    light = 256 * np.exp(-amounts(rng) @ vectors) - 1
    light += rng.normal(0, noise, light.shape) if noise else 0
    return np.clip(np.rint(light), 0, 255).astype(np.uint8).reshape(200, 200, 3)


def degrees(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angles between rows."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.degrees(np.arccos(np.clip((first * second).sum(axis=1) / lengths, -1, 1)))
