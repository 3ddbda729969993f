"""What of a slide is worked on: its tissue or the polygons that a user drew, inside of a region."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.scan.foci import Tissue
from cancernet.slides import Pitch, Slide, rasterise, read_geojson, tissue_mask

__all__ = ["inside", "tissue_of", "within"]


def tissue_of(slide: Slide, thumbnail: NDArray[np.uint8], *, pitch: Pitch, mask: Path | None) -> Tissue:
    """Return the tissue of a slide, or what a GeoJSON file draws, on the pixels of a thumbnail of all of it.

    Parameters
    ----------
    slide
        Open.
    thumbnail
        Shape (h, w, 3), uint8: the whole slide.
    pitch
        Of the slide.
    mask
        The file; None: find the tissue.

    Raises
    ------
    InvalidInput, CorruptFile, StorageFailure
        As `read_geojson` does.
    """
    (width, height), (rows, columns) = slide.l0_size, thumbnail.shape[:2]
    scale = width / columns, height / rows
    um = scale[0] * pitch.um_x, scale[1] * pitch.um_y
    if mask is None:
        found = tissue_mask(thumbnail, um)
    else:
        regions = read_geojson(mask, l0_size=slide.l0_size)
        found = rasterise([region.polygon for region in regions], (rows, columns), l0_scale=scale)
    return Tissue(found, Box(0, 0, width, height), um[0] * um[1])


def inside(region: Box | None, slide: Slide) -> Box:
    """Return the part of a region that lies in the slide.

    Raises
    ------
    InvalidInput
        When nothing of it does.
    """
    width, height = slide.l0_size
    if region is None:
        return Box(0, 0, width, height)
    left, top = max(region.l0_x, 0), max(region.l0_y, 0)
    right, bottom = min(region.l0_x + region.l0_width, width), min(region.l0_y + region.l0_height, height)
    if right <= left or bottom <= top:
        raise InvalidInput(
            f"The region lies outside of '{slide.path.name}'",
            f"A part of its {width} x {height} pixels",
            "X,Y is the upper left corner, in pixels of the base level",
        )
    return Box(left, top, right - left, bottom - top)


def within(tissue: Tissue, region: Box) -> Tissue:
    """Return the tissue of a region alone, on the same thumbnail."""
    if region == tissue.box:
        return tissue
    (width, height), (rows, columns) = tissue.l0_per_px, tissue.mask.shape
    y, x = (np.arange(rows) + 0.5) * height, (np.arange(columns) + 0.5) * width
    inside_y = (y >= region.l0_y) & (y < region.l0_y + region.l0_height)
    inside_x = (x >= region.l0_x) & (x < region.l0_x + region.l0_width)
    return replace(tissue, mask=tissue.mask & inside_y[:, None] & inside_x)
