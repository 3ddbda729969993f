"""From maps to nuclei: seeds from the distance to the edge, a watershed from them; which nuclei belong to a tile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Outlining
from cancernet.errors import InvalidInput

__all__ = ["enlarge", "outline", "owned"]

_LARGEST_HOLE_UM2 = 12.0  # square microns: a nucleolus or a pale middle
_LEAST_SEED = 3  # pixels: fewer are noise
_LEVELS = (1.0, 0.8, 0.6, 0.4)  # of the seed's share, where there is no seed yet
_REACH = 2  # pixels of the maps that outlines are followed beyond, when they are drawn on a finer image

Labels = NDArray[np.int32]
Floats = NDArray[np.float32]


def outline(nucleus: Floats, distance: Floats, *, options: Outlining, mpp: float) -> Labels:
    """Return the nuclei of two maps, numbered.

    Parameters
    ----------
    nucleus
        Shape (h, w), probability that a pixel belongs to a nucleus.
    distance
        Shape (h, w), distance to the edge as a share of the largest in that nucleus, 0 to 1.
    options
        Thresholds, and what is too small.
    mpp
        Microns per pixel of the maps.

    Returns
    -------
    Shape (h, w), int32: 0 background, 1 to n nuclei, without holes.

    References
    ----------
    Seeds from a map of distances: Naylor et al. 2019, doi 10.1109/TMI.2018.2865709. Watershed from seeds: Meyer 1991,
    as in scikit-image.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    inside = _filled(nucleus >= options.threshold, largest=_LARGEST_HOLE_UM2 / mpp**2)
    hills = ndimage.gaussian_filter(distance, options.smooth_um / mpp)
    seeds = _seeds(hills, inside, highest=options.seed)
    flooded = watershed(-hills, seeds, mask=inside)  # type: ignore[no-untyped-call]
    return _numbered(flooded.astype(np.int32), least=options.least_um2 / mpp**2)


def enlarge(labels: Labels, nucleus: Floats, *, options: Outlining) -> Labels:
    """Return the nuclei on a finer image, their outer edge as fine as it.

    Parameters
    ----------
    labels
        Shape (h, w), from `outline`.
    nucleus
        Shape (H, W), the probabilities at the pixels of the finer image, interpolated.
    options
        Of the outlines.

    Returns
    -------
    Shape (H, W), int32; a number may be missing where a nucleus vanished.
    """
    from scipy import ndimage
    from skimage.segmentation import expand_labels

    wide = expand_labels(labels, _REACH)  # type: ignore[no-untyped-call]
    sure = ndimage.binary_erosion(labels > 0)
    rows, columns = (
        np.minimum(((np.arange(fine) + 0.5) * coarse / fine).astype(np.int64), coarse - 1)
        for fine, coarse in zip(nucleus.shape, labels.shape, strict=True)
    )
    there = (nucleus >= options.threshold) | sure[rows[:, None], columns]  # holes stay filled
    finer: Labels = np.where(there, wide[rows[:, None], columns], 0).astype(np.int32)
    return finer


def owned(labels: Labels, *, inner: tuple[int, int, int, int]) -> Labels:
    """Return only those nuclei whose centre lies in a part of a tile, numbered anew.

    When tiles overlap by more than a nucleus and their inner parts cover the whole without overlap, every nucleus is in
    one of them, whole.

    Parameters
    ----------
    labels
        Shape (h, w), of the tile.
    inner
        Row and column where the part begins, and where it ends (not included), pixels.
    """
    top, left, bottom, right = inner
    if not (0 <= top < bottom <= labels.shape[0] and 0 <= left < right <= labels.shape[1]):
        given = f"The inner part {inner} of a tile of {labels.shape[0]} x {labels.shape[1]} pixels"
        raise InvalidInput(given, "A part that is not empty and lies in the tile")
    rows, columns = _centres(labels)
    kept = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return _kept(labels, np.flatnonzero(kept) + 1)


def _filled(inside: NDArray[np.bool_], *, largest: float) -> NDArray[np.bool_]:
    """Return the mask without its small holes: a gland that nuclei line is no hole in a nucleus."""
    from scipy import ndimage

    holes, _ = ndimage.label(~inside)
    sizes = np.bincount(holes.ravel())
    for edge in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        sizes[edge] = 0  # what goes on beyond the image is no hole
    small = (sizes > 0) & (sizes <= largest) & (np.arange(len(sizes)) > 0)
    filled: NDArray[np.bool_] = inside | small[holes]
    return filled


def _seeds(hills: Floats, inside: NDArray[np.bool_], *, highest: float) -> Labels:
    """Return the connected parts of the middles of nuclei, numbered; specks are left out.

    From the highest level down, each part that holds no seed yet becomes one: nuclei that touch are told apart high up,
    and one that the network is less sure of has its seed lower down.
    """
    seeds = np.zeros(hills.shape, np.int32)
    for share in _LEVELS:
        seeds = _with_more(seeds, inside & (hills >= highest * share))
    return seeds


def _with_more(seeds: Labels, middles: NDArray[np.bool_]) -> Labels:
    """Return the seeds, and as new ones those parts of the middles that hold none."""
    from scipy import ndimage

    parts, _ = ndimage.label(middles)
    sizes = np.bincount(parts.ravel())
    free = sizes >= _LEAST_SEED
    free[0] = False
    free[parts[seeds > 0]] = False
    more = _kept(parts, np.flatnonzero(free))
    return np.where(more > 0, more + seeds.max(initial=0), seeds)


def _numbered(labels: Labels, *, least: float) -> Labels:
    """Return the labels that are large enough, without gaps in their numbers."""
    sizes = np.bincount(labels.ravel())
    return _kept(labels, np.flatnonzero(sizes[1:] >= max(least, 1)) + 1)


def _kept(labels: NDArray[Any], numbers: NDArray[np.int64]) -> Labels:
    """Return the labels of these numbers, as 1, 2, 3, ...; all others become background."""
    new = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int32)
    new[numbers] = np.arange(1, len(numbers) + 1)
    kept: Labels = new[labels]
    return kept


def _centres(labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return row and column of the centre of each number from 1; NaN where a number is missing."""
    flat = labels.ravel()
    rows, columns = np.divmod(np.arange(flat.size), labels.shape[1])
    sizes = np.bincount(flat)[1:]
    with np.errstate(invalid="ignore"):
        return tuple(np.bincount(flat, axis)[1:] / sizes for axis in (rows, columns))  # type: ignore[return-value]
