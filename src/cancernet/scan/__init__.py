"""Whole slides: tiles and their scores, a heat map, foci with outlines, a summary, and an overview of many."""

from cancernet.scan.heat import Target, target_of
from cancernet.scan.inputs import find_slides
from cancernet.scan.options import ScanOptions, parse_region
from cancernet.scan.overview import Scanned, read_scanned, write_overview
from cancernet.scan.run import patch_of, scan_item, scan_slide

__all__ = [
    "ScanOptions",
    "Scanned",
    "Target",
    "find_slides",
    "parse_region",
    "patch_of",
    "read_scanned",
    "scan_item",
    "scan_slide",
    "target_of",
    "write_overview",
]
