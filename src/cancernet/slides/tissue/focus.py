"""Where a slide is out of focus, judged on finer tiles than a thumbnail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.geometry import Box, summed_area
from cancernet.slides.slide import Slide
from cancernet.slides.tissue.picture import checked_thumbnail

__all__ = ["Detail", "Focus", "detail_of", "focus_of", "sharpness"]

_FINE_UM = 1.0  # standard deviation of the finest smoothing: finer detail is noise and JPEG on many scanners
_LEAST_DETAIL = 2.0  # squared grey levels between smoothing by 4 and by 8 microns: else there is nothing to be sharp
_SHARP = 0.36  # measured: sharp tissue 0.52 and more, smoothed by 2 microns 0.30, by 3 and more below 0.25
_LEAST_TISSUE = 0.5  # share of a tile


@dataclass(frozen=True)
class Detail:
    """Square tiles at a resolution that shows focus.

    Parameters
    ----------
    read
        Takes the place of the upper left corner, x and y in microns from the corner of the thumbnail, and returns the
        tile: (side, side, 3), uint8 RGB.
    side_um
        How many microns a tile spans.
    most
        How many tiles are read at most, evenly spread over the tissue.
    """

    read: Callable[[float, float], NDArray[np.uint8]]
    side_um: float = 256.0
    most: int = 200


@dataclass(frozen=True)
class Focus:
    """What was found out about focus.

    Parameters
    ----------
    blurred
        Shape (h, w), bool: where the nearest tile that was judged is blurred.
    judged, unclear, tiles
        How many tiles were judged, how many held too little structure to say, and how many the tissue has in all.
    """

    blurred: NDArray[np.bool_]
    judged: int
    unclear: int
    tiles: int


def detail_of(slide: Slide, *, mpp: float = 1.0, px_side: int = 256, most: int = 200) -> Detail:
    """Return the tiles of a slide by which its focus is judged.

    Parameters
    ----------
    slide
        An open slide whose pitch is known.
    mpp
        Microns per pixel of the tiles; at most 1 shows a blur of 2 microns.
    px_side
        Width and height of a tile.
    most
        How many tiles are read at most.

    Raises
    ------
    InvalidInput
        When the pitch of the slide is not known.
    """
    pitch = slide.pitch
    if pitch is None:
        raise InvalidInput(f"'{slide.path}' has no microns per pixel", "Focus is judged in microns", "State --mpp")
    side_um = mpp * px_side
    width, height = side_um / pitch.um_x, side_um / pitch.um_y

    def read(x_um: float, y_um: float) -> NDArray[np.uint8]:
        return slide.read(Box(x_um / pitch.um_x, y_um / pitch.um_y, width, height), px_size=(px_side, px_side))

    return Detail(read, side_um, most)


def focus_of(tissue: NDArray[np.bool_], detail: Detail, *, mpp: tuple[float, float]) -> Focus:
    """Return where the tissue is out of focus.

    Parameters
    ----------
    tissue
        Shape (h, w), bool.
    detail
        Tiles to judge it by.
    mpp
        Width and height of a pixel of the mask in microns.
    """
    cells = _cells(tissue, detail.side_um, mpp)
    places = np.argwhere(cells)
    chosen = places[np.linspace(0, len(places) - 1, min(detail.most, len(places))).round().astype(int)]
    ratios = np.full(cells.shape, np.nan)
    for row, column in chosen:
        tile = detail.read(float(column * detail.side_um), float(row * detail.side_um))
        ratios[row, column] = sharpness(tile, mpp=detail.side_um / tile.shape[0])
    judged = int(np.isfinite(ratios).sum())
    blurred = _spread_over(ratios < _SHARP, np.isfinite(ratios), tissue.shape, detail.side_um, mpp)
    return Focus(blurred & tissue, judged, len(chosen) - judged, len(places))


def sharpness(tile: NDArray[np.uint8], *, mpp: float) -> float:
    """Return how much finer detail a tile holds, for its coarser detail; NaN when it holds too little of either.

    The variance of green between smoothing by 1 and by 2 microns, over that between 2 and 4 microns. What the tissue is
    cancels out for the most part: sharp tissue of six sets of patches has 0.5 to 1.5, smoothed by 2 microns 0.2 to 0.4,
    by 4 microns 0.1 to 0.17. Blur below 2 microns is not told from tissue without fine detail.

    Parameters
    ----------
    tile
        Shape (h, w, 3), uint8 RGB.
    mpp
        Microns per pixel, at most 1.

    Raises
    ------
    InvalidInput
        When the tile is no RGB image, or its pixels are too large to show focus.
    """
    from scipy import ndimage

    if not 0 < mpp <= _FINE_UM * 1.1:
        raise InvalidInput(f"Tiles of {mpp:.3g} microns per pixel", "At most 1: coarser ones do not show focus")
    green = checked_thumbnail(tile)[..., 1].astype(np.float32)
    once, twice, four, eight = (
        ndimage.gaussian_filter(green, times * _FINE_UM / mpp, truncate=3) for times in (1, 2, 4, 8)
    )
    fine, middle, coarse = (float(band.var()) for band in (once - twice, twice - four, four - eight))
    return fine / middle if coarse >= _LEAST_DETAIL and middle > 0 else float("nan")


def _cells(tissue: NDArray[np.bool_], side_um: float, mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which squares of that side, from the upper left corner, are tissue by half; all lie inside the picture."""
    rows, columns = (max(1, int(n * um / side_um)) for n, um in zip(tissue.shape, (mpp[1], mpp[0]), strict=True))
    table = summed_area(tissue)
    y = np.minimum((np.arange(rows + 1) * side_um / mpp[1]).round().astype(int), tissue.shape[0])
    x = np.minimum((np.arange(columns + 1) * side_um / mpp[0]).round().astype(int), tissue.shape[1])
    held = np.diff(np.diff(table[np.ix_(y, x)], axis=0), axis=1)
    return held >= _LEAST_TISSUE * np.maximum(np.outer(np.diff(y), np.diff(x)), 1)


def _spread_over(
    blurred: NDArray[np.bool_],
    judged: NDArray[np.bool_],
    shape: tuple[int, ...],
    side_um: float,
    mpp: tuple[float, float],
) -> NDArray[np.bool_]:
    """Return what the nearest judged tile says, for each pixel of a mask."""
    from scipy import ndimage

    if not judged.any():
        return np.zeros(shape, bool)
    row, column = ndimage.distance_transform_edt(~judged, return_distances=False, return_indices=True)
    y, x = (
        np.minimum(((np.arange(n) + 0.5) * um / side_um).astype(int), cells - 1)
        for n, um, cells in zip(shape, (mpp[1], mpp[0]), judged.shape, strict=True)
    )
    spread: NDArray[np.bool_] = blurred[row, column][np.ix_(y, x)]
    return spread
