"""Ink of pens on a slide, told by its colour and by how broad its strokes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.tissue.picture import Densities, drop_small, grown, opened

__all__ = ["INKS", "strokes_of"]

_STRONG, _FAINT = 0.22, 0.10  # natural density of red above that of green: of a stroke, and of its edge
_EDGE_UM, _TAIL_UM = 80, 400  # as far as the faint edge of a stroke reaches, and the tail of a blue one over tissue
_LEAST_WIDTH_UM = 40  # fibres and fringes of colour are thinner; the finest pens are not
_ROWS = 128  # at a time
_LEAST_UM2 = 20_000.0  # a dot of a pen measures 160 um across at least


def _is_blue(densities: Densities) -> NDArray[np.bool_]:
    """Blue ink lets blue pass and takes red more than green, which haematoxylin hardly does; over eosin as much."""
    red, green, blue = densities
    over_eosin = (red > 1.2) & (red > 0.9 * green) & (blue < 0.45 * green)
    return ((red - green > _STRONG) & (blue < 0.6 * green)) | over_eosin


def _is_green(densities: Densities) -> NDArray[np.bool_]:
    """Green and turquoise ink lets green pass."""
    red, green, blue = densities
    return (red - green > _STRONG) & (blue >= 0.6 * green)


def _is_red(densities: Densities) -> NDArray[np.bool_]:
    """Red ink takes blue as much as green, over eosin nearly; eosin takes half of that, blood up to four fifths."""
    red, green, blue = densities
    share = np.where(green > 2.2, 0.75, 0.85)  # so dense is neither eosin nor blood
    return (blue > share * green) & (green > 1.0) & (red < 0.3 * green)


def _is_black(densities: Densities) -> NDArray[np.bool_]:
    """Black ink takes nearly all light, of all colours alike."""
    red, green, blue = densities
    least = np.minimum(np.minimum(red, green), blue)
    most = np.maximum(np.maximum(red, green), blue)
    return (least > 1.2) & (most - least < 0.3 * most) & (red - green <= _STRONG)


_OWN: Mapping[str, Callable[[Densities], NDArray[np.bool_]]] = MappingProxyType(
    {"black": _is_black, "blue": _is_blue, "green": _is_green, "red": _is_red}
)
INKS = tuple(_OWN)
"""The colours of ink that are known."""


def strokes_of(densities: Densities, mpp: tuple[float, float]) -> dict[str, NDArray[np.bool_]]:
    """Return the strokes and dots of pens, by the colour of their ink.

    The thresholds of colour were set on real slides: of the pixels of tissue at about 8 microns, in seven sets of
    several laboratories, fewer than one in a thousand lie beyond any of them. Strokes are at least 40 microns broad and
    hold 20,000 um2; a stroke of blue or green takes its faint edge with it.

    Parameters
    ----------
    densities
        Red, green and blue density relative to the glass, (h, w) float32 each.
    mpp
        Width and height of a pixel in microns.

    Returns
    -------
    A mask (h, w) for each colour of `INKS` that was found; edges of two colours may overlap.
    """
    found = {name: _broad(_seen(is_of, densities), mpp) for name, is_of in _OWN.items()}
    return {name: _with_edge(name, mask, densities, mpp=mpp) for name, mask in found.items() if mask.any()}


def _seen(is_of: Callable[[Densities], NDArray[np.bool_]], densities: Densities) -> NDArray[np.bool_]:
    """Return where a rule for a colour holds, some rows at a time: a rule makes many arrays on its way."""
    red, green, blue = densities
    seen = np.empty(red.shape, dtype=bool)
    for start in range(0, len(red), _ROWS):
        rows = slice(start, start + _ROWS)
        seen[rows] = is_of((red[rows], green[rows], blue[rows]))
    return seen


def _broad(ink: NDArray[np.bool_], mpp: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the ink that lies within the reach of a stroke's core and is large enough."""
    if not ink.any():
        return ink
    cores = opened(ink, _LEAST_WIDTH_UM, mpp)
    return drop_small(ink & grown(cores, _LEAST_WIDTH_UM, mpp), _LEAST_UM2 / (mpp[0] * mpp[1]))


def _with_edge(
    name: str, ink: NDArray[np.bool_], densities: Densities, *, mpp: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return strokes with their edges, which are paler than the rule for their colour."""
    if name not in ("blue", "green"):
        return grown(ink, 2 * max(mpp), mpp)
    red, green, blue = densities
    with_edge = ink | ((red - green > _FAINT) & grown(ink, _EDGE_UM, mpp))
    if name == "green":
        return with_edge
    over_eosin = (red > 0.9 * green) & (blue < 0.42 * green) & (red > 0.6)  # haematoxylin would take half as much blue
    return with_edge | (over_eosin & grown(ink, _TAIL_UM, mpp))
