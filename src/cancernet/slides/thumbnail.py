"""A small picture of the whole slide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput, MissingResolution
from cancernet.geometry import Box
from cancernet.slides.slide import Pitch, Slide

__all__ = ["thumbnail", "thumbnail_size"]


def thumbnail(
    slide: Slide, *, mpp: float | None = None, longest: int | None = None, pitch: Pitch | None = None
) -> NDArray[np.uint8]:
    """Return the whole slide as a small picture, made of its own pixels.

    The thumbnail, the label and the overview that a file may hold are not used: they are processed in other ways, and
    a label may show a patient's name.

    Parameters
    ----------
    slide
        An open slide.
    mpp
        Microns per pixel of the picture; either this or `longest`.
    longest
        Pixels of its longer side. Pixels of the picture are square, also where those of the slide are not.
    pitch
        How large the pixels of the slide are; None: as the slide says.

    Returns
    -------
    Shape (h, w, 3), uint8.

    Raises
    ------
    MissingResolution
        When `mpp` is given and the slide says no resolution.
    InvalidInput
        When not exactly one of `mpp` and `longest` is given, or it is not above 0.
    """
    box = Box(0, 0, *slide.l0_size)
    return slide.read(box, px_size=thumbnail_size(slide, mpp=mpp, longest=longest, pitch=pitch))


def thumbnail_size(
    slide: Slide, *, mpp: float | None = None, longest: int | None = None, pitch: Pitch | None = None
) -> tuple[int, int]:
    """Return width and height of the picture that `thumbnail` makes."""
    asked = mpp if longest is None else longest
    if (mpp is None) == (longest is None) or asked is None or not asked > 0:
        raise InvalidInput(f"mpp {mpp} and longest {longest}", "Expected one of them, above 0")
    pitch = pitch or slide.pitch
    if mpp is not None and pitch is None:
        raise MissingResolution(
            f"'{slide.path}' does not say how large its pixels are", todo="Give longest, or a pitch"
        )
    um = (pitch.um_x, pitch.um_y) if pitch else (1.0, 1.0)
    sides = [length * side for length, side in zip(slide.l0_size, um, strict=True)]
    unit = mpp if mpp is not None else max(sides) / asked
    width, height = (max(1, round(side / unit)) for side in sides)
    return width, height
