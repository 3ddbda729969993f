"""Nuclei of whole slides: tile by tile, without seams, and never all of them in memory."""

from cancernet.cells.tiled.plan import MARGIN_UM, Plane, Tile, plane_of, tiles_of
from cancernet.cells.tiled.run import SlideOptions, cells_item, examine_slide, is_field

__all__ = [
    "MARGIN_UM",
    "Plane",
    "SlideOptions",
    "Tile",
    "cells_item",
    "examine_slide",
    "is_field",
    "plane_of",
    "tiles_of",
]
