"""Where the tissue is: a mask from a thumbnail, by the stain that it took up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.tissue.glass import evidence, glass_of, unscanned
from cancernet.slides.tissue.ink import strokes_of
from cancernet.slides.tissue.picture import (
    ALL_AROUND,
    around,
    at_mpp,
    blurred,
    checked_mpp,
    checked_thumbnail,
    chosen,
    counted,
    drop_small,
    fill_small,
    near_mean,
    resized,
)

__all__ = ["TissueOptions", "tissue_mask"]

_LEAST_STAIN = 0.04  # natural density; palest tissue of our slides 0.08 to 0.10, tinted glass at most 0.03
_WEAK = 0.6  # of the threshold: enough next to what passes it
_GRAIN = 3.0  # standard deviations of the glass from pixel to pixel; JPEG leaves less of noise there than in blocks
_CERTAIN = 2.0  # times the threshold: tissue even where it has no texture
_TEXTURE = 7  # grey levels from the palest to the darkest of 3 x 3 pixels
_OF_PEAK = 0.4  # of the strongest pixel near by: puts the edge on the edge, not one pixel outside of it
_AROUND_INK_UM = 500  # below ink, tissue is inferred from what lies around


@dataclass(frozen=True)
class TissueOptions:
    """What counts as tissue.

    Parameters
    ----------
    mpp
        Microns per pixel that the mask is made at. At 8 a nucleus is one pixel and a needle biopsy a hundred wide:
        pieces keep their shape, noise of single pixels averages out, and a slide of 20 x 25 mm takes about a second.
    min_area_um2
        Smaller pieces are dropped. 2,000 is a clump of about 50 microns, some ten cells; dust is smaller or colourless.
    max_hole_um2
        Holes up to this are filled. 10,000 is 113 microns across: fat cells and most lumens are filled, tears and
        vessels stay open.
    """

    mpp: float = 8.0
    min_area_um2: float = 2_000.0
    max_hole_um2: float = 10_000.0


def tissue_mask(
    thumbnail: NDArray[np.uint8], mpp: Sequence[float], *, options: TissueOptions = TissueOptions()
) -> NDArray[np.bool_]:
    """Return where the tissue is.

    Tissue is what takes green light more than red or blue: so do haematoxylin, eosin, DAB and most histological stains,
    while glass, dust, shadows and the outlines of bubbles take all colours alike. The threshold is a density relative
    to the slide's own glass and above its grain, not a valley of a histogram: bare glass gives an empty mask, and a
    picture full of tissue a full one. Below the ink of a pen, tissue is inferred from what lies around it. Tissue in a
    green counterstain, and fluorescence, are not found; of fat, only what has stained membranes close together.

    Parameters
    ----------
    thumbnail
        Shape (h, w, 3), uint8 RGB.
    mpp
        Width and height of its pixels in microns.
    options
        Resolution, smallest piece, largest hole.

    Returns
    -------
    Shape (h, w), bool.

    Raises
    ------
    InvalidInput
        When the thumbnail is no RGB image.
    MissingResolution
        When the microns per pixel are not above 0.
    """
    thumbnail = checked_thumbnail(thumbnail)
    image, grid = at_mpp(thumbnail, checked_mpp(mpp), target=options.mpp)
    most_hole, least = options.max_hole_um2 / (grid[0] * grid[1]), options.min_area_um2 / (grid[0] * grid[1])
    glass = glass_of(image)
    densities = glass.densities(blurred(image))
    inks, stain = list(strokes_of(densities, grid).values()), evidence(densities)
    del densities  # of a large slide each is 33 MB
    void, threshold = unscanned(image), max(_LEAST_STAIN, _GRAIN * glass.grain)
    found = fill_small(_linked(stain, _textured(image), threshold) & ~void, most_hole)
    found = _below_ink(_trimmed(found, stain), inks, grid) & ~void
    return resized(drop_small(fill_small(found, most_hole), least), thumbnail.shape)


def _textured(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where green changes within 3 x 3 pixels more than the glow of washed-out eosin does on glass."""
    green = np.ascontiguousarray(image[..., 1])
    textured: NDArray[np.bool_] = around(green, np.maximum) - around(green, np.minimum) >= _TEXTURE
    return textured


def _linked(stain: NDArray[np.float32], texture: NDArray[np.bool_], threshold: float) -> NDArray[np.bool_]:
    """Return what passes the threshold, and what nearly does and touches it; the palest only where it has texture."""
    from scipy import ndimage

    weak = (stain > _WEAK * threshold) & (texture | (stain > _CERTAIN * threshold))
    labels, count = ndimage.label(weak, ALL_AROUND)
    return chosen(labels, counted(labels, count, weak & (stain > threshold)) > 0)


def _trimmed(found: NDArray[np.bool_], stain: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the tissue without pixels at its edge that hold less than two fifths of the stain behind them."""
    least = around(around(stain, np.maximum), np.maximum)
    least *= _OF_PEAK
    rim = around(around(~found, np.logical_or), np.logical_or)
    return found & (~rim | (stain > least))


def _below_ink(
    found: NDArray[np.bool_], inks: Sequence[NDArray[np.bool_]], mpp: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return the tissue with what lies around a pen's ink in the place of what is seen in it."""
    if not inks:
        return found
    ink = np.logical_or.reduce(inks)
    below = near_mean(found, ~ink, side_um=_AROUND_INK_UM, mpp=mpp) > 0.5
    return np.where(ink, below, found)
