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
    "drop_small",
    "fill_small",
    "grown",
    "mm2",
    "near_mean",
    "opened",
    "resized",
]

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
    """Return the mean over 3 x 3 pixels of an image, (h, w, 3) uint8."""
    from PIL import Image, ImageFilter

    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).filter(ImageFilter.BoxBlur(1)))


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

    labels, _ = ndimage.label(mask, ALL_AROUND)
    own = labels[mask]
    kept = np.zeros_like(mask)
    kept[mask] = (np.bincount(own) >= least)[own]
    return kept


def fill_small(mask: NDArray[np.bool_], most: float) -> NDArray[np.bool_]:
    """Return the mask without holes of up to so many pixels; what is open to the edge of the picture is no hole."""
    from scipy import ndimage

    free = ~mask
    labels, _ = ndimage.label(free)
    own = labels[free]
    small = np.bincount(own, minlength=1) <= most
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        small[edge] = False
    filled = mask.copy()
    filled[free] = small[own]
    return filled


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
    values: NDArray[Any], within: NDArray[np.bool_], *, side_um: float, mpp: tuple[float, float]
) -> NDArray[np.float32]:
    """Return the mean of the values within a mask, in a square around each pixel; 0 where none of it is near."""
    from scipy import ndimage

    size = [max(1, round(side_um / side)) for side in (mpp[1], mpp[0])]
    mean: NDArray[np.float32] = np.where(within, values, 0).astype(np.float32, copy=False)
    share = within.astype(np.float32)
    for array in (mean, share):  # in place: a picture of a whole slide has ten million pixels
        ndimage.uniform_filter(array, size, output=array, mode="nearest")
    mean /= np.maximum(share, 1e-9)
    mean[share <= 0.5 / np.prod(size)] = 0
    return mean


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
