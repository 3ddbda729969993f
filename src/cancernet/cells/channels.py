"""An image as a network sees it that must not trust colours: haematoxylin by the stains of that image or slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.classical import Classical, FittedClassical

__all__ = ["StainChannels"]

# Bundles were trained on what these numbers make of an image: another number needs another network.
_OPTIONS = Classical()
_GROUND, _STEP = 190.0, 100.0  # density: grey of the ground, and how much darker nuclei are
_EVEN, _SPREAD = 128.0, 64.0  # above the local threshold: grey at the threshold, and of one standard deviation

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class StainChannels:
    """Three channels in the place of colours, dark where a nucleus is likely; from `fit`.

    1. Haematoxylin, such that the ground of the image is 190 and its nuclei are 90 in the middle.
    2. How far haematoxylin lies above the local threshold of `Classical`, in standard deviations over the image:
       128 at the threshold, 64 for one more.
    3. Red light, which haematoxylin absorbs and eosin lets pass.

    The first two are the same for a pale and for a dark stain, so that what a network learns on images of one
    laboratory holds on those of others.

    Parameters
    ----------
    fitted
        Stains and thresholds of the image or slide.
    """

    fitted: FittedClassical

    @classmethod
    def fit(cls, samples: Sequence[Pixels], *, mpp: float) -> Self:
        """Return the channels by the stains of some images; see `Classical.fit`.

        Raises
        ------
        InvalidInput, MissingResolution
            As `Classical.fit` does.
        """
        return cls(_OPTIONS.fit(samples, mpp=mpp))

    def apply(self, image: Pixels, *, mpp: float) -> Pixels:
        """Return the channels of an image, (h, w, 3) uint8.

        What lies farther than `Classical.window_um` from a place does not matter there.

        Raises
        ------
        InvalidInput, MissingResolution
            As `Classical.labels` does.
        """
        found = self.fitted.stain(image, mpp=mpp)
        if found is None or self.fitted.levels is None:
            ground = np.full(image.shape[:2], _GROUND), np.full(image.shape[:2], _EVEN + _SPREAD)
            return np.stack([*(part.astype(np.uint8) for part in ground), image[..., 0]], axis=-1)
        (low, high), (amount, threshold) = self.fitted.levels, found
        density = _GROUND - _STEP * (amount - low) / (high - low)
        above = _EVEN - _SPREAD * (amount - threshold) / self.fitted.spread
        parts = (np.clip(part, 0, 255).astype(np.uint8) for part in (density, above))
        return np.stack([*parts, image[..., 0]], axis=-1)
