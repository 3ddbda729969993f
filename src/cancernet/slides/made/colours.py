"""From two bytes of stain to a colour: the table through which every pixel of made tissue goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.stain import combine

__all__ = ["as_bytes", "colour_table", "to_rgb"]

_MOST, _BEND = 3.2, 1.5  # the largest amount, and how much finer the steps are near glass
_DARKEST = 240
_HAEMATOXYLIN, _EOSIN = (0.5626, 0.7201, 0.4062), (0.2159, 0.8012, 0.5581)  # Macenko 2009, as fitted to real slides
_GLASS = (243, 242, 244)


def as_bytes(amounts: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return amounts of stain as bytes, fine near zero; at most 240, so that noise can be added."""
    scaled = 255 * (np.clip(amounts, 0, _MOST) / _MOST) ** (1 / _BEND)
    bytes_: NDArray[np.uint8] = np.minimum(np.rint(scaled), _DARKEST).astype(np.uint8)
    return bytes_


def colour_table(rng: np.random.Generator) -> NDArray[np.uint32]:
    """Return the colours of a laboratory, which stains a little otherwise than others.

    Returns
    -------
    Shape (65536,), uint32: red, green, blue and 255 as bytes in memory, at 256 * haematoxylin + eosin.
    """
    vectors = np.array([_HAEMATOXYLIN, _EOSIN]) + rng.normal(0, 0.018, (2, 3))
    vectors *= rng.uniform(0.92, 1.1, (2, 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
    amounts = _MOST * (np.arange(256) / 255) ** _BEND
    pairs = np.stack([np.repeat(amounts, 256), np.tile(amounts, 256), np.zeros(65536)], axis=1)
    light = combine(pairs, vectors=np.vstack([vectors, np.zeros(3)])) / 255 * np.array(_GLASS)
    table = np.full((65536, 4), 255, dtype=np.uint8)
    table[:, :3] = np.rint(light)
    return table.view(np.uint32).ravel()


def to_rgb(
    haematoxylin: NDArray[np.uint8], eosin: NDArray[np.uint8], *, table: NDArray[np.uint32]
) -> NDArray[np.uint8]:
    """Return (h, w, 3) uint8 of two planes of bytes (h, w)."""
    place = haematoxylin.astype(np.uint16)
    place <<= 8
    place |= eosin
    colours = table.take(place, mode="clip").view(np.uint8).reshape(*place.shape, 4)
    return np.ascontiguousarray(colours[:, :, :3])
