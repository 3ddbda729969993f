"""Fields: whole images with the number of the thing at each pixel, or its class; and images at another scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.patches.images import _opened

__all__ = ["read_labels", "rescale"]

_MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")  # Pillow reads some 16-bit PNG as "I"


def read_labels(path: str | Path) -> NDArray[np.int32]:
    """Return an image of numbers: 0 is background.

    Parameters
    ----------
    path
        PNG or TIFF of one channel, 8 or 16 bits; of a palette the numbers, not the colours.

    Returns
    -------
    Shape (h, w), int32.

    Raises
    ------
    InvalidInput
        When it has colours, 32 bits, or numbers with a sign.
    CorruptFile
        When it is damaged or no image.
    StorageFailure
        When it cannot be read.
    """
    with _opened(Path(path)) as image:
        if image.mode not in _MODES:
            raise InvalidInput(
                f"'{path}' has pixels of the kind {image.mode}, no whole numbers",
                "One channel of 8 or 16 bits: the number of the nucleus at each pixel, 0 for background",
                "Save the labels as PNG or TIFF of integers",
            )
        return np.asarray(image).astype(np.int32)


def rescale(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return an image with `scale` times as many pixels along each side.

    Downwards a pixel is the mean of those it takes the place of; upwards it is interpolated.

    Parameters
    ----------
    image
        Shape (h, w) or (h, w, channels), uint8.
    scale
        Above 0.

    Returns
    -------
    Shape (h', w') or (h', w', channels), uint8, at least one pixel along each side.
    """
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    if image.ndim == 2 or image.shape[2] == 3:
        return _resized(image, height, width, shrink=scale < 1)
    planes = (np.ascontiguousarray(image[..., place]) for place in range(image.shape[2]))
    return np.stack([_resized(plane, height, width, shrink=scale < 1) for plane in planes], axis=-1)


def _resized(image: NDArray[np.uint8], height: int, width: int, *, shrink: bool) -> NDArray[np.uint8]:
    """Return what Pillow makes of one plane, or three."""
    from PIL import Image

    way = Image.Resampling.BOX if shrink else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(image).resize((width, height), way))
