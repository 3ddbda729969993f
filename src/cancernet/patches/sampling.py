"""Images on other grids: smaller, blurred, and on rings about the centre; each step is a product with a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GREY", "area_matrix", "blur_matrix", "reduced", "ring_matrix"]

GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # luminance of red, green and blue, ITU-R BT.601


def reduced(images: NDArray[np.uint8], size: int, *, grey: bool = False) -> NDArray[np.uint8]:
    """Return images with at most `size` pixels on a side, each pixel the mean of the area it stands for.

    Parameters
    ----------
    images
        Shape (n, h, w, 3), uint8.
    size
        Smaller images keep their size.
    grey
        Return the luminance, shape (n, h, w).
    """
    from PIL import Image

    height, width = (min(length, size) for length in images.shape[1:3])
    if not grey and (height, width) == images.shape[1:3]:
        return images
    made = np.empty((len(images), height, width) if grey else (len(images), height, width, 3), dtype=np.uint8)
    for image, place in zip(images, made, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(image))
        picture = picture.convert("L") if grey else picture
        place[:] = picture.resize((width, height), Image.Resampling.BOX)
    return made


def area_matrix(length: int, size: int) -> NDArray[np.float32]:
    """Return the matrix that makes `size` pixels of `length`, each the mean of what it covers; shape (size, length)."""
    edges, pixels = np.linspace(0, length, size + 1)[:, np.newaxis], np.arange(length)
    covered = np.clip(np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels), 0, None)
    return np.asarray(covered / covered.sum(axis=1, keepdims=True), dtype=np.float32)


def blur_matrix(length: int, sigma: float) -> NDArray[np.float32]:
    """Return the matrix of a Gaussian blur with `sigma` in pixels; at the rim it weighs what is there."""
    pixels = np.arange(length)
    weights = np.exp(-0.5 * ((pixels[:, np.newaxis] - pixels) / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def ring_matrix(
    size: int, radii: NDArray[np.float64], points: int, *, squeeze: tuple[float, float] = (1.0, 1.0)
) -> Any:
    """Return the sparse matrix that reads rings about the centre of an image, by bilinear interpolation.

    Parameters
    ----------
    size
        Pixels of a side.
    radii
        Of the rings in pixels, at most half the side less half a pixel.
    points
        On each ring, beginning at three o'clock.
    squeeze
        Rings become ellipses: factors in x and y, at most 1.

    Returns
    -------
    SciPy array in CSR format, shape (rings * points, size * size), float32.
    """
    from scipy.sparse import coo_array

    angles, centre = 2 * np.pi * np.arange(points) / points, (size - 1) / 2
    y = (centre + np.outer(radii, np.sin(angles)) * squeeze[1]).ravel()
    x = (centre + np.outer(radii, np.cos(angles)) * squeeze[0]).ravel()
    top, left = (np.clip(place.astype(np.int64), 0, size - 2) for place in (y, x))
    down, right = y - top, x - left
    corners = [(0, 0, (1 - down) * (1 - right)), (0, 1, (1 - down) * right), (1, 0, down * (1 - right))]
    corners.append((1, 1, down * right))
    columns = np.concatenate([(top + below) * size + left + beside for below, beside, _ in corners])
    weights = np.concatenate([weight for *_, weight in corners]).astype(np.float32)
    rows = np.tile(np.arange(len(y)), len(corners))
    return coo_array((weights, (rows, columns)), shape=(len(y), size * size)).tocsr()
