"""Cells: nuclei outlined and measured, and the way from an image to the features of the FNA model."""

from cancernet.cells.classical import Classical
from cancernet.cells.cytology import CYTOLOGY, measure_cell
from cancernet.cells.field import Field, read_field, read_labels
from cancernet.cells.fna import CAVEAT, FNA_NAMES, OFF_BY, UM_PER_UNIT, FnaAnswer, ask_fna, say_answer
from cancernet.cells.measure import HARALICK, PATTERNS, POINTS, SHAPES, WISCONSIN, Measured, measure_nuclei, shapes
from cancernet.cells.network import NetworkSegmenter, read_maps, resize_maps
from cancernet.cells.profile import PROFILE, mitosis_candidates, profile_of
from cancernet.cells.run import CellOptions, Examined, examine, write_examined
from cancernet.cells.segmenter import Segmenter
from cancernet.cells.segmenters import SEGMENTERS, open_segmenter
from cancernet.cells.watershed import enlarge, outline, owned

__all__ = [
    "CAVEAT",
    "CYTOLOGY",
    "FNA_NAMES",
    "HARALICK",
    "OFF_BY",
    "PATTERNS",
    "POINTS",
    "PROFILE",
    "SEGMENTERS",
    "SHAPES",
    "UM_PER_UNIT",
    "WISCONSIN",
    "CellOptions",
    "Classical",
    "Examined",
    "Field",
    "FnaAnswer",
    "Measured",
    "NetworkSegmenter",
    "Segmenter",
    "ask_fna",
    "enlarge",
    "examine",
    "measure_cell",
    "measure_nuclei",
    "mitosis_candidates",
    "open_segmenter",
    "outline",
    "owned",
    "profile_of",
    "read_field",
    "read_labels",
    "read_maps",
    "resize_maps",
    "say_answer",
    "shapes",
    "write_examined",
]
