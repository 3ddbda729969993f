"""The pixels of nuclei, and sums over them: one pass over an image for all nuclei."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pixels", "pixels_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pixels:
    """Where nuclei are.

    Parameters
    ----------
    count
        How many nuclei there are.
    nucleus
        Shape (m,): of each pixel of a nucleus the number of that, from 0.
    place
        Shape (m,): its place in the flat image, rising.
    width
        Of the image.
    """

    count: int
    nucleus: NDArray[np.intp]
    place: NDArray[np.intp]
    width: int

    @property
    def areas(self) -> Floats:
        """Pixels of each nucleus, (n,)."""
        return np.bincount(self.nucleus, minlength=self.count).astype(np.float64)

    def sums(self, values: NDArray[Any]) -> Floats:
        """Return the sum over each nucleus, (n,), of values of its pixels, (m,)."""
        return np.asarray(np.bincount(self.nucleus, values, minlength=self.count), np.float64)

    def mean(self, values: NDArray[Any]) -> Floats:
        """Return the mean over each nucleus of values of its pixels, (m,)."""
        return self.sums(values) / np.maximum(self.areas, 1)

    def deviation(self, values: NDArray[Any]) -> Floats:
        """Return the standard deviation of the values within each nucleus, (n,)."""
        apart = values - self.mean(values)[self.nucleus]
        return np.sqrt(self.mean(apart**2))

    def of(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the values that an image, (h, w, ...), has at the pixels, (m, ...)."""
        return image.reshape(-1, *image.shape[2:])[self.place]


def pixels_of(labels: NDArray[np.int32], count: int) -> Pixels:
    """Return the pixels of labels 1 to `count`."""
    flat = labels.ravel()
    place = np.flatnonzero(flat)
    return Pixels(count, flat[place].astype(np.intp) - 1, place, labels.shape[1])
