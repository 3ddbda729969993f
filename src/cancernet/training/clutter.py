"""Made tissue around and inside nuclei, for images that show less than those to come: clutter, and pale nuclei."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.stain import from_optical_density, optical_density

__all__ = ["cluttered", "paled"]

_FINEST, _COARSEST = 1.5, 12.0  # pixels: standard deviation of the noise that shapes are cut from
_SHARP = 0.8  # pixels: how soft their edges are
_GRAIN = 0.15  # natural optical density: one standard deviation of the grain at its strongest

Pixels = NDArray[np.uint8]


def cluttered(image: Pixels, rng: np.random.Generator, *, densest: float) -> Pixels:
    """Return an image with made structures that are no nuclei: patches of even density with edges, and fine grain.

    A network that was shown nuclei on an even ground calls all that is dark a nucleus. With clutter it has to look at
    shape, edge and chromatin.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8.
    rng
        Where randomness comes from.
    densest
        Largest natural optical density that is added.

    References
    ----------
    Learning from images whose content is made at random: Tobin et al. 2017, arXiv:1703.06907.
    """
    from scipy import ndimage

    shape = image.shape[:2]
    coarse = _noise(shape, rng, float(np.exp(rng.uniform(np.log(_FINEST * 2), np.log(_COARSEST)))))
    patches = ndimage.gaussian_filter((coarse > rng.normal(0, 0.7)).astype(np.float32), _SHARP) * rng.uniform(
        0, densest
    )
    grain = _noise(shape, rng, rng.uniform(0.6, _FINEST)) * rng.uniform(0, _GRAIN)
    light = rng.uniform(0.6, 1.4, 3)  # the colour of what is added
    added = np.maximum(patches + grain, -0.2)[..., None] * light
    return from_optical_density(np.maximum(optical_density(image) + added, 0))


def paled(image: Pixels, depth: NDArray[np.floating], rng: np.random.Generator, *, palest: float) -> Pixels:
    """Return an image whose nuclei are pale in the middle, with clumps of chromatin: as they are where it is loose.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8.
    depth
        Shape (h, w): distance to the edge of the nucleus, 0 outside, to 1 in its middle.
    rng
        Where randomness comes from.
    palest
        Largest share of the density that a middle loses.
    """
    clumps = np.clip(0.5 + 0.5 * _noise(image.shape[:2], rng, rng.uniform(0.8, _FINEST)), 0, 1)
    inside = np.clip(depth / rng.uniform(0.2, 0.5), 0, 1)  # the rim stays dark
    lost = inside * clumps * rng.uniform(0, palest)
    return from_optical_density(optical_density(image) * (1 - lost)[..., None])


def _noise(shape: tuple[int, ...], rng: np.random.Generator, sigma: float) -> NDArray[np.float32]:
    """Return smooth noise of mean 0 and standard deviation 1, (h, w)."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap", truncate=3)
    noise: NDArray[np.float32] = (smooth - smooth.mean()) / max(float(smooth.std()), 1e-6)
    return noise
