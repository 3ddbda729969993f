"""Slides that are made: synthetic tissue, a real region repeated, or a mosaic of patches, each with its truth."""

from cancernet.slides.made.geojson import read_outlines, write_outlines
from cancernet.slides.made.make import MadeSlide, made_places, make_slide
from cancernet.slides.made.mosaic import mosaic_picture, of_groups, whole_patches
from cancernet.slides.made.outlines import Outlines, draw_outlines
from cancernet.slides.made.picture import Cells, Picture, tissue_picture
from cancernet.slides.made.repeat import repeated_picture

__all__ = [
    "Cells",
    "MadeSlide",
    "Outlines",
    "Picture",
    "draw_outlines",
    "made_places",
    "make_slide",
    "mosaic_picture",
    "of_groups",
    "read_outlines",
    "repeated_picture",
    "tissue_picture",
    "whole_patches",
    "write_outlines",
]
