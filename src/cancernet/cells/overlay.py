"""Nuclei drawn on their image: the outline of each, what is cut by the border in grey, marked ones in other colours."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import Measured
from cancernet.cells.types import ABSTAINED, UNDECIDED, classes_of, colour_of, typed_colours, with_types

__all__ = ["CANDIDATE", "DRIVER", "Mark", "draw_nuclei", "png_of"]

Colour = tuple[int, int, int]

DRIVER, CANDIDATE = (235, 30, 20), (255, 150, 0)
"""Colours of marked nuclei: those that drove an answer, and candidates for mitosis."""

_CELL = (30, 110, 255)
_FOUND, _CUT = (0, 190, 80), (120, 125, 135)  # no stain is green

_LEAST_SIDE, _MOST_SCALE = 1600, 6  # pixels of the longer side of the drawing
_SIZE = 22  # pixels of the text
_INK = (20, 20, 30)


@dataclass(frozen=True)
class Mark:
    """What sets a nucleus apart in the overlay: words beside it, and the colour of its outline."""

    words: str
    colour: Colour


def draw_nuclei(
    image: NDArray[np.uint8],
    measured: Measured,
    *,
    marks: Mapping[int, Mark],
    cells: NDArray[np.int32] | None = None,
) -> NDArray[np.uint8]:
    """Return the image with outlines, enlarged where it is small, so that lines are finer than nuclei.

    Nuclei are green, those that the border cuts grey, marked ones as their marks say. Nuclei with types have the
    colours of these, which a legend in the upper left corner names.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    measured
        Its nuclei.
    marks
        Of some of them, by their row.
    cells
        The cell at each pixel, (h, w); their edges are drawn in blue.

    Returns
    -------
    Shape (scale * h, scale * w, 3), uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    scale = max(1, min(_MOST_SCALE, ceil(_LEAST_SIDE / max(image.shape[:2]))))
    height, width = image.shape[:2]
    picture = Image.fromarray(image).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    if cells is not None:
        edges = np.repeat(np.repeat(_edges(cells), scale, 0), scale, 1)
        picture = Image.fromarray(np.where(edges[..., None], np.array(_CELL, np.uint8), np.asarray(picture)))
    pen = ImageDraw.Draw(picture)
    lines = measured.contours.points * (scale / measured.mpp)
    colours = _colours(measured)
    for row, line in enumerate(lines):
        colour = marks[row].colour if row in marks else colours[row]
        pen.line([*map(tuple, line), tuple(line[0])], fill=colour, width=1 + scale * (2 if row in marks else 1))
    font = ImageFont.load_default(_SIZE)
    for row, mark in marks.items():
        x, y = lines[row].max(axis=0)
        pen.text((x, y), mark.words, fill=_INK, font=font, stroke_width=2, stroke_fill="white", anchor="lb")
    if with_types(measured.table):
        _legend(pen, classes_of(measured.table), font)
    return np.asarray(picture)


def _edges(cells: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the pixels of cells beside another cell or none, (h, w)."""
    edges = np.zeros(cells.shape, bool)
    down, right = cells[1:] != cells[:-1], cells[:, 1:] != cells[:, :-1]
    edges[1:] |= down
    edges[:-1] |= down
    edges[:, 1:] |= right
    edges[:, :-1] |= right
    return edges & (cells > 0)


def _colours(measured: Measured) -> list[Colour]:
    """Return the colour of each nucleus that is not marked."""
    plain = [_CUT if cut else _FOUND for cut in measured.table["cut"].tolist()]
    return [typed or other for typed, other in zip(typed_colours(measured.table), plain, strict=True)]


def _legend(pen: Any, classes: Sequence[str], font: Any) -> None:
    """Draw the names of types in their colours in the upper left corner."""
    named = [(name, colour_of(place)) for place, name in enumerate(classes)] + [(ABSTAINED, UNDECIDED)]
    width = max(pen.textlength(name, font=font) for name, _ in named)
    line = round(_SIZE * 1.4)
    pen.rectangle((8, 8, 8 + width + 3 * line, 16 + line * len(named)), fill=(255, 255, 255), outline=_INK)
    for place, (name, colour) in enumerate(named):
        top = 12 + line * place
        pen.rectangle((18, top + 5, 18 + line, top + line - 5), fill=colour, outline=_INK)
        pen.text((26 + line, top + line / 2), name, fill=_INK, font=font, anchor="lm")


def png_of(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Return a PNG, lossless."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()
