"""Fitting the colours of a slide, once, on a thumbnail or on a sample of its tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.stain.colourmap import checked_images
from cancernet.stain.density import optical_density, unmixing
from cancernet.stain.fits import LMS_TO_LAB, RGB_TO_LMS, MacenkoFit, ReinhardFit, Triple

__all__ = ["fit_macenko", "fit_reinhard"]

_FEWEST_PIXELS = 1000  # ten of them lie outside the percentiles 1 and 99
_MOST_PIXELS = 2**21  # more change no percentile in its third digit; these take a third of a second and 150 MB


def fit_macenko(pixels: NDArray[np.uint8], *, beta: float = 0.15, alpha: float = 1.0) -> MacenkoFit:
    """Find the directions of haematoxylin and eosin in optical density, and their amounts in dense tissue.

    The densities of tissue lie near the plane of the two largest singular directions. Their angles in it are taken;
    the percentiles `alpha` and 100 - `alpha` are the stains. Haematoxylin is the one that takes more red.

    Parameters
    ----------
    pixels
        Shape (..., 3), uint8 RGB: a thumbnail, or pixels of tissue.
    beta
        A pixel counts as tissue when red, green and blue all have more than this natural optical density; 0.15 (0.065
        to base 10) leaves out values above 219. So background changes nothing.
    alpha
        Percent of the pixels that may lie outside the stains, on either side.

    Raises
    ------
    InvalidInput
        When fewer than 1000 pixels are tissue, or when they show one stain only (less than 5 degrees between the
        vectors; of 1,700 real H&E images and patients the least is 8). Noise of three grey levels looks like a second
        stain all the same.

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
    takes logarithms to base 10; beta = 0.15 in natural ones is the habit of public code, after Veta 2013.
    """
    if not 0 <= alpha < 50:
        raise InvalidInput(f"alpha = {alpha}", "A percentage from 0 to below 50", "Leave it away to use 1")
    rows = checked_images(pixels).reshape(-1, 3)
    tissue = _sample(rows, np.all(rows < _brightest(beta), axis=1))
    density = optical_density(tissue).astype(np.float64)  # (n, 3)
    haematoxylin, eosin = _extremes(density, alpha)
    fit = MacenkoFit(len(tissue), haematoxylin, eosin, amounts=(1.0, 1.0))
    most = np.percentile(density @ unmixing(fit.vectors)[:, :2], 99, axis=0)
    return replace(fit, amounts=tuple(most))


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
    tissue = _sample(rows, np.any(rows < _brightest(beta), axis=1))
    light = (tissue.astype(np.float64) + 1) / 256
    lab = np.log(light @ RGB_TO_LMS.T) @ LMS_TO_LAB.T
    return ReinhardFit(len(tissue), mean=tuple(lab.mean(axis=0)), deviation=tuple(lab.std(axis=0)))


def _extremes(density: NDArray[np.float64], alpha: float) -> list[Triple]:
    """Return the directions of haematoxylin and eosin, of length 1, from densities (n, 3)."""
    plane = np.linalg.eigh(density.T @ density)[1][:, :0:-1]  # (3, 2): the two largest, the largest first
    plane[:, 0] *= np.sign(plane[:, 0].sum())  # it points into the densities, so no angle is near 180 degrees
    along, across = plane.T @ density.T
    angles = np.percentile(np.arctan2(across, along), [alpha, 100 - alpha])
    red, green, blue = plane @ np.stack([np.cos(angles), np.sin(angles)])
    return sorted(zip(red.tolist(), green.tolist(), blue.tolist(), strict=True), reverse=True)  # more red is first


def _brightest(beta: float) -> float:
    """Return the value that has the natural optical density `beta`."""
    return float(256 * np.exp(-beta) - 1)


def _sample(rows: NDArray[np.uint8], tissue: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the pixels of tissue, (n, 3), evenly thinned when there are very many."""
    found = rows[tissue]
    if len(found) < _FEWEST_PIXELS:
        raise InvalidInput(
            f"{len(found)} pixels of tissue among {len(rows)}",
            f"At least {_FEWEST_PIXELS} that are darker than the background",
            "Take a larger thumbnail, or more tiles of the slide together",
        )
    return found[:: -(-len(found) // _MOST_PIXELS)]
