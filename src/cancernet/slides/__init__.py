"""One reader for all slide formats: pixels of a box at any resolution, and what is known of that resolution."""

from cancernet.slides.made import (
    MadeSlide,
    Outlines,
    Picture,
    draw_outlines,
    made_places,
    make_slide,
    mosaic_picture,
    of_groups,
    read_outlines,
    repeated_picture,
    tissue_picture,
    whole_patches,
)
from cancernet.slides.pyramid import PyramidOptions, write_pyramid
from cancernet.slides.slide import Pitch, Slide

__all__ = [
    "MadeSlide",
    "Outlines",
    "Picture",
    "Pitch",
    "PyramidOptions",
    "Slide",
    "draw_outlines",
    "made_places",
    "make_slide",
    "mosaic_picture",
    "of_groups",
    "read_outlines",
    "repeated_picture",
    "tissue_picture",
    "whole_patches",
    "write_pyramid",
]
