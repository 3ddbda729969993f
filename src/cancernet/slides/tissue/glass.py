"""The bare glass of a slide: which colour it has, and densities relative to it.

A scanner shows glass as nearly white, grey or faintly tinted. Densities relative to the glass of the same slide are
zero where nothing is, so that one threshold serves all scanners, and no histogram must have two peaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.tissue.picture import Densities
from cancernet.stain import optical_density

__all__ = ["Glass", "evidence", "glass_of", "unscanned"]

_WHITE = (245.0, 245.0, 245.0)  # where no glass is seen: what scanners are commonly set to
_SMOOTH = 6  # grey levels to the next pixel: more than the noise of JPEG, less than any tissue at 8 um per pixel
_COLOURLESS, _TINT = 0.08, 0.30  # natural density: evidence of stain at most, difference of channels at most
_DARKEST = 60  # mean grey level; darker smooth areas are a border of the canvas or ink
_FILL, _VOID = 253, 12  # grey levels: a canvas filled with white or with black where nothing was scanned
_QUARTILE = 0.3186  # of the absolute value of normal noise; the lower half is free of the edges of tissue
_LEAST_SHARE = 0.002  # of the picture; less is chance
_ROWS = 64  # at a time
_SAMPLED = 250_000  # pixels that are enough for a colour
_AROUND_MODE, _NEAR = 5, 0.05  # grey levels; share of the level: what is glass but for its grain


@dataclass(frozen=True)
class Glass:
    """The colour of bare glass.

    Parameters
    ----------
    colour
        Red, green, blue.
    grain
        Standard deviation from pixel to pixel, natural density (robust).
    seen
        False when the picture shows no glass; then the colour is assumed and the grain 0.
    """

    colour: tuple[float, float, float]
    grain: float
    seen: bool

    def densities(self, image: NDArray[np.uint8]) -> Densities:
        """Return the natural optical density of red, green and blue relative to the glass, (h, w) float32 each."""
        blanks = -np.log((np.array(self.colour) + 1) / 256)
        table = optical_density(np.arange(256, dtype=np.uint8))
        red, green, blue = (
            _looked_up((table - blank).astype(np.float32), image[..., channel]) for channel, blank in enumerate(blanks)
        )
        return red, green, blue


def _looked_up(table: NDArray[np.float32], levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the entry of each pixel, (h, w), some rows at a time: NumPy makes eight bytes of each index."""
    found = np.empty(levels.shape, np.float32)
    for start in range(0, len(levels), _ROWS):
        rows = slice(start, start + _ROWS)
        np.take(table, levels[rows], out=found[rows], mode="clip")
    return found


def evidence(densities: Densities) -> NDArray[np.float32]:
    """Return how much more green light is missing than of red or blue, whichever is missed less: the mark of stains.

    Haematoxylin, eosin, DAB and most histological stains take green more than red or than blue. Dust, shadows, black
    ink and edges of glass take all alike (near 0); green ink takes green least (below 0).
    """
    red, green, blue = densities
    found: NDArray[np.float32] = np.minimum(red, blue)
    return np.subtract(green, found, out=found)


def unscanned(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the canvas is black or purely white: no glass was looked at there. Shape (h, w), bool."""
    red, green, blue = (np.ascontiguousarray(image[..., channel]) for channel in range(3))
    black = np.maximum(np.maximum(red, green), blue) <= _VOID
    void: NDArray[np.bool_] = black | ((red & green & blue) == 255)
    return void


def glass_of(image: NDArray[np.uint8]) -> Glass:
    """Return the colour of the glass: the most common one among smooth, nearly colourless and not dark pixels.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB, at about 8 microns per pixel.

    Returns
    -------
    The glass; assumed to be nearly white when hardly any such pixel exists, as in a picture full of tissue.
    """
    here, right, below = _sampled(image)
    levels = here.astype(np.int16)
    bare = here[((np.abs(levels - right) <= _SMOOTH) & (np.abs(levels - below) <= _SMOOTH)).all(axis=-1)]
    bare = bare[_plain(bare)]
    if len(bare) < max(_LEAST_SHARE * len(here), 1):
        return Glass(_WHITE, 0.0, seen=False)
    level = bare.mean(axis=-1)
    colour = np.median(bare[np.abs(level - _mode(bare, level)) <= _AROUND_MODE], axis=0)
    near = np.abs(levels[:, 1] - colour[1]) <= _NEAR * colour[1]
    step = float(np.percentile(np.abs(levels[near, 1] - right[near, 1]), 25)) / float(colour[1] + 1)
    return Glass((float(colour[0]), float(colour[1]), float(colour[2])), step / (_QUARTILE * 2**0.5), seen=True)


def _sampled(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    """Return a regular sample of the pixels, (n, 3), their right and their lower neighbours."""
    step = max(1, int((image.shape[0] * image.shape[1] / _SAMPLED) ** 0.5))
    parts = (image[:-1:step, :-1:step], image[:-1:step, 1::step], image[1::step, :-1:step])
    here, right, below = (part.reshape(-1, 3) for part in parts)
    return here, right, below


def _plain(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels have next to no colour and are not dark."""
    red, green, blue = optical_density(pixels.T)
    tint = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    plain: NDArray[np.bool_] = (evidence((red, green, blue)) <= _COLOURLESS) & (tint <= _TINT)
    plain &= pixels.mean(axis=-1) >= _DARKEST
    return plain


def _mode(pixels: NDArray[np.uint8], level: NDArray[np.float64]) -> float:
    """Return the most common grey level; that of a canvas filled with white only when there is nothing else."""
    scanned = level[pixels.min(axis=-1) < _FILL]
    levels = scanned if len(scanned) > 0.05 * len(level) else level
    counts = np.bincount(np.rint(levels).astype(np.intp), minlength=256)
    return float(np.argmax(np.convolve(counts, np.ones(5), mode="same")))
