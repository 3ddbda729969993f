"""Where a slide shows the class: connected pieces of tissue above the threshold, measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.geometry import Box
from cancernet.scan.heat import HeatMap

__all__ = ["Focus", "Tissue", "find_foci", "values_on"]

_NEIGHBOURS = np.ones((3, 3), dtype=np.int64)  # pieces that touch at a corner are one


@dataclass(frozen=True, eq=False)
class Tissue:
    """Which pixels of a thumbnail are tissue.

    Parameters
    ----------
    mask
        Shape (h, w), bool.
    box
        What the thumbnail shows, in base-level pixels.
    um2_per_px
        Square microns of one of its pixels.
    """

    mask: NDArray[np.bool_]
    box: Box
    um2_per_px: float

    @property
    def mm2(self) -> float:
        """Area of the tissue."""
        return float(self.mask.sum()) * self.um2_per_px / 1e6

    @property
    def l0_per_px(self) -> tuple[float, float]:
        """Base-level pixels to one of its pixels, across and down."""
        height, width = self.mask.shape
        return self.box.l0_width / width, self.box.l0_height / height


@dataclass(frozen=True, eq=False)
class Focus:
    """One connected piece.

    Parameters
    ----------
    mm2
        Its area, of tissue only.
    mean, maximum
        Of the map's values in it.
    px_x, px_y
        Upper left corner of its frame in the thumbnail.
    mask
        Shape (h, w), bool: its pixels within the frame.
    px_peak
        Where its value is highest, x and y in pixels of the thumbnail: the middle of those pixels.
    """

    mm2: float
    mean: float
    maximum: float
    px_x: int
    px_y: int
    mask: NDArray[np.bool_]
    px_peak: tuple[float, float]


def values_on(
    heat: HeatMap, tissue: Tissue, *, rows: NDArray[np.intp] | None = None, columns: NDArray[np.intp] | None = None
) -> NDArray[np.float32]:
    """Return the value of the cell that holds the middle of each pixel of the thumbnail, NaN where there is none.

    Of all rows and columns, or of those that are named.
    """
    height, width = tissue.mask.shape
    rows, columns = np.arange(height) if rows is None else rows, np.arange(width) if columns is None else columns
    rows = _cells(rows, (tissue.box.l0_y, tissue.l0_per_px[1]), (heat.box.l0_y, heat.l0_cell[1]))
    columns = _cells(columns, (tissue.box.l0_x, tissue.l0_per_px[0]), (heat.box.l0_x, heat.l0_cell[0]))
    padded = np.pad(heat.values.astype(np.float32), 1, constant_values=np.nan)
    height, width = heat.values.shape
    found: NDArray[np.float32] = padded[np.ix_(np.clip(rows, -1, height) + 1, np.clip(columns, -1, width) + 1)]
    return found


def find_foci(heat: HeatMap, tissue: Tissue, *, threshold: float, min_um2: float = 0.0) -> tuple[Focus, ...]:
    """Return the connected pieces of tissue whose value reaches the threshold, the largest first.

    Parameters
    ----------
    heat
        The map.
    tissue
        Only here can a focus be, so that its area is one of tissue.
    threshold
        Values from it on count.
    min_um2
        Smaller pieces are left out.
    """
    from scipy import ndimage

    values = values_on(heat, tissue)
    with np.errstate(invalid="ignore"):
        labels, count = ndimage.label(tissue.mask & (values >= threshold), structure=_NEIGHBOURS)
    if not count:
        return ()
    frames = ndimage.find_objects(labels)
    found = (_focus(number, frame, labels, values, tissue.um2_per_px) for number, frame in enumerate(frames, start=1))
    large = [focus for focus in found if focus.mm2 * 1e6 >= min_um2]
    return tuple(sorted(large, key=lambda focus: (-focus.mm2, focus.px_y, focus.px_x)))


def _cells(pixels: NDArray[np.intp], plane: tuple[float, float], cells: tuple[float, float]) -> NDArray[np.int64]:
    """Return which cell holds the middle of each of the pixels of a side; both planes are given as origin and step."""
    (start, step), (first, size) = plane, cells
    middles = start + (pixels + 0.5) * step
    cell: NDArray[np.int64] = np.floor((middles - first) / size).astype(np.int64)
    return cell


def _focus(
    number: int,
    frame: tuple[slice, slice],
    labels: NDArray[np.int32],
    values: NDArray[np.float32],
    um2_per_px: float,
) -> Focus:
    """Measure one piece."""
    mask = labels[frame] == number
    inside = values[frame][mask]
    highest = inside.max()
    top, left = frame[0].start, frame[1].start
    row, column = _middle(mask & (values[frame] == highest))
    return Focus(
        float(mask.sum()) * um2_per_px / 1e6,
        float(inside.mean(dtype=np.float64)),
        float(highest),
        left,
        top,
        mask,
        (left + column + 0.5, top + row + 0.5),
    )


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return row and column of the pixel of a mask that is nearest to the mean of all: it lies in tissue.

    It is looked for in squares around the mean, for a mask may hold ten million pixels.
    """
    row, column = (_mean_place(mask.sum(axis=axis)) for axis in (1, 0))
    reach = 1
    while True:
        rows, columns = (slice(max(0, round(middle) - reach), round(middle) + reach + 1) for middle in (row, column))
        found = np.argwhere(mask[rows, columns]) + np.array([rows.start, columns.start])
        distance = np.hypot(*(found - (row, column)).T) if len(found) else np.array([np.inf])
        nearest = int(distance.argmin())
        if distance[nearest] <= reach:
            return int(found[nearest][0]), int(found[nearest][1])
        reach = 2 * reach if np.isinf(distance[nearest]) else int(np.ceil(distance[nearest]))


def _mean_place(counts: NDArray[np.int64]) -> float:
    """Return the mean place along a side, from the number of pixels at each."""
    return float(counts @ np.arange(len(counts)) / counts.sum())
