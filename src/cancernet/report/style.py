"""How every figure looks: one canvas, one palette that colour-blind readers can tell apart, one way to print text."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BASELINES",
    "DASHES",
    "GRID",
    "INK",
    "MUTED",
    "NETWORK",
    "SINGLE",
    "Drawing",
    "Picture",
    "class_colours",
    "key",
    "look",
    "plain",
    "render",
]

INK, MUTED, GRID = "#1d2130", "#5b6275", "#e4e7ee"
NETWORK = "#46329a"
BASELINES = ("#0f8276", "#8a8f9c", "#b26a00", "#4f6d9e")  # told apart by their dashes as well
# Okabe & Ito 2008, reordered: the first two lie on the axis from blue to orange that colour blindness keeps.
_CLASSES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
SINGLE = (5.6, 4.5)  # inches of a figure of half the page's width
_DPI = 150
_CSS_DPI = 104  # a little larger than life

_LOOK: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#9aa1b1",
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same page on every machine
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "text.parse_math": False,  # a column may be called "$x"
    "xtick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelsize": 8.5,
}


@dataclass(frozen=True)
class Drawing:
    """A figure that is not drawn yet.

    Parameters
    ----------
    name
        Of the file, without suffix.
    section
        Of the page.
    title, caption, alt
        The heading, how to look at it, and what is seen, with the numbers, for those who cannot see it.
    size
        Width and height in inches.
    draw
        Draws on the empty figure.
    """

    name: str
    section: str
    title: str
    caption: str
    alt: str
    size: tuple[float, float]
    draw: Callable[[Figure], None]


@dataclass(frozen=True)
class Picture:
    """A drawn figure: a PNG with its words, width and height in pixels."""

    name: str
    section: str
    title: str
    caption: str
    alt: str
    png: bytes
    width: int
    height: int

    @property
    def shown_width(self) -> int:
        """Width on the page, in CSS pixels: text of all figures has one size, and is sharp on fine screens."""
        return round(self.width * _CSS_DPI / _DPI)

    @property
    def wide(self) -> bool:
        """Whether it needs the width of the page."""
        return self.width > 6.5 * _DPI


@contextmanager
def look() -> Iterator[None]:
    """Draw in the house's look inside the block; the settings of the caller come back after it."""
    import matplotlib as mpl

    with mpl.rc_context(_LOOK), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the page beside it spells it out.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def render(drawing: Drawing) -> Picture:
    """Draw a figure, without pyplot and its global list of figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with look():
        figure = Figure(figsize=drawing.size, dpi=_DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        drawing.draw(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
    buffer = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    pixels = np.asarray(buffer)[..., :3]  # (height, width, 3) uint8
    height, width, _ = pixels.shape
    words = (drawing.name, drawing.section, drawing.title, drawing.caption, drawing.alt)
    return Picture(*words, _png(pixels), width, height)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()


def plain(text: str, most: int = 28) -> str:
    """Return a name as a figure can print it: underscores as spaces, no control characters, not too long."""
    spaced = "".join(character if character.isprintable() else " " for character in text.replace("_", " "))
    words = " ".join(spaced.split()) or "(no name)"
    return words if len(words) <= most else f"{words[: most - 1]}…"


def class_colours(classes: Sequence[str], positive: str | None = None) -> dict[str, str]:
    """Return a colour per class; the positive class of two is vermilion, the other one blue."""
    if positive in classes and len(classes) == 2:
        return {name: _CLASSES[name == positive] for name in classes}
    return {name: _CLASSES[number % len(_CLASSES)] for number, name in enumerate(classes)}


def key(axes: Axes | Figure, colours: Mapping[str, str], **where: Any) -> None:
    """Add a legend with one square per class."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=colour, label=plain(name)) for name, colour in colours.items()]
    axes.legend(handles=patches, handlelength=1.0, handleheight=1.0, **where)
