"""A map on its patch as a picture: the patch beside it, a colour bar, and the answer in words below."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

__all__ = ["LEAST_SIDE", "cam_picture", "overlay", "png_bytes"]

LEAST_SIDE = 320  # pixels of the shorter side of an enlarged patch
_COLOURS, _LOWEST = "viridis", 0.4  # from here to 1: green to yellow, ever lighter, for the colour-blind too
_DIMMED, _STRONGEST = (
    0.5,
    0.8,
)  # the grey is darkened so that the colours are lighter; share of colour where the map is 1
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # Rec. 709
_INK, _MUTED, _PAPER = (29, 33, 48), (91, 98, 117), (255, 255, 255)
_MARGIN, _GAP, _BAR, _TICKS = 16, 12, 18, 72  # pixels
_SIZE, _LINE = 14, 20  # pixels of the text and from line to line
_BAR_GREY = 160  # the colour bar is drawn on it, as on a patch of this lightness


def overlay(patch: NDArray[np.uint8], cam: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the patch in grey with the map in colour on it.

    The colour covers more where the map is stronger, and nothing where it is 0. The patch is grey and darkened: all
    colour comes from the map and none from the stain, and on any patch a stronger place is lighter than a weaker one.

    Parameters
    ----------
    patch
        Shape (h, w, 3), uint8 RGB.
    cam
        Shape (h, w), 0 to 1.

    Returns
    -------
    Shape (h, w, 3), uint8 RGB.

    Raises
    ------
    InvalidInput
        When the shapes do not belong together, or the map is not within 0 and 1.

    References
    ----------
    Colour maps for the colour-blind: Nuñez et al. 2018, doi:10.1371/journal.pone.0199239.
    """
    from matplotlib import colormaps

    patch, cam = np.asarray(patch), np.asarray(cam)
    if patch.dtype != np.uint8 or patch.shape != (*cam.shape, 3) or cam.ndim != 2:
        found = f"A patch of shape {patch.shape} and type {patch.dtype} with a map of shape {cam.shape}"
        raise InvalidInput(found, "(h, w, 3) uint8 with (h, w)")
    if not ((cam >= 0) & (cam <= 1)).all():
        raise InvalidInput("The map has values outside of 0 and 1, or none", "Numbers from 0 to 1", "Scale it first")
    grey = _DIMMED * (patch @ np.array(_LUMINANCE))[..., None]
    colour = 255 * colormaps[_COLOURS](_LOWEST + (1 - _LOWEST) * cam.astype(np.float64))[..., :3]
    share = _STRONGEST * cam[..., None]
    blended: NDArray[np.uint8] = np.rint((1 - share) * grey + share * colour).astype(np.uint8)
    return blended


