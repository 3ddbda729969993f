"""Nuclei drawn on their image: the outline of each, what is cut by the border in grey, marked ones in other colours."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import Measured

__all__ = ["CANDIDATE", "DRIVER", "Mark", "draw_nuclei", "png_of"]

Colour = tuple[int, int, int]

DRIVER, CANDIDATE = (235, 30, 20), (255, 150, 0)
"""Colours of marked nuclei: those that drove an answer, and candidates for mitosis."""

_FOUND, _CUT = (0, 190, 80), (120, 125, 135)  # no stain is green

_LEAST_SIDE, _MOST_SCALE = 1600, 6  # pixels of the longer side of the drawing
_SIZE = 22  # pixels of the text


@dataclass(frozen=True)
class Mark:
    """What sets a nucleus apart in the overlay: words beside it, and the colour of its outline."""

    words: str
    colour: Colour


def draw_nuclei(image: NDArray[np.uint8], measured: Measured, *, marks: Mapping[int, Mark]) -> NDArray[np.uint8]:
    """Return the image with outlines, enlarged where it is small, so that lines are finer than nuclei.

    Nuclei are green, those that the border cuts grey, marked ones as their marks say.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    measured
        Its nuclei.
    marks
        Of some of them, by their row.

    Returns
    -------
    Shape (scale * h, scale * w, 3), uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    scale = max(1, min(_MOST_SCALE, ceil(_LEAST_SIDE / max(image.shape[:2]))))
    height, width = image.shape[:2]
    picture = Image.fromarray(image).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    lines = measured.contours.points * (scale / measured.mpp)
    cut = measured.table["cut"].tolist()
    for row, line in enumerate(lines):
        colour = marks[row].colour if row in marks else _CUT if cut[row] else _FOUND
        pen.line([*map(tuple, line), tuple(line[0])], fill=colour, width=1 + scale * (2 if row in marks else 1))
    font = ImageFont.load_default(_SIZE)
    for row, mark in marks.items():
        x, y = lines[row].max(axis=0)
        pen.text((x, y), mark.words, fill=(20, 20, 30), font=font, stroke_width=2, stroke_fill="white", anchor="lb")
    return np.asarray(picture)


def png_of(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Return a PNG, lossless."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()
