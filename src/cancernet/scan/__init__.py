"""Whole slides: tiles and their scores, a heat map, foci with outlines, a summary, and an overview of many."""

from cancernet.scan.foci import Tissue
from cancernet.scan.heat import Target, target_of
from cancernet.scan.inputs import find_slides
from cancernet.scan.options import ScanOptions, parse_region
from cancernet.scan.overview import Scanned, read_scanned, write_overview
from cancernet.scan.picture import Thumbnail, round_length
from cancernet.scan.run import patch_of, scan_item, scan_slide
from cancernet.scan.tissue import inside, tissue_of, within

__all__ = [
    "ScanOptions",
    "Scanned",
    "Target",
    "Thumbnail",
    "Tissue",
    "find_slides",
    "inside",
    "parse_region",
    "patch_of",
    "read_scanned",
    "round_length",
    "scan_item",
    "scan_slide",
    "target_of",
    "tissue_of",
    "within",
    "write_overview",
]
