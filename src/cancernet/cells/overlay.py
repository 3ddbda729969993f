"""Nuclei drawn on their image: the outline of each, what is cut by the border in grey, marked ones in other colours."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import Contours

__all__ = ["CUT", "FOUND", "draw_nuclei", "png_of"]

FOUND, CUT = (0, 190, 80), (120, 125, 135)
"""Colours of outlines: no stain is green."""

_LEAST_SIDE, _MOST_SCALE = 1600, 6  # pixels of the longer side of the drawing
_SIZE = 22  # pixels of the text


def draw_nuclei(
    image: NDArray[np.uint8],
    contours: Contours,
    *,
    mpp: float,
    colours: Sequence[tuple[int, int, int]],
    marks: Mapping[int, str] | None = None,
) -> NDArray[np.uint8]:
    """Return the image with outlines, enlarged where it is small, so that lines are finer than nuclei.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    contours
        Of n nuclei.
    mpp
        Microns per pixel of the image.
    colours
        Red, green, blue of the outline of each, n.
    marks
        Words beside some of them, by their place among the n.

    Returns
    -------
    Shape (scale * h, scale * w, 3), uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    scale = max(1, min(_MOST_SCALE, ceil(_LEAST_SIDE / max(image.shape[:2]))))
    height, width = image.shape[:2]
    picture = Image.fromarray(image).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    lines = contours.points * (scale / mpp)
    for line, colour in zip(lines, colours, strict=True):
        pen.line([*map(tuple, line), tuple(line[0])], fill=tuple(colour), width=1 + scale)
    font = ImageFont.load_default(_SIZE)
    for place, words in (marks or {}).items():
        x, y = lines[place].max(axis=0)
        pen.text((x, y), words, fill=(20, 20, 30), font=font, stroke_width=2, stroke_fill=(255, 255, 255), anchor="lb")
    return np.asarray(picture)


def png_of(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Return a PNG, lossless."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()
