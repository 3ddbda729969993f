"""A thumbnail and the grid of square pixels that masks are made on; small pieces and small holes of a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput, MissingResolution

__all__ = [
    "ALL_AROUND",
    "Densities",
    "around",
    "at_mpp",
    "blurred",
    "checked_mask",
    "checked_mpp",
    "checked_thumbnail",
    "chosen",
    "counted",
    "drop_small",
    "fill_small",
    "grown",
    "mm2",
    "near_mean",
    "opened",
    "resized",
]

_ROWS = 128  # at a time

ALL_AROUND = np.ones((3, 3), bool)
Densities = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]  # red, green, blue; (h, w) each


def checked_thumbnail(thumbnail: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a thumbnail when it is one: shape (h, w, 3), uint8, at least one pixel.

    Raises
    ------
    InvalidInput
        When it is not.
    """
    image = np.asarray(thumbnail)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
        found = f"A thumbnail of shape {image.shape} and type {image.dtype}"
        raise InvalidInput(found, "(h, w, 3), uint8, red, green, blue", "Convert it to RGB")
    return image


def checked_mpp(mpp: Sequence[float]) -> tuple[float, float]:
    """Return width and height of a pixel in microns when they are numbers above zero.

    Raises
    ------
    MissingResolution
        When they are not.
    """
    sides = tuple(float(side) for side in mpp)
    if len(sides) != 2 or not all(np.isfinite(side) and side > 0 for side in sides):
        raise MissingResolution(
            f"Microns per pixel of {tuple(mpp)}", "Two numbers above 0: width, height", "State --mpp"
        )
    return sides[0], sides[1]


