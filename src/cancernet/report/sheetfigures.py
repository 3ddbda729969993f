"""Draws sheets of patches: every pixel of a patch is a whole block of pixels of the figure, nothing is smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.report.record import PatchSheet, RunRecord
from cancernet.report.style import INK, MUTED, Drawing, look, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["compose", "place", "scaled", "sheet_drawings"]

_DPI = 150  # of every figure; a test holds it to the size that is drawn
_MANY = 36  # pictures; beyond them they are drawn smaller
_LARGE, _SMALL = (200, 256, 6), (130, 160, 9)  # wanted and largest side of a picture in pixels; pictures side by side
_NARROWEST, _WIDEST = 840, 1680  # pixels of a sheet: a figure of half the page, and a little more than all of it
_GAP, _MARGIN, _FRAME = 22, 14, 5
_LABEL, _HEADING = 8.0, 10.0  # points
_LINE, _HEADING_HEIGHT, _BELOW = 21, 34, 22  # pixels: of a line under a picture, of a heading, under the last line
_MOST_LETTERS = 60  # in a line under a picture, however narrow they are
_HINTING = 1.05  # drawn letters are a little wider than their outlines
_HEADING_LETTER = 14.5  # pixels of a letter of a heading, on the average
_FRAMES = {"good": (15, 130, 118), "bad": (213, 94, 0), "": (201, 205, 216)}  # teal and orange: blue-blind or not


@dataclass(frozen=True)
class Layout:
    """Where everything lies, in pixels from the upper left corner.

    Parameters
    ----------
    width, height
        Of the sheet.
    corners
        Left and top of each picture.
    headings
        Text, left and top of each heading.
    labels
        The lines under each picture.
    """

    width: int
    height: int
    corners: tuple[tuple[int, int], ...]
    headings: tuple[tuple[str, int, int], ...]
    labels: tuple[tuple[str, ...], ...]


def sheet_drawings(record: RunRecord) -> list[Drawing]:
    """Return the sheets of a record as figures."""
    return [_drawing(sheet) for sheet in record.sheets]


def _drawing(sheet: PatchSheet) -> Drawing:
    """Return one sheet as a figure."""
    pictures = scaled(sheet.images)
    layout = place(sheet, height=pictures.shape[1], width=pictures.shape[2])
    return Drawing(
        f"sheet-{sheet.name}",
        sheet.section,
        sheet.title,
        sheet.caption,
        _in_words(sheet),
        ((layout.width + 0.5) / _DPI, (layout.height + 0.5) / _DPI),  # half a pixel more: the canvas rounds down
        lambda figure: _draw(figure, sheet, pictures=pictures, layout=layout),
    )


def _in_words(sheet: PatchSheet) -> str:
    """Return what is seen, for those who cannot see it: how many pictures, and the texts under them."""
    pairs = list(zip(sheet.blocks or [""] * len(sheet.labels), sheet.labels, strict=True))
    parts = []
    for heading, members in groupby(pairs, key=lambda pair: pair[0]):
        labels = "; ".join(", ".join(label.splitlines()) for _, label in members)
        parts.append(f"{heading}: {labels}." if heading else f"{labels}.")
    count = len(sheet.images)
    return f"{count} {'patch' if count == 1 else 'patches'} side by side. {' '.join(parts)}"


def scaled(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pictures of a size that can be seen: each pixel repeated, or whole blocks of pixels averaged.

    Parameters
    ----------
    images
        Shape (k, h, w, 3), uint8.

    Returns
    -------
    Shape (k, h', w', 3), uint8; both sides are changed by the same whole factor.
    """
    side = max(images.shape[1:3])
    wanted, largest, _ = _sizes(len(images))
    if side > largest:
        return _reduced(images, -(-side // largest))
    factor = max(1, round(wanted / side))
    larger: NDArray[np.uint8] = images.repeat(factor, axis=1).repeat(factor, axis=2)
    return larger


def _sizes(count: int) -> tuple[int, int, int]:
    """Return wanted side, largest side, and how many stand side by side, for so many pictures."""
    return _SMALL if count > _MANY else _LARGE


def _reduced(images: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return the means of blocks of pixels; a rest at the lower and right border is left out."""
    count, height, width, _ = images.shape
    rows, columns = max(1, height // factor), max(1, width // factor)
    cut = images[:, : rows * factor, : columns * factor]
    blocks = cut.reshape(count, rows, cut.shape[1] // rows, columns, cut.shape[2] // columns, 3)
    means: NDArray[np.uint8] = np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
    return means


def place(sheet: PatchSheet, *, height: int, width: int) -> Layout:
    """Return where pictures of a size, headings and labels lie.

    Parameters
    ----------
    sheet
        What is shown.
    height, width
        Of a picture as it is drawn, in pixels.
    """
    runs = [len(list(members)) for _, members in groupby(sheet.blocks)] if sheet.blocks else [len(sheet.labels)]
    cell = max(width, 150)
    columns = _columns(max(runs), cell=cell, most=_sizes(len(sheet.labels))[2])
    labels = tuple(_lines(label, width=cell + 8) for label in sheet.labels)
    corners: list[tuple[int, int]] = []
    headings: list[tuple[str, int, int]] = []
    top = _MARGIN
    for run in runs:
        if sheet.blocks:
            headings.append((sheet.blocks[len(corners)], _MARGIN, top))
            top += _HEADING_HEIGHT
        for start in range(0, run, columns):
            members = range(len(corners), len(corners) + min(columns, run - start))
            corners += [(_MARGIN + column * (cell + _GAP), top + _FRAME) for column in range(len(members))]
            lines = max(len(labels[member]) for member in members)
            top += height + 2 * _FRAME + 5 + lines * _LINE + _BELOW
    across = 2 * _MARGIN + columns * (cell + _GAP) - _GAP
    return Layout(max(_NARROWEST, across), top, tuple(corners), tuple(headings), labels)


def _columns(longest: int, *, cell: int, most: int) -> int:
    """Return how many pictures stand side by side: as many as fit, the rows of the longest block about equally full."""
    fitting = min(most, max(1, (_WIDEST - 2 * _MARGIN + _GAP) // (cell + _GAP)))
    return -(-longest // -(-longest // fitting))


def _lines(label: str, *, width: int) -> tuple[str, ...]:
    """Return the lines under a picture: those of the label, each broken once where it is too long."""
    printed = ("".join(letter if letter.isprintable() else " " for letter in line) for line in label.splitlines())
    return tuple(part for line in printed for part in _broken(line.strip(), width=width))


def _broken(line: str, *, width: int) -> list[str]:
    """Return a text in at most two lines of a width in pixels, cut with an ellipsis when two do not suffice."""
    for letters in range(min(len(line), _MOST_LETTERS), 1, -1):
        parts = wrap(line, letters)
        if len(parts) > 2:
            parts = [parts[0], f"{parts[1][: letters - 1]}…"]
        if all(_width(part) <= width for part in parts):
            return parts
    return [line]


@cache
def _width(text: str) -> float:
    """Return the width of a text under a picture, in pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    with look():
        font = FontProperties(family="DejaVu Sans", size=_LABEL)
        width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width) * _DPI / 72 * _HINTING


def compose(pictures: NDArray[np.uint8], sheet: PatchSheet, *, layout: Layout) -> NDArray[np.uint8]:
    """Return the sheet without its texts: pictures in their frames on white.

    Parameters
    ----------
    pictures
        Shape (k, h, w, 3), uint8, as they are drawn.
    sheet, layout
        What is shown, and where.

    Returns
    -------
    Shape (height, width, 3), uint8.
    """
    canvas = np.full((layout.height, layout.width, 3), 255, dtype=np.uint8)
    height, width = pictures.shape[1:3]
    tones: Sequence[str] = sheet.tones or [""] * len(pictures)
    for picture, (left, top), tone in zip(pictures, layout.corners, tones, strict=True):
        frame = _FRAME if tone else 1
        canvas[top - frame : top + height + frame, left - frame : left + width + frame] = _FRAMES[tone]
        canvas[top : top + height, left : left + width] = picture
    return canvas


def _draw(figure: Figure, sheet: PatchSheet, *, pictures: NDArray[np.uint8], layout: Layout) -> None:
    """Draw pictures, headings and labels; the pixels of the figure are those of the layout."""
    figure.set_layout_engine("none")
    figure.figimage(compose(pictures, sheet, layout=layout), 0, 0)
    letters = int((layout.width - 2 * _MARGIN) / _HEADING_LETTER)
    for heading, left, top in layout.headings:
        _write(figure, plain(heading, letters), left, top, size=_HEADING, layout=layout)
    for lines, (left, top) in zip(layout.labels, layout.corners, strict=True):
        for number, line in enumerate(lines):
            below = top + pictures.shape[1] + _FRAME + 7 + number * _LINE
            _write(figure, line, left, below, size=_LABEL, layout=layout)


def _write(figure: Figure, text: str, left: int, top: int, *, size: float, layout: Layout) -> None:
    """Write one line of text; headings in ink, labels muted."""
    heading = size == _HEADING
    figure.text(
        left / layout.width,
        1 - top / layout.height,
        text,
        fontsize=size,
        fontweight="bold" if heading else "normal",
        color=INK if heading else MUTED,
        va="top",
    )
