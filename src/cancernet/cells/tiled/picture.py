"""How dense nuclei are, over the thumbnail of a slide: `cells.png`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.report.style import INK, Drawing
from cancernet.scan import Thumbnail, Tissue, round_length

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["density_of", "draw_density"]

_BLUR_UM = 50.0  # standard deviation of the Gaussian that densities are means of
_SIDE = 7.0  # inches of the longer side of the picture
_SHARE = 0.2  # of the width that the scale bar takes at most
_OPACITY = 0.55


def density_of(counts: NDArray[np.int32], tissue: Tissue) -> NDArray[np.float32]:
    """Return nuclei per mm2 of tissue around each pixel of the mask, (h, w); NaN outside of tissue.

    Parameters
    ----------
    counts
        Shape (h, w): how many nuclei have their centre in each pixel of the mask.
    tissue
        The mask.
    """
    from scipy import ndimage

    sigma = _BLUR_UM / tissue.um2_per_px**0.5
    nuclei, area = (
        ndimage.gaussian_filter(values.astype(np.float32), sigma, mode="constant") for values in (counts, tissue.mask)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        density: NDArray[np.float32] = nuclei / area * np.float32(1e6 / tissue.um2_per_px)
    density[~tissue.mask] = np.nan
    return density


def draw_density(name: str, thumbnail: Thumbnail, density: NDArray[np.float32]) -> Drawing:
    """Return the picture of densities over a thumbnail of the same area, not drawn yet.

    Parameters
    ----------
    name
        Of the slide, for the title.
    thumbnail
        Of the slide.
    density
        Nuclei per mm2, (h, w), coarser or finer than the thumbnail; NaN where there is no tissue.
    """
    height, width = thumbnail.pixels.shape[:2]
    rows, columns = (_nearest(count, wanted) for count, wanted in zip(density.shape, (height, width), strict=True))
    values = np.ma.masked_invalid(density[rows[:, None], columns])
    scale = _SIDE / max(height, width)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.imshow(thumbnail.pixels, interpolation="antialiased")
        image = axes.imshow(values, cmap="viridis", alpha=_OPACITY, vmin=0, interpolation="nearest")
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[], title=name)
        axes.spines[:].set_visible(False)
        _bar_of_colours(figure, axes, image)
        _bar_of_length(axes, width, height, thumbnail.um_per_px)

    words = f"Nuclei per mm2 of tissue, means over about {2 * _BLUR_UM:g} microns"
    size = max(3.4, width * scale + 1.1), max(2.2, height * scale + 0.9)
    return Drawing("cells", "cells", name, f"Colour: {words}.", f"{words}, over the thumbnail of {name}.", size, draw)


def _nearest(count: int, wanted: int) -> NDArray[np.intp]:
    """Return which of `count` pixels of a side lies under the middle of each of the `wanted` ones."""
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.intp)


def _bar_of_colours(figure: Figure, axes: Axes, image: Any) -> None:
    """Draw the colour bar."""
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, aspect=24)
    bar.set_label("nuclei per mm² of tissue")
    bar.outline.set_visible(False)
    bar.ax.grid(False)


def _bar_of_length(axes: Axes, width: int, height: int, um_per_px: float) -> None:
    """Draw the scale bar below the picture, at its left."""
    um, words = round_length(_SHARE * width * um_per_px)
    below = height + 0.012 * max(width, height)
    axes.plot([0, um / um_per_px], [below, below], color=INK, linewidth=3, solid_capstyle="butt", clip_on=False)
    axes.annotate(
        words, (0, below), xytext=(0, -5), textcoords="offset points", annotation_clip=False, va="top", fontsize=9
    )
