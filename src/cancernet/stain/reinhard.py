"""Reinhard's method: mean and spread of the colours of a slide are given those of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.stain.colourmap import ColourMap
from cancernet.stain.fits import StainFit, Triple
from cancernet.stain.pixels import checked_images, thinned

__all__ = ["REINHARD_TARGET", "ReinhardFit", "fit_reinhard"]

_RGB_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
"""Responses of the long, middle and short cones to red, green, blue, one cone a row: Reinhard 2001, equation 4."""

_LMS_TO_LAB = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
"""Lightness, yellow-blue and red-green of the logarithms of L, M, S, one a row: Ruderman et al. 1998."""

_SMALLEST_SPREAD = 1e-3  # natural logarithm


@dataclass(frozen=True)
class ReinhardFit(StainFit):
    """Mean and spread of the colours of one slide, in the space l, alpha, beta.

    With light = (value + 1) / 256 and L, M, S = RGB_TO_LMS @ light, in natural logarithms

    - l = (ln L + ln M + ln S) / sqrt 3, lightness
    - alpha = (ln L + ln M - 2 ln S) / sqrt 6, yellow against blue
    - beta = (ln L - ln M) / sqrt 2, red against green

    Parameters
    ----------
    mean, deviation
        Mean and standard deviation of l, alpha, beta.

    Raises
    ------
    InvalidInput
        When a deviation is next to zero.

    References
    ----------
    Reinhard et al. 2001, Color transfer between images, IEEE Comput Graph Appl 21(5): 34-41. Ruderman, Cronin and Chiao
    1998, Statistics of cone responses to natural images, J Opt Soc Am A 15(8): 2036-2045. They take other logarithms,
    which changes the numbers but no colour.
    """

    mean: Triple
    deviation: Triple

    method: ClassVar[str] = "reinhard"
    _lengths: ClassVar[dict[str, int]] = {"mean": 3, "deviation": 3}

    def __post_init__(self) -> None:
        """Refuse colours without spread."""
        super().__post_init__()
        if min(self.deviation) < _SMALLEST_SPREAD:
            raise InvalidInput(
                f"Deviations of l, alpha, beta of {np.round(self.deviation, 6).tolist()}",
                f"Each at least {_SMALLEST_SPREAD}: lightness and both hues vary",
                "Take pixels of stained tissue in colour",
            )

    def words(self) -> str:
        """Return one sentence for a card or a summary."""
        parts = zip(("l", "alpha", "beta"), self.mean, self.deviation, strict=True)
        spreads = ", ".join(f"{name} {mean:.2f} ± {deviation:.2f}" for name, mean, deviation in parts)
        return f"Colours by Reinhard ({self._origin()}): {spreads}, in natural logarithms."

    def onto(self, target: Self, *, keep_rest: bool = False) -> ColourMap:
        """Return the map from the colours of this slide to those of another: l, alpha, beta shifted and scaled.

        It has no part that could be dropped, so `keep_rest` changes nothing.
        """
        scale = np.divide(target.deviation, self.deviation)
        shift = (target.mean - scale * self.mean) / np.log(2)
        to_lab, from_lab = _LMS_TO_LAB.T, np.linalg.inv(_LMS_TO_LAB).T
        mixing = (to_lab * scale) @ from_lab
        offset = 8 * (1 - mixing.sum(axis=0)) + shift @ from_lab  # log2 of light times 256
        return ColourMap(mixing, offset, into=_RGB_TO_LMS.T, back=np.linalg.inv(_RGB_TO_LMS).T)


REINHARD_TARGET = ReinhardFit(
    0,
    mean=(8.74108109 - float(np.sqrt(3) * np.log(256)), -0.12440419, 0.0444982),
    deviation=(0.6135447, 0.10989545, 0.0286032),
)
"""The reference that HistomicsTK documents: a region of slide TCGA-A2-A3XS-DX1, breast.

Amgad et al. 2019, Structured crowdsourcing enables convolutional segmentation of histology images, Bioinformatics
35(18): 3461-3467. Its mean lightness is of light from 0 to 256, ours of light from 0 to 1.
"""


def fit_reinhard(pixels: NDArray[np.uint8], *, beta: float = 0.15) -> ReinhardFit:
    """Find mean and standard deviation of l, alpha, beta (see `ReinhardFit`) in tissue.

    Parameters
    ----------
    pixels
        Shape (..., 3), uint8 RGB: a thumbnail, or pixels of tissue.
    beta
        A pixel counts as tissue when one of red, green and blue has more than this natural optical density. So pale
        eosin counts, which takes next to no red.

    Raises
    ------
    InvalidInput
        When fewer than 1000 pixels are tissue, or when they are all of one hue.

    References
    ----------
    Reinhard et al. 2001, Color transfer between images, IEEE Comput Graph Appl 21(5): 34-41. The paper takes all
    pixels.
    """
    rows = checked_images(pixels).reshape(-1, 3)
    tissue = thinned(rows, np.any(rows < 256 * np.exp(-beta) - 1, axis=1))
    light = (tissue.astype(np.float64) + 1) / 256
    lab = np.log(light @ _RGB_TO_LMS.T) @ _LMS_TO_LAB.T
    return ReinhardFit(len(tissue), mean=tuple(lab.mean(axis=0)), deviation=tuple(lab.std(axis=0)))
