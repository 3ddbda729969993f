"""Folds: bands of tissue that lie double."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.tissue.picture import ALL_AROUND, chosen, counted, fill_small, grown, near_mean, opened

__all__ = ["folds_of"]

_DARKER = 1.6  # times the density of the tissue around: two layers are 2, but edges of a fold and its surroundings mix
_AROUND_UM = 1_000  # wide enough that a fold does not fill it
_LEAST_WIDTH_UM, _LEAST_LENGTH_UM = 24, 250
_LONG = 5.0  # length of a band in widths; a disc has 2.5 by the measure used here
_STAINED = 0.25  # evidence of stain for density; margins inked black, and dirt, have next to none
_LEAST_DENSITY = 0.3  # natural density, mean of the colours: below it nothing is doubled


def folds_of(
    density: NDArray[np.float32], tissue: NDArray[np.bool_], *, stain: NDArray[np.float32], mpp: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return bands that are much darker than the tissue around them.

    Tissue that lies double takes twice the density, in the same colours. So do layers of keratin and rows of dense
    epithelium beside pale stroma: at the resolution of a thumbnail nothing tells them apart.

    Parameters
    ----------
    density
        Mean of red, green and blue density relative to the glass, (h, w) float32, smoothed.
    tissue
        Shape (h, w), bool; without ink, which is dark too.
    stain
        The `evidence` of the same densities.
    mpp
        Width and height of a pixel in microns.

    Returns
    -------
    Shape (h, w), bool: bands at least 24 microns wide, 250 long, and five times as long as wide.

    References
    ----------
    Kothari, Phan and Wang 2013, J Pathol Inform 4:22: folds by saturation and intensity, with thresholds that each
    slide sets for itself.
    """
    dark = tissue & (stain > _STAINED * density)
    least = near_mean(density, tissue, side_um=_AROUND_UM, mpp=mpp)
    least *= _DARKER
    dark &= density > np.maximum(least, _LEAST_DENSITY, out=least)
    cores = opened(dark, _LEAST_WIDTH_UM, mpp)
    return _bands(fill_small(dark & grown(cores, _LEAST_WIDTH_UM, mpp), 16), mpp)


def _bands(dark: NDArray[np.bool_], mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the pieces that are long, by the diagonal of their box, and narrow, by their area over that length."""
    from scipy import ndimage

    labels, count = ndimage.label(dark, ALL_AROUND)
    areas = counted(labels, count) * mpp[0] * mpp[1]
    boxes = ndimage.find_objects(labels)
    lengths = np.array([0.0] + [np.hypot(_side(box[0]) * mpp[1], _side(box[1]) * mpp[0]) for box in boxes])
    kept = (lengths >= _LEAST_LENGTH_UM) & (areas * _LONG <= lengths**2)
    return chosen(labels, kept)


def _side(extent: slice) -> int:
    """Return how many pixels a slice of a box spans."""
    return int(extent.stop - extent.start)
