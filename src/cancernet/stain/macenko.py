"""Macenko's method: the two stains of a slide are found, and painted again in those of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.stain.colourmap import ColourMap
from cancernet.stain.density import optical_density, unmixing
from cancernet.stain.fits import StainFit, Triple, finite
from cancernet.stain.pixels import checked_images, thinned

__all__ = ["MACENKO_TARGET", "MacenkoFit", "fit_macenko", "glass_density"]

_WHITE: Triple = (255.0, 255.0, 255.0)
_SMALLEST_ANGLE = 5.0  # degrees
_SMALLEST_AMOUNT = 0.01  # natural optical density: two grey levels


def glass_density(white: Triple) -> NDArray[np.float64]:
    """Return the natural optical density of empty glass, (3,)."""
    values = finite(white, 3, what="white")
    if values.min() < 1 or values.max() > 255:
        raise InvalidInput(
            f"White is {white}", "Red, green, blue from 1 to 255", "Measure empty glass, or leave it away"
        )
    density: NDArray[np.float64] = -np.log((values + 1) / 256)
    return density


@dataclass(frozen=True)
class MacenkoFit(StainFit):
    """Stain vectors of one slide, and how much of each stain its densest tissue holds.

    Parameters
    ----------
    haematoxylin, eosin
        Optical density (red, green, blue) of one unit of the stain; of length 1 when fitted.
    amounts
        99th percentile of the amounts of haematoxylin and of eosin in tissue, natural optical density.
    white
        Values of red, green, blue where nothing is: densities are counted from there.

    Raises
    ------
    InvalidInput
        When the two vectors point nearly the same way, an amount is next to zero, or white is no colour.

    References
    ----------
    Macenko et al. 2009, A method for normalizing histology slides for quantitative analysis, ISBI, 1107-1110.
    """

    haematoxylin: Triple
    eosin: Triple
    amounts: tuple[float, float]
    white: Triple = _WHITE

    method: ClassVar[str] = "macenko"
    _lengths: ClassVar[dict[str, int]] = {"haematoxylin": 3, "eosin": 3, "amounts": 2, "white": 3}

    def __post_init__(self) -> None:
        """Refuse vectors that are one, amounts that are none, and a white that is none."""
        super().__post_init__()
        glass_density(self.white)
        if self.degrees < _SMALLEST_ANGLE or min(self.amounts) < _SMALLEST_AMOUNT:
            raise InvalidInput(
                f"Stain vectors {self.degrees:.1f} degrees apart, with amounts {np.round(self.amounts, 3).tolist()}",
                f"Two stains: at least {_SMALLEST_ANGLE:.0f} degrees apart, amounts of at least {_SMALLEST_AMOUNT}",
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
            f"({eosin}) up to {self.amounts[1]:.2f} in natural optical density{self._from_white()}."
        )

    def _from_white(self) -> str:
        """Return which white the densities are counted from, in words, where it is another than 255."""
        values = ", ".join(f"{value:.0f}" for value in self.white)
        return "" if self.white == _WHITE else f", counted from white ({values})"

    def onto(self, target: Self, *, keep_rest: bool = False) -> ColourMap:
        """Return the map from the colours of this slide to those of another; see `normalise`.

        Amounts are found by this slide's vectors, scaled by the ratio of the 99th percentiles, and painted with the
        vectors of the other.
        """
        scale = np.append(np.divide(target.amounts, self.amounts), 1.0 if keep_rest else 0.0)
        mixing = (unmixing(self.vectors) * scale) @ target.vectors
        white, goal = np.log2(np.add(self.white, 1)), np.log2(np.add(target.white, 1))
        return ColourMap(mixing, goal - white @ mixing)


MACENKO_TARGET = MacenkoFit(
    0, haematoxylin=(0.5626, 0.7201, 0.4062), eosin=(0.2159, 0.8012, 0.5581), amounts=(1.9705, 1.0308)
)
"""The reference that most public implementations share.

