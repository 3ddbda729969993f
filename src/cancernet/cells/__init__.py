"""Cells: nuclei outlined and measured, and the way from an image to the features of the FNA model."""

from cancernet.cells.measure import HARALICK, PATTERNS, POINTS, SHAPES, WISCONSIN, Measured, measure_nuclei, shapes

__all__ = [
    "HARALICK",
    "PATTERNS",
    "POINTS",
    "SHAPES",
    "WISCONSIN",
    "Measured",
    "measure_nuclei",
    "shapes",
]
