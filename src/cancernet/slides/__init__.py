"""One reader for all slide formats: pixels of a box at any resolution, and what is known of that resolution."""

from cancernet.slides.slide import Pitch, Slide

# Tissue, quality and masks: from a thumbnail alone.
from cancernet.slides.focus import Detail, detail_of  # isort: skip
from cancernet.slides.geojson import Region, read_geojson, write_geojson  # isort: skip
from cancernet.slides.masks import polygons_of, rasterise  # isort: skip
from cancernet.slides.quality import Finding, Quality, quality_of  # isort: skip
from cancernet.slides.tissue import TissueOptions, tissue_mask  # isort: skip

__all__ = [
    "Detail",
    "Finding",
    "Pitch",
    "Quality",
    "Region",
    "Slide",
    "TissueOptions",
    "detail_of",
    "polygons_of",
    "quality_of",
    "rasterise",
    "read_geojson",
    "tissue_mask",
    "write_geojson",
]
