"""A bag: what an encoder made of the tiles of one slide, where they lie, and who made it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import PixelSize
from cancernet.errors import InvalidInput

__all__ = ["Bag", "check_features"]


@dataclass(frozen=True, eq=False)
class Bag:
    """The features of the tiles of one slide.

    Parameters
    ----------
    features
        Shape (n, width), float32, finite: one row per tile, n at least 1.
    encoder
        The name of what made them; empty when the file does not say it.
    pixel_size
        Microns per pixel of what the encoder saw.
    places
        Shape (n, 4), float64: left, top, width and height of each tile; None when they are unknown.
    unit
        Of the places: "l0_px", pixels of the base level, or "um", microns from the corner of the slide.
    """

    features: NDArray[np.float32]
    encoder: str = ""
    pixel_size: PixelSize = field(default_factory=PixelSize)
    places: NDArray[np.float64] | None = None
    unit: str = "l0_px"

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.features)

    @property
    def width(self) -> int:
        """How many numbers describe a tile."""
        return int(self.features.shape[1])


def check_features(features: NDArray[np.generic], where: str) -> NDArray[np.float32]:
    """Return features as float32, (n, width), or raise when they are no bag.

    Parameters
    ----------
    features
        Of any real type; a leading dimension of length 1 is dropped.
    where
        What to call them in messages.

    Raises
    ------
    InvalidInput
        When the shape or the type is another, there is no tile, or a number is missing or infinite.
    """
    shape = features.shape
    if features.ndim == 3 and shape[0] == 1:
        features = features[0]
    if features.ndim != 2 or features.dtype.kind not in "fiu":
        raise InvalidInput(
            f"The features of {where} have shape {shape} and type {features.dtype}",
            "(tiles, numbers of a tile) or (1, tiles, numbers of a tile), real numbers",
            "Give the features of tiles, not those of a whole slide",
        )
    if not features.size:
        raise InvalidInput(f"{where} holds no tile", "One tile at least", "Take the slide out, or look at its tissue")
    with np.errstate(over="ignore"):  # becomes infinite, and is refused below
        numbers = np.ascontiguousarray(features, dtype=np.float32)
    wrong = int((~np.isfinite(numbers)).sum())
    if wrong:
        raise InvalidInput(
            f"{wrong} features of {where} are NaN, infinite or too large for float32",
            "Finite numbers",
            "Make the features of this slide again",
        )
    return numbers