From `normalizeStaining.m` of M. Veta 2013 (github.com/mitkovetta/staining-normalization), HERef and maxCRef; the image
behind it is not named. There, densities are counted from a white of 240, here from 255, so colours are 6 % lighter.
"""


def fit_macenko(
    pixels: NDArray[np.uint8], *, white: Triple = _WHITE, beta: float = 0.15, alpha: float = 1.0
) -> MacenkoFit:
    """Find the directions of haematoxylin and eosin in optical density, and their amounts in dense tissue.

    The densities of tissue lie near the plane of the two largest singular directions. Their angles in it are taken;
    the percentiles `alpha` and 100 - `alpha` are the stains. Haematoxylin is the one that takes more red.

    Parameters
    ----------
    pixels
        Shape (..., 3), uint8 RGB: a thumbnail, or pixels of tissue.
    white
        Red, green, blue of empty glass. Scanners make it white; where a camera did not, measure it, else the tint of
        the light counts as stain.
    beta
        A pixel counts as tissue when red, green and blue all have more than this natural optical density; 0.15 (0.065
        to base 10) leaves out values above 219. So background changes nothing.
    alpha
        Percent of the pixels that may lie outside the stains, on either side.

    Raises
    ------
    InvalidInput
        When fewer than 1000 pixels are tissue, or when they show one stain only: less than 5 degrees between the
        vectors. In 2,254 real H&E images and patients there are 6.6 to 65; the medians of six sets lie between 17 and
        24. Noise of three grey levels in one stain looks like a second one all the same.

    Examples
    --------
    >>> import numpy as np
    >>> from cancernet.stain import combine, fit_macenko, normalise
    >>> thumbnail = combine(np.random.default_rng(0).gamma(2, 0.3, (100, 100, 3)) * [1, 1, 0])
    >>> fit = fit_macenko(thumbnail)
    >>> normalise(thumbnail, fit).shape
    (100, 100, 3)

    References
    ----------
    Macenko et al. 2009, A method for normalizing histology slides for quantitative analysis, ISBI, 1107-1110. The paper
    takes logarithms to base 10; beta = 0.15 in natural ones is the habit of public code, after Veta 2013. Directions
    are about the origin, as in the paper. That code takes them about the mean: the eosin of 50 patients of one
    laboratory (`crchisto`) then lies 8 degrees from their median, not 4.
    """
    if not 0 <= alpha < 50:
        raise InvalidInput(f"alpha = {alpha}", "A percentage from 0 to below 50", "Leave it away to use 1")
    rows, glass = checked_images(pixels).reshape(-1, 3), glass_density(white)
    tissue = thinned(rows, np.all(rows < 256 * np.exp(-glass - beta) - 1, axis=1))
    density = optical_density(tissue) - glass  # (n, 3) float64, 0 where it is white
    haematoxylin, eosin = _extremes(density, alpha)
    fit = MacenkoFit(len(tissue), haematoxylin, eosin, amounts=(1.0, 1.0), white=white)
    most = np.percentile(density @ unmixing(fit.vectors)[:, :2], 99, axis=0)
    return replace(fit, amounts=tuple(most))


def _extremes(density: NDArray[np.float64], alpha: float) -> list[Triple]:
    """Return the directions of haematoxylin and eosin, of length 1, from densities (n, 3)."""
    plane = np.linalg.eigh(density.T @ density)[1][:, :0:-1]  # (3, 2): the two largest, the largest first
    plane[:, 0] *= np.sign(plane[:, 0].sum())  # it points into the densities, so no angle is near 180 degrees
    along, across = plane.T @ density.T
    angles = np.percentile(np.arctan2(across, along), [alpha, 100 - alpha])
    red, green, blue = plane @ np.stack([np.cos(angles), np.sin(angles)])
    return sorted(zip(red.tolist(), green.tolist(), blue.tolist(), strict=True), reverse=True)  # more red is first