def cam_picture(
    patch: NDArray[np.uint8], cam: NDArray[np.floating], *, title: str = "", caption: Sequence[str] = ()
) -> NDArray[np.uint8]:
    """Return the patch and its overlay side by side, enlarged, with a colour bar and words.

    Both are enlarged by the same whole factor, every pixel to a square, until the shorter side has at least 320 pixels.

    Parameters
    ----------
    patch
        Shape (h, w, 3), uint8 RGB.
    cam
        Shape (h, w), 0 to 1.
    title
        One line above, shortened where it is too long; none when empty.
    caption
        Paragraphs below, wrapped.

    Returns
    -------
    Shape (height, width, 3), uint8 RGB.
    """
    from PIL import Image, ImageDraw

    panels = [_enlarged(panel) for panel in (np.asarray(patch), overlay(patch, cam))]
    height, width = panels[0].shape[:2]
    sheet = _Sheet(height, width, head=(_LINE + _GAP // 2) * bool(title))
    lines = [list(_wrapped(paragraph, sheet.text_width)) for paragraph in caption]
    image = Image.new("RGB", (sheet.width, sheet.caption_top + _LINE * sum(map(len, lines)) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(image)
    if title:
        draw.text((_MARGIN, _MARGIN), _shortened(title, sheet.text_width), fill=_INK, font=_font(bold=True))
    for panel, left in zip(panels, sheet.lefts, strict=True):
        image.paste(Image.fromarray(panel), (left, sheet.top))
    image.paste(Image.fromarray(_bar(sheet.height)), (sheet.bar_left, sheet.top))
    _write_ticks(draw, sheet)
    for number, line in enumerate(line for paragraph in lines for line in paragraph):
        draw.text((_MARGIN, sheet.caption_top + number * _LINE), line, fill=_INK, font=_font())
    return np.asarray(image)


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as PNG, the same bytes every time."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG")
    return stream.getvalue()


@dataclass(frozen=True)
class _Sheet:
    """Where things stand on the picture; all in its pixels."""

    height: int
    panel: int
    head: int

    @property
    def lefts(self) -> tuple[int, int]:
        """Left edges of the two panels."""
        return _MARGIN, _MARGIN + self.panel + _GAP

    @property
    def bar_left(self) -> int:
        """Left edge of the colour bar."""
        return self.lefts[1] + self.panel + _GAP

    @property
    def width(self) -> int:
        """Width of the whole."""
        return self.bar_left + _BAR + _TICKS + _MARGIN

    @property
    def text_width(self) -> int:
        """Width of a line of text."""
        return self.width - 2 * _MARGIN

    @property
    def top(self) -> int:
        """Upper edge of the panels."""
        return _MARGIN + self.head

    @property
    def caption_top(self) -> int:
        """Upper edge of the caption."""
        return self.top + self.height + _GAP


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image with every pixel as a square of the smallest size that makes it large enough."""
    factor = -(-LEAST_SIDE // min(image.shape[:2]))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _bar(height: int) -> NDArray[np.uint8]:
    """Return the colours from 1 at the top to 0 at the bottom, as they look on a grey patch."""
    ramp = np.linspace(1, 0, height)[:, None].repeat(_BAR, axis=1)
    return overlay(np.full((height, _BAR, 3), _BAR_GREY, np.uint8), ramp)


def _write_ticks(draw: ImageDraw, sheet: _Sheet) -> None:
    """Write what the ends and the middle of the bar mean."""
    left, font = sheet.bar_left + _BAR + 6, _font(12)
    marks = ((0.0, "strongest\nhere (1)", "la"), (0.5, "half", "lm"), (1.0, "none (0)", "ld"))
    for share, words, anchor in marks:
        place = (left, sheet.top + round(share * (sheet.height - 1)))
        if "\n" in words:
            draw.multiline_text(place, words, fill=_MUTED, font=font, spacing=2)
        else:
            draw.text(place, words, fill=_MUTED, font=font, anchor=anchor)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield lines that fit into the width, broken at spaces, or inside of a word that is longer than a line."""
    line = ""
    for word in _printable(text).split():
        longer = f"{line} {word}" if line else word
        if _length(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        *full, line = _pieces(word, width)
        yield from full
    yield line


def _pieces(word: str, width: int) -> list[str]:
    """Return a word in pieces that fit into the width."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and _length(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _shortened(text: str, width: int) -> str:
    """Return a title that fits into the width, an ellipsis in its middle where something is left out."""
    whole = " ".join(_printable(text).split())
    if _length(whole, bold=True) <= width:
        return whole
    fitting = bisect_right(range(len(whole)), width, key=lambda kept: _length(_shorter(whole, kept), bold=True))
    return _shorter(whole, max(0, fitting - 1))


def _shorter(text: str, kept: int) -> str:
    """Return so many letters of a text, a third of them from its beginning."""
    end = kept * 2 // 3
    return f"{text[: kept - end]}…{text[len(text) - end :]}"


def _printable(text: str) -> str:
    """Return a text with spaces for what no font can draw."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _length(text: str, *, bold: bool = False) -> int:
    """Return how wide a line is, in pixels."""
    return ceil(_font(bold=bold).getlength(text))


@cache
def _font(size: int = _SIZE, *, bold: bool = False) -> FreeTypeFont:
    """Return the font that comes with matplotlib: the same picture on every machine."""
    import matplotlib as mpl
    from PIL import ImageFont

    name: Any = Path(mpl.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' * bold}.ttf")
    return ImageFont.truetype(name, size, layout_engine=ImageFont.Layout.BASIC)
