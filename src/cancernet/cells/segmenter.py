"""What finds nuclei: one method. The classical path and networks are both such objects."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Segmenter"]


class Segmenter(Protocol):
    """Finds the nuclei of an image."""

    def labels(self, image: NDArray[np.uint8], *, mpp: float) -> NDArray[np.int32]:
        """Return the nuclei of an image.

        Parameters
        ----------
        image
            Shape (h, w, 3), uint8 RGB.
        mpp
            Microns per pixel of the image.

        Returns
        -------
        Shape (h, w), int32: 0 background, 1 to n the nuclei.
        """
        ...
