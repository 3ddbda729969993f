"""Cells: nuclei outlined and measured, and the way from an image to the features of the FNA model."""

from cancernet.cells.cellset import CellSetOptions, cell_table
from cancernet.cells.channels import StainChannels
from cancernet.cells.classical import Classical, FittedClassical
from cancernet.cells.cropset import CropOptions, CropSet, make_crops
from cancernet.cells.cytology import CYTOLOGY, measure_cell
from cancernet.cells.cytoplasm import CytologySegmenter, cells_of, with_cells
from cancernet.cells.field import Field, read_field, read_labels
from cancernet.cells.fna import CAVEAT, FNA_NAMES, OFF_BY, UM_PER_UNIT, FnaAnswer, ask_fna, say_answer
from cancernet.cells.grades import CellGrades
from cancernet.cells.measure import HARALICK, PATTERNS, POINTS, SHAPES, WISCONSIN, Measured, measure_nuclei, shapes
from cancernet.cells.network import NetworkSegmenter, outline_maps, read_maps, resize_maps
from cancernet.cells.profile import PROFILE, mitosis_candidates, profile_of
from cancernet.cells.run import CellOptions, Examined, examine, write_examined
from cancernet.cells.segmenter import Fits, OpenSegmenter, Segmenter
from cancernet.cells.segmenters import SEGMENTERS, digest_of, open_segmenter
from cancernet.cells.tiled import MARGIN_UM, SlideOptions, cells_item, examine_slide, is_field
from cancernet.cells.tools import CellTools, open_tools
from cancernet.cells.types import ABSTAINED, NucleusTypes, cut_crops
from cancernet.cells.watershed import outline, owned

__all__ = [
    "ABSTAINED",
    "CAVEAT",
    "CYTOLOGY",
    "FNA_NAMES",
    "HARALICK",
    "MARGIN_UM",
    "OFF_BY",
    "PATTERNS",
    "POINTS",
    "PROFILE",
    "SEGMENTERS",
    "SHAPES",
    "UM_PER_UNIT",
    "WISCONSIN",
    "CellGrades",
    "CellOptions",
    "CellSetOptions",
    "CellTools",
    "Classical",
    "CropOptions",
    "CropSet",
    "CytologySegmenter",
    "Examined",
    "Field",
    "Fits",
    "FittedClassical",
    "FnaAnswer",
    "Measured",
    "NetworkSegmenter",
    "NucleusTypes",
    "OpenSegmenter",
    "Segmenter",
    "SlideOptions",
    "StainChannels",
    "ask_fna",
    "cell_table",
    "cells_item",
    "cells_of",
    "cut_crops",
    "digest_of",
    "examine",
    "examine_slide",
    "is_field",
    "make_crops",
    "measure_cell",
    "measure_nuclei",
    "mitosis_candidates",
    "open_segmenter",
    "open_tools",
    "outline",
    "outline_maps",
    "owned",
    "profile_of",
    "read_field",
    "read_labels",
    "read_maps",
    "resize_maps",
    "say_answer",
    "shapes",
    "with_cells",
    "write_examined",
]
