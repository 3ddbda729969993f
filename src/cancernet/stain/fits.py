"""What is known of the colours of one slide: small frozen types that travel as JSON.

Both methods of normalising have one. A fit is made once per slide by `fit_macenko` or `fit_reinhard`, stored, and used
for each of its tiles, so that all tiles of a slide change by the same map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.stain.colourmap import ColourMap
from cancernet.stain.density import unmixing

__all__ = ["LMS_TO_LAB", "MACENKO_TARGET", "REINHARD_TARGET", "RGB_TO_LMS", "MacenkoFit", "ReinhardFit", "StainFit"]

Triple = tuple[float, float, float]

SMALLEST_ANGLE = 5.0  # degrees
SMALLEST_SPREAD = 1e-3  # natural logarithm

RGB_TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
"""Responses of the long, middle and short cones to red, green, blue, one cone a row: Reinhard 2001, equation 4."""

LMS_TO_LAB = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])
"""Lightness, yellow-blue and red-green of the logarithms of L, M, S, one a row: Ruderman et al. 1998."""


@dataclass(frozen=True)
class StainFit:
    """The colours of one slide, by one of the methods.

    Parameters
    ----------
    pixels
        How many pixels of tissue it was made from; 0 when it was given from elsewhere.
    """

    pixels: int

    method: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as JSON types; `from_dict` makes the same fit of it."""
        return {"method": self.method, **asdict(self)}

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> StainFit:
        """Return the fit that `to_dict` wrote.

        Raises
        ------
        InvalidInput
            When the method is unknown, or a part is missing, unknown or impossible.
        """
        parts = dict(content)
        kind = _KINDS[one_of(str(parts.pop("method", "")), sorted(_KINDS), "method of normalising stains")]
        expected = sorted(kind.__dataclass_fields__)
        if sorted(parts) != expected:
            raise InvalidInput(f"A stain fit of the parts {sorted(parts)}", f"{expected}", "Fit the slide again")
        return kind(**parts)

    def words(self) -> str:
        """Return one sentence for a card or a summary."""
        raise NotImplementedError

    def onto(self, target: Self) -> ColourMap:
        """Return the map from the colours of this slide to those of another."""
        raise NotImplementedError

    def _origin(self) -> str:
        """Return where the numbers come from, in words."""
        return f"fitted on {self.pixels:,} pixels" if self.pixels else "given"

    def _hold(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Turn a part into tuples of floats and return it as an array, or refuse it."""
        try:
            numbers = np.array(getattr(self, name), dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.array(np.nan)
        if numbers.shape != shape or not np.isfinite(numbers).all():
            raise InvalidInput(
                f"{name} = {getattr(self, name)} in a stain fit", f"Finite numbers of shape {shape}", "Fit again"
            )
        rows = numbers.tolist()
        object.__setattr__(self, name, tuple(tuple(row) if isinstance(row, list) else row for row in rows))
        return numbers


@dataclass(frozen=True)
class MacenkoFit(StainFit):
    """Stain vectors of one slide, and how much of each stain its densest tissue holds.

    Parameters
    ----------
    haematoxylin, eosin
        Optical density (red, green, blue) of one unit of the stain; of length 1 when fitted.
    amounts
        99th percentile of the amounts of haematoxylin and of eosin in tissue, natural optical density.

    Raises
    ------
    InvalidInput
        When the two vectors point nearly the same way, or an amount is not above zero.

    References
    ----------
    Macenko et al. 2009, A method for normalizing histology slides for quantitative analysis, ISBI, 1107-1110.
    """

    haematoxylin: Triple
    eosin: Triple
    amounts: tuple[float, float]

    method: ClassVar[str] = "macenko"

    def __post_init__(self) -> None:
        """Refuse vectors that are one, and amounts that are none."""
        for name in ("haematoxylin", "eosin"):
            self._hold(name, (3,))
        amounts = self._hold("amounts", (2,))
        if self.degrees < SMALLEST_ANGLE or amounts.min() <= 0:
            raise InvalidInput(
                f"Stain vectors {self.degrees:.1f} degrees apart, with amounts {amounts.round(3).tolist()}",
                f"Two stains: at least {SMALLEST_ANGLE:.0f} degrees apart, amounts above zero",
                "Take pixels that show both haematoxylin and eosin, or use fit_reinhard",
            )

    @property
    def degrees(self) -> float:
        """The angle between the two stain vectors; 0 when one of them has no length."""
        first, second = np.array(self.haematoxylin), np.array(self.eosin)
        across = np.linalg.norm(np.cross(first, second))  # the arc cosine would be blind to small angles
        return float(np.degrees(np.arctan2(across, first @ second)))

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Haematoxylin, eosin and what stands at right angles to both, with length 1: shape (3, 3), one a row."""
        first, second = np.array(self.haematoxylin), np.array(self.eosin)
        across = np.cross(first, second)
        return np.stack([first, second, across / np.linalg.norm(across)])

    def words(self) -> str:
        """Return one sentence for a card or a summary."""
        haematoxylin, eosin = (", ".join(f"{part:.2f}" for part in row) for row in (self.haematoxylin, self.eosin))
        return (
            f"Stains by Macenko ({self._origin()}): haematoxylin ({haematoxylin}) up to {self.amounts[0]:.2f}, eosin "
            f"({eosin}) up to {self.amounts[1]:.2f} in natural optical density."
        )

    def onto(self, target: Self) -> ColourMap:
        """Return the map from the colours of this slide to those of another.

        Amounts are found by this slide's vectors, scaled by the ratio of the 99th percentiles, and painted with the
        vectors of the other. What is neither haematoxylin nor eosin (pigment, ink) is kept as it is, where the paper
        drops it: so a slide is its own normalised image, and the way back exists.
        """
        scale = np.append(np.divide(target.amounts, self.amounts), 1)
        mixing = (unmixing(self.vectors) * scale) @ target.vectors
        return ColourMap(mixing, 8 * (1 - mixing.sum(axis=0)))  # white, log2(256) = 8, stays white


@dataclass(frozen=True)
class ReinhardFit(StainFit):
    """Mean and spread of the colours of one slide, in the space l, alpha, beta.

    With light = (value + 1) / 256 and L, M, S = `RGB_TO_LMS` @ light, in natural logarithms

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

    def __post_init__(self) -> None:
        """Refuse colours without spread."""
        self._hold("mean", (3,))
        if self._hold("deviation", (3,)).min() < SMALLEST_SPREAD:
            raise InvalidInput(
                f"Deviations of l, alpha, beta of {np.round(self.deviation, 6).tolist()}",
                f"Each at least {SMALLEST_SPREAD}: lightness and both hues vary",
                "Take pixels of stained tissue in colour",
            )

    def words(self) -> str:
        """Return one sentence for a card or a summary."""
        parts = zip(("l", "alpha", "beta"), self.mean, self.deviation, strict=True)
        spreads = ", ".join(f"{name} {mean:.2f} ± {deviation:.2f}" for name, mean, deviation in parts)
        return f"Colours by Reinhard ({self._origin()}): {spreads}, in natural logarithms."

    def onto(self, target: Self) -> ColourMap:
        """Return the map from the colours of this slide to those of another: l, alpha, beta shifted and scaled."""
        scale = np.divide(target.deviation, self.deviation)
        shift = (target.mean - scale * self.mean) / np.log(2)
        to_lab, from_lab = LMS_TO_LAB.T, np.linalg.inv(LMS_TO_LAB).T
        mixing = (to_lab * scale) @ from_lab
        offset = 8 * (1 - mixing.sum(axis=0)) + shift @ from_lab  # log2 of light times 256
        return ColourMap(mixing, offset, into=RGB_TO_LMS.T, back=np.linalg.inv(RGB_TO_LMS).T)


_KINDS: dict[str, type[StainFit]] = {kind.method: kind for kind in (MacenkoFit, ReinhardFit)}

MACENKO_TARGET = MacenkoFit(
    0, haematoxylin=(0.5626, 0.7201, 0.4062), eosin=(0.2159, 0.8012, 0.5581), amounts=(1.9705, 1.0308)
)
"""The reference that most public implementations share.

From `normalizeStaining.m` of M. Veta 2013 (github.com/mitkovetta/staining-normalization), HERef and maxCRef; the image
behind it is not named. There, densities are counted from a white of 240, here from 255, so colours are 6 % lighter.
"""

REINHARD_TARGET = ReinhardFit(
    0,
    mean=(8.74108109 - float(np.sqrt(3) * np.log(256)), -0.12440419, 0.0444982),
    deviation=(0.6135447, 0.10989545, 0.0286032),
)
"""The reference that HistomicsTK documents: a region of slide TCGA-A2-A3XS-DX1, breast.

Amgad et al. 2019, Structured crowdsourcing enables convolutional segmentation of histology images, Bioinformatics
35(18): 3461-3467. Its mean lightness is of light from 0 to 256, ours of light from 0 to 1.
"""
