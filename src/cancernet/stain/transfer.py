"""Slides in the colours of another one, and the amounts of stain by a fit. Nothing does so unless it is asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.stain.density import separate, unmixing
from cancernet.stain.fits import StainFit
from cancernet.stain.macenko import MACENKO_TARGET, MacenkoFit, fit_macenko, glass_density
from cancernet.stain.reinhard import REINHARD_TARGET, fit_reinhard

__all__ = ["fit_stain", "normalise", "separate_with"]

_TARGETS: dict[str, StainFit] = {target.method: target for target in (MACENKO_TARGET, REINHARD_TARGET)}


def fit_stain(pixels: NDArray[np.uint8], *, method: str) -> StainFit:
    """Return the colours of a slide by a method that is named, "macenko" or "reinhard", with its usual settings.

    Parameters
    ----------
    pixels
        Shape (..., 3), uint8 RGB: a thumbnail, or pixels of tissue.

    Raises
    ------
    InvalidInput
        When the method is unknown, or there is too little tissue or only one stain.
    """
    if one_of(method, sorted(_TARGETS), "method of normalising stains") == MacenkoFit.method:
        return fit_macenko(pixels)
    return fit_reinhard(pixels)


def normalise(
    images: NDArray[np.uint8], fit: StainFit, *, target: StainFit | None = None, keep_rest: bool = False
) -> NDArray[np.uint8]:
    """Return images of a slide in the colours of another.

    Parameters
    ----------
    images
        Shape (..., 3), uint8 RGB: tiles of the slide.
    fit
        Of the slide, by `fit_macenko` or `fit_reinhard`: the same one for all its tiles.
    target
        The colours wanted: `MACENKO_TARGET` or `REINHARD_TARGET` when None, else a fit of any image by the same method,
        such as `fit_macenko(image)`.
    keep_rest
        Whether to keep what is neither haematoxylin nor eosin (blood, pigment, ink), by Macenko's method. The paper
        drops it, and pictures look more natural so: kept beside other stains, blood turns yellow. With it, a slide is
        its own normalised image, and the way back exists. Reinhard's method drops nothing.

    Returns
    -------
    The same shape, uint8. By Macenko's method white becomes the white of the target; by Reinhard's, glass takes a tint.

    Raises
    ------
    InvalidInput
        When the images are not uint8 RGB, or fit and target are of two methods.
    """
    goal = target or _TARGETS[fit.method]
    if goal.method != fit.method:
        raise InvalidInput(
            f"A target by '{goal.method}' for a slide fitted by '{fit.method}'",
            "Both by one method",
            f"Fit the target image by fit_{fit.method}",
        )
    return fit.onto(goal, keep_rest=keep_rest)(images)


def separate_with(images: NDArray[np.uint8], fit: StainFit) -> NDArray[np.float32]:
    """Return how much of each stain a pixel holds, by the stain vectors of its own slide.

    Parameters
    ----------
    images
        Shape (..., 3), uint8 RGB.
    fit
        Of the slide, by `fit_macenko`.

    Returns
    -------
    Shape (..., 3), float32: haematoxylin, eosin, and what is neither, in natural optical density along the fitted
    vectors. Divide the first two by `fit.amounts` for amounts that compare between slides.

    Raises
    ------
    InvalidInput
        When the images are not uint8 RGB, or the fit holds no stain vectors.
    """
    if not isinstance(fit, MacenkoFit):
        raise InvalidInput(f"A fit by '{fit.method}'", "Stain vectors, by fit_macenko", "Fit the slide by fit_macenko")
    glass = glass_density(fit.white) @ unmixing(fit.vectors)
    return separate(images, vectors=fit.vectors) - glass.astype(np.float32)
