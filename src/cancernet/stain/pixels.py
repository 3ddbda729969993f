"""The pixels that a fit is made from: checked, and no more of them than it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

__all__ = ["checked_images", "thinned"]

_FEWEST_PIXELS = 1000  # ten of them lie outside the percentiles 1 and 99
_MOST_PIXELS = 2**21


def checked_images(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the images as an array, or refuse what is no uint8 RGB."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.shape[-1:] != (3,):
        raise InvalidInput(
            f"Images of shape {images.shape} and type {images.dtype}",
            "(..., 3) uint8: red, green, blue from 0 to 255",
            "Convert them to RGB first",
        )
    return images


def thinned(rows: NDArray[np.uint8], tissue: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the pixels of tissue, (n, 3), evenly thinned when there are very many."""
    found = rows[tissue]
    if len(found) < _FEWEST_PIXELS:
        raise InvalidInput(
            f"{len(found)} pixels of tissue among {len(rows)}",
            f"At least {_FEWEST_PIXELS} that are darker than the background",
            "Take a larger thumbnail, or more tiles of the slide together",
        )
    return found[:: -(-len(found) // _MOST_PIXELS)]
