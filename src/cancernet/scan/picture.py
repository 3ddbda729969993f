"""The heat map as a picture: over the thumbnail of the slide, with a colour bar and a scale bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.report.style import INK, MUTED, Drawing
from cancernet.scan.heat import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Thumbnail", "coloured", "draw_heat", "round_length"]

_COLOURS = "RdYlBu_r"  # blue is low and red is high, also for colour-blind readers, and yellow is no stain
_OPACITY = 0.5
_LINE = "#101018"
_NO_ANSWER = 150  # grey level
_SIDE = 7.0  # inches of the longer side of the picture
_SHARE = 0.2  # of the width that the scale bar takes at most
_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small picture of a slide.

    Parameters
    ----------
    pixels
        Shape (h, w, 3), uint8.
    l0_per_px_x, l0_per_px_y
        Base-level pixels to one of its pixels.
    um_per_px
        Microns that one of its pixels is wide.
    """

    pixels: NDArray[np.uint8]
    l0_per_px_x: float
    l0_per_px_y: float
    um_per_px: float


def draw_heat(
    name: str,
    thumbnail: Thumbnail,
    *,
    values: NDArray[np.floating[Any]],
    target: Target,
    outlines: Any = (),
    unknown: NDArray[np.bool_] | None = None,
) -> Drawing:
    """Return the picture of a heat map, not drawn yet.

    Parameters
    ----------
    name
        Of the slide, for the title.
    thumbnail
        Of the slide.
    values
        Of each of its pixels, (h, w), 0 to 1; where it is NaN the slide shows.
    target
        What the values are.
    outlines
        Around the foci: shapely geometries of one polygon or several, in base-level pixels.
    unknown
        Shape (h, w), bool: tissue without an answer, shown in grey.
    """
    height, width = thumbnail.pixels.shape[:2]
    shown = thumbnail.pixels if unknown is None else _greyed(thumbnail.pixels, unknown)
    scale = _SIDE / max(height, width)
    size = max(3.4, width * scale + 1.1), max(2.2, height * scale + 0.9)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.imshow(shown, interpolation="antialiased")
        image = axes.imshow(
            np.ma.masked_invalid(values),
            cmap=_COLOURS,
            vmin=0,
            vmax=1,
            alpha=_OPACITY,
            interpolation="nearest",
        )
        _outline(axes, outlines, thumbnail)
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[], title=name)
        axes.spines[:].set_visible(False)
        _bar_of_colours(figure, axes, image, target)
        _bar_of_length(axes, width, height, thumbnail.um_per_px)
        if unknown is not None and unknown.any():
            _say_grey(axes)

    return Drawing(
        "heatmap",
        "heatmap",
        name,
        f"Colour: {target.words}, in tissue; grey: no answer, unlike the training patches. "
        f"Lines: where it is at least {target.threshold:.3g}.",
        f"{target.words} over the thumbnail of {name}: {_in_numbers(values, target)}",
        size,
        draw,
    )


def round_length(longest_um: float) -> tuple[float, str]:
    """Return the longest of 1, 2, 5, 10, ... microns that fits, and it in words: '200 µm', '1 mm'."""
    power = 10.0 ** np.floor(np.log10(longest_um))
    length = float(max(step * power for step in _STEPS if step * power <= longest_um * (1 + 1e-9)))
    return length, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def coloured(values: NDArray[np.floating[Any]], *, empty: int) -> NDArray[np.uint8]:
    """Return the colours of values 0 to 1, (h, w) to (h, w, 3); grey of the level `empty` where there is none."""
    import matplotlib as mpl

    table = (mpl.colormaps[_COLOURS](np.linspace(0, 1, 256))[:, :3] * 255).round().astype(np.uint8)
    table = np.concatenate([table, np.full((1, 3), empty, dtype=np.uint8)])
    known = ~np.isnan(values)
    level = np.full(values.shape, 256, dtype=np.uint16)
    level[known] = (np.clip(values[known], 0, 1) * 255).round()
    return np.take(table, level, axis=0)


def _greyed(pixels: NDArray[np.uint8], unknown: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the thumbnail without colour where there is no answer."""
    grey = pixels.mean(axis=2, keepdims=True) * (1 - _OPACITY) + _NO_ANSWER * _OPACITY
    return np.where(unknown[..., None], grey, pixels).astype(np.uint8)


def _say_grey(axes: Axes) -> None:
    """Say below the picture, at its right, what grey means."""
    axes.annotate(
        "grey: no answer, unlike the training patches",
        (1, 0),
        xycoords="axes fraction",
        xytext=(0, -8),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=9,
        color=MUTED,
    )


def _outline(axes: Axes, polygons: Any, thumbnail: Thumbnail) -> None:
    """Draw the borders of polygons, those of their holes too."""
    import shapely
    from matplotlib.collections import LineCollection

    rings = shapely.get_rings(np.asarray(shapely.get_parts(polygons), dtype=object))
    scale = thumbnail.l0_per_px_x, thumbnail.l0_per_px_y
    lines = [shapely.get_coordinates(ring) / scale - 0.5 for ring in rings]
    axes.add_collection(LineCollection(lines, colors=_LINE, linewidths=1.2), autolim=False)


def _bar_of_colours(figure: Figure, axes: Axes, image: Any, target: Target) -> None:
    """Draw the colour bar, with a line at the threshold."""
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, aspect=24)
    bar.set_label(target.words)
    bar.outline.set_visible(False)
    bar.ax.axhline(target.threshold, color=_LINE, linewidth=1.5)
    bar.ax.grid(False)


def _bar_of_length(axes: Axes, width: int, height: int, um_per_px: float) -> None:
    """Draw the scale bar below the picture, at its left."""
    um, words = round_length(_SHARE * width * um_per_px)
    below = height * 1.0 + 0.012 * max(width, height)
    axes.plot([0, um / um_per_px], [below, below], color=INK, linewidth=3, solid_capstyle="butt", clip_on=False)
    axes.annotate(
        words, (0, below), xytext=(0, -5), textcoords="offset points", annotation_clip=False, va="top", fontsize=9
    )


def _in_numbers(values: NDArray[np.floating[Any]], target: Target) -> str:
    """Return how much of the map reaches the threshold."""
    scored = values[~np.isnan(values)]
    if not len(scored):
        return "no tissue was scored."
    share = 100 * float((scored >= target.threshold).mean())
    return f"{share:.1f} % of the scored tissue reach {target.threshold:.3g}; the highest value is {scored.max():.2f}."