def checked_mask(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a mask when it is boolean and has the height and width of its thumbnail.

    Raises
    ------
    InvalidInput
        When it is not.
    """
    mask = np.asarray(mask)
    if mask.dtype != np.bool_ or mask.shape != shape[:2]:
        found = f"A mask of shape {mask.shape} and type {mask.dtype}"
        raise InvalidInput(found, f"Shape {shape[:2]}, bool, as its thumbnail", "Make it by tissue_mask or rasterise")
    return mask


def mm2(mask: NDArray[np.bool_], mpp: tuple[float, float]) -> float:
    """Return the area of a mask in mm2."""
    return float(np.count_nonzero(mask)) * mpp[0] * mpp[1] * 1e-6


def at_mpp(
    thumbnail: NDArray[np.uint8], mpp: tuple[float, float], *, target: float
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Return the thumbnail with square pixels of `target` microns, by averaging, and what they became exactly.

    What is coarser than the target along one side stays as it is there: detail cannot be made.
    """
    from PIL import Image

    height, width = thumbnail.shape[:2]
    new_width = max(1, round(width * min(1.0, mpp[0] / target)))
    new_height = max(1, round(height * min(1.0, mpp[1] / target)))
    if (new_width, new_height) == (width, height):
        return thumbnail, mpp
    image = Image.fromarray(thumbnail).resize((new_width, new_height), Image.Resampling.BOX, reducing_gap=2)
    return np.asarray(image), (mpp[0] * width / new_width, mpp[1] * height / new_height)


def blurred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean over 3 x 3 pixels of an image, (h, w, 3) uint8; some rows at a time, for Pillow makes copies."""
    from PIL import Image, ImageFilter

    found = np.empty_like(image)
    for start in range(0, len(image), _ROWS):
        first = max(start - 1, 0)
        part = np.ascontiguousarray(image[first : start + _ROWS + 1])
        smoothed = np.asarray(Image.fromarray(part).filter(ImageFilter.BoxBlur(1)))
        found[start : start + _ROWS] = smoothed[start - first : start - first + _ROWS]
    return found


def resized(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a mask on a grid of another shape over the same area; each pixel takes what lies at its centre."""
    if mask.shape == shape[:2]:
        return mask
    rows, columns = (_centres(new, old) for new, old in zip(shape[:2], mask.shape, strict=True))
    return mask.take(columns, axis=1).take(rows, axis=0)


def _centres(new: int, old: int) -> NDArray[np.intp]:
    """Return which of the old pixels along one side holds the centre of each new one."""
    return ((np.arange(new) + 0.5) * (old / new)).astype(np.intp)


def drop_small(mask: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """Return the pieces that hold at least so many pixels; pixels that touch at a corner belong together."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, ALL_AROUND)
    return chosen(labels, counted(labels, count) >= least)


def fill_small(mask: NDArray[np.bool_], most: float) -> NDArray[np.bool_]:
    """Return the mask without holes of up to so many pixels; what is open to the edge of the picture is no hole."""
    from scipy import ndimage

    labels, count = ndimage.label(~mask)
    small = counted(labels, count) <= most
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        small[edge] = False
    return mask | chosen(labels, small)


def counted(labels: NDArray[np.int32], count: int, within: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Return how many pixels each piece has, those of a mask if one is given, (count + 1,); 0 is what lies outside.

    Some rows at a time, as in `chosen`: NumPy makes eight bytes of each index, 66 MB for a large slide.
    """
    counts = np.zeros(count + 1, dtype=np.int64)
    for start in range(0, len(labels), _ROWS):
        rows = slice(start, start + _ROWS)
        own = labels[rows].ravel() if within is None else labels[rows][within[rows]]
        counts += np.bincount(own, minlength=count + 1)
    return counts


def chosen(labels: NDArray[np.int32], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of the pieces that are wanted, (count + 1,); what lies outside of all is never among them."""
    table = wanted.copy()
    table[0] = False
    found = np.empty(labels.shape, dtype=bool)
    for start in range(0, len(labels), _ROWS):
        rows = slice(start, start + _ROWS)
        np.take(table, labels[rows], out=found[rows], mode="clip")
    return found


def grown(mask: NDArray[np.bool_], by_um: float, mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the mask and all within so many microns of it, along rows and columns."""
    by = [round(by_um / side) for side in (mpp[1], mpp[0])]
    return _spread(_spread(mask, by[0], by[0], axis=0), by[1], by[1], axis=1)


def opened(mask: NDArray[np.bool_], width_um: float, mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the parts of the mask that hold a square of about that width; beyond the picture it goes on."""
    sides = [max(1, round(width_um / side)) for side in (mpp[1], mpp[0])]
    held = np.pad(mask, [(side - 1, 0) for side in sides], constant_values=True)
    for axis, side in enumerate(sides):
        held = ~_spread(~held, side - 1, 0, axis=axis)  # where a square begins that lies in the mask
    for axis, side in enumerate(sides):
        held = _spread(held, 0, side - 1, axis=axis)
    return held[sides[0] - 1 :, sides[1] - 1 :] & mask


def _spread(mask: NDArray[np.bool_], before: int, after: int, *, axis: int) -> NDArray[np.bool_]:
    """Return the mask spread along one axis by so many pixels to lower and to higher places, in doubling steps."""
    out = np.moveaxis(mask.copy(order="C"), axis, 0)
    for reach, towards in ((before, -1), (after, 1)):
        done = 0
        while done < reach:
            step = min(done + 1, reach - done)
            source, target = (slice(step, None), slice(None, -step))[:: towards * -1]
            out[target] |= out[source].copy(order="K")
            done += step
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))


def near_mean(
    values: NDArray[Any], within: NDArray[np.bool_] | None, *, side_um: float, mpp: tuple[float, float]
) -> NDArray[np.float32]:
    """Return the mean of the values within a mask (everywhere when None), in a square around each pixel.

    It is 0 where none of the mask is near.
    """
    size = [max(1, round(side_um / side)) for side in (mpp[1], mpp[0])]
    mean = np.array(values, dtype=np.float32)  # a copy: a picture of a whole slide has ten million pixels
    if within is None:
        return _averaged(mean, size)
    mean[~within] = 0
    mean, share = _averaged(mean, size), _averaged(within.astype(np.float32), size)
    far = share <= 0.5 / np.prod(size)
    mean /= np.maximum(share, 1e-9, out=share)
    mean[far] = 0
    return mean


def _averaged(values: NDArray[np.float32], size: list[int]) -> NDArray[np.float32]:
    """Return the mean over a rectangle around each pixel, in the place of the values."""
    from scipy import ndimage

    ndimage.uniform_filter(values, size, output=values, mode="nearest")
    return values


def around(values: NDArray[Any], join: np.ufunc) -> NDArray[Any]:
    """Return each pixel joined with its eight neighbours, by np.maximum, np.minimum or np.add.

    At the edge the pixels there are taken twice. Ten times as fast as a general filter, which matters on slides.
    """
    for axis in (0, 1):
        padded = np.concatenate([_line(values, 0, axis), values, _line(values, -1, axis)], axis=axis)
        before, here, after = (_part(padded, start, values.shape[axis], axis) for start in (0, 1, 2))
        values = join(join(before, here), after)
    return values


def _line(values: NDArray[Any], index: int, axis: int) -> NDArray[Any]:
    """Return one row or column, kept two-dimensional."""
    return values.take([index], axis=axis)


def _part(values: NDArray[Any], start: int, length: int, axis: int) -> NDArray[Any]:
    """Return a view of so many rows or columns."""
    return values[start : start + length] if axis == 0 else values[:, start : start + length]
