"""What finds nuclei: one method. The classical path and networks are both such objects."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fits", "OpenSegmenter", "Segmenter"]


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


class OpenSegmenter(Segmenter, Protocol):
    """A segmenter that may hold memory, and frees it at the end of a `with` block."""

    def __enter__(self) -> Self:
        """Return the segmenter itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free what it holds."""
        ...


@runtime_checkable
class Fits(Protocol):
    """A segmenter that looks at all of an image first: of a slide, at some parts, for all its tiles."""

    def fit(self, samples: Sequence[NDArray[np.uint8]], *, mpp: float) -> Segmenter:
        """Return the segmenter for a slide from which these samples, (h, w, 3) each, are."""
        ...
