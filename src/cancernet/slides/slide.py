"""What every slide can be asked, whatever file it comes from.

Coordinates with the prefix `l0_` count pixels of the base level. Their origin is the upper left corner of the scanned
area: where a file says that this area begins elsewhere than in the corner of its canvas (MIRAX, Hamamatsu), the canvas
around it does not exist for us, as in QuPath. Pyramid levels never leave the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cancernet.geometry import Box

__all__ = ["Pitch", "Slide"]


@dataclass(frozen=True)
class Pitch:
    """How large a base-level pixel is, and how that is known.

    Parameters
    ----------
    um_x, um_y
        Width and height of a pixel in microns; they differ in slides of non-square pixels.
    source
        Where the numbers come from, in words for outputs: "aperio.MPP", "TIFF resolution", "--mpp", ...
    assumed
        True when nobody measured it: the user asked for a guess.
    """

    um_x: float
    um_y: float
    source: str
    assumed: bool = False

    @property
    def mpp(self) -> float:
        """Microns per pixel: the geometric mean of both sides, so that areas are right."""
        return float((self.um_x * self.um_y) ** 0.5)


@runtime_checkable
class Slide(Protocol):
    """One open slide.

    Readers of several threads may call `read` at once. A slide can be pickled; the copy opens the file anew. Once it is
    closed, `read` raises `InvalidInput`.

    Parameters
    ----------
    path
        The file, or the folder of a DICOM slide.
    vendor
        Who wrote the file, in words: "Aperio", "DICOM", "plain TIFF", ...
    l0_size
        Width and height of the scanned area.
    pitch
        None when the file does not say how large its pixels are.
    downsamples
        Of the levels it holds, from 1 upwards: reading at one of these costs least.
    """

    path: Path
    vendor: str
    l0_size: tuple[int, int]
    pitch: Pitch | None
    downsamples: tuple[float, ...]

    def read(self, box: Box, *, px_size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the pixels of a box, resampled to `px_size`.

        Parameters
        ----------
        box
            In base-level pixels; it may reach over the edge or lie outside, where the background (white) is returned.
        px_size
            Width and height of the answer.

        Returns
        -------
        Shape (height, width, 3), uint8, RGB, C-contiguous. The smallest level that holds at least the detail asked for
        is read, and reduced by averaging, never by skipping pixels.

        Raises
        ------
        InvalidInput
            When the slide is closed.
        CorruptFile
            When the file cannot be decoded there; the message names file and place.
        """
        ...

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        ...
