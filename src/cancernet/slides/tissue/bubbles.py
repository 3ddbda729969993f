"""Air bubbles below the cover slip: round areas inside a dark, colourless outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.tissue.picture import chosen, drop_small, grown, near_mean

__all__ = ["bubbles_of"]

_DARKER = 0.10  # natural density of the outline above what lies around, in the colour that it takes least
_COLOURLESS = 0.7  # of that density: more change of colour is a row of nuclei around a gland, or a vessel
_ABOVE_TEXTURE = 2.5  # times the mean of such lines around: tissue has dark lines of its own
_THICKEST_UM = 72
_AROUND_UM, _TEXTURE_UM = 160, 600  # wider than an outline; as wide as texture needs to show
_LEAST_OUTLINE_UM2 = 6_000.0  # what is left of the thinnest outline of the smallest bubble in one piece
_GAP_UM = 24  # openings of the outline up to twice this are closed
_LEAST_UM2 = 30_000.0  # 200 microns across; fat cells and glands are smaller
_ROUND, _LEAST_FILLED = 0.5, 0.90  # shorter by longer axis; area by that of the ellipse with the same spread


def bubbles_of(
    least: NDArray[np.float32], *, stain: NDArray[np.float32], mpp: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return areas inside closed round outlines that are dark without colour, with their outlines.

    Bubbles whose outline is open, leaves the picture, or is lost in the lines of the tissue below are not found, nor
    those below 200 microns. Painted rings are found on glass and on even tissue, and mostly missed on tissue full of
    lumens.

    Parameters
    ----------
    least
        The least of red, green and blue density relative to the glass, (h, w) float32.
    stain
        The `evidence` of the same densities.
    mpp
        Width and height of a pixel in microns.

    Returns
    -------
    Shape (h, w), bool.
    """
    outline = grown(_outlines(least, stain, mpp), _GAP_UM, mpp)
    inside = drop_small(_enclosed(~outline), _LEAST_UM2 / (mpp[0] * mpp[1]))
    bubbles = _round_ones(inside, mpp)
    return grown(bubbles, 2 * _GAP_UM, mpp) & (outline | bubbles) if bubbles.any() else bubbles


def _outlines(least: NDArray[np.float32], stain: NDArray[np.float32], mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return thin dark lines that take all colours alike: denser than what is left when thin things are taken away."""
    from scipy import ndimage

    window = [max(3, round(_THICKEST_UM / side)) for side in (mpp[1], mpp[0])]
    darker = least - ndimage.grey_opening(least, window)
    redder = near_mean(stain, None, side_um=_AROUND_UM, mpp=mpp)
    np.abs(np.subtract(stain, redder, out=redder), out=redder)
    lines = redder < _COLOURLESS * darker
    del redder
    usual = near_mean(darker, None, side_um=_TEXTURE_UM, mpp=mpp)
    usual *= _ABOVE_TEXTURE
    lines &= darker > np.maximum(usual, _DARKER, out=usual)
    return drop_small(lines, _LEAST_OUTLINE_UM2 / (mpp[0] * mpp[1]))


def _enclosed(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pieces of a mask that do not touch the edge of the picture."""
    from scipy import ndimage

    labels, count = ndimage.label(free)
    kept = np.ones(count + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        kept[edge] = False
    return chosen(labels, kept)


def _round_ones(pieces: NDArray[np.bool_], mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the pieces that fill an ellipse which is not too long, by their second moments."""
    from scipy import ndimage

    labels, count = ndimage.label(pieces)
    if not count:
        return pieces
    rows, columns = np.nonzero(labels)
    own = labels[rows, columns]
    y, x, area = rows * mpp[1], columns * mpp[0], np.maximum(np.bincount(own, minlength=count + 1), 1)
    dy, dx = y - (np.bincount(own, y) / area)[own], x - (np.bincount(own, x) / area)[own]
    yy, xx, xy = (np.bincount(own, product) / area for product in (dy * dy, dx * dx, dx * dy))
    middle, spread = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    longer, shorter = 2 * np.sqrt(middle + spread), 2 * np.sqrt(np.maximum(middle - spread, 0))
    ellipse = np.maximum(np.pi * longer * shorter, 1e-9)
    kept = (shorter >= _ROUND * longer) & (area * mpp[0] * mpp[1] >= _LEAST_FILLED * ellipse)
    return chosen(labels, kept)
