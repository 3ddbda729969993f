"""Slides: one reader for all formats, what is known of their resolution, tissue, quality, outlines, pyramids.

Made slides, for tests and benchmarks, come from `cancernet.slides.made`.
"""

from cancernet.slides.cohort import cohort_warnings
from cancernet.slides.outlines import Region, growing_geojson, polygons_of, rasterise, read_geojson, write_geojson
from cancernet.slides.policy import MppPolicy, resolve_pitch
from cancernet.slides.reading import open_slide
from cancernet.slides.slide import Pitch, Slide
from cancernet.slides.thumbnail import thumbnail, thumbnail_size
from cancernet.slides.tissue import Detail, Finding, Quality, TissueOptions, detail_of, quality_of, tissue_mask
from cancernet.slides.writing import PyramidOptions, write_pyramid

__all__ = [
    "Detail",
    "Finding",
    "MppPolicy",
    "Pitch",
    "PyramidOptions",
    "Quality",
    "Region",
    "Slide",
    "TissueOptions",
    "cohort_warnings",
    "detail_of",
    "growing_geojson",
    "open_slide",
    "polygons_of",
    "quality_of",
    "rasterise",
    "read_geojson",
    "resolve_pitch",
    "thumbnail",
    "thumbnail_size",
    "tissue_mask",
    "write_geojson",
    "write_pyramid",
]
