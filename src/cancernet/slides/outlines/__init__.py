"""Masks, polygons in base-level pixels, and the GeoJSON that QuPath reads and writes."""

from cancernet.slides.outlines.geojson import Region, growing_geojson, read_geojson, write_geojson
from cancernet.slides.outlines.masks import polygons_of, rasterise

__all__ = ["Region", "growing_geojson", "polygons_of", "rasterise", "read_geojson", "write_geojson"]
