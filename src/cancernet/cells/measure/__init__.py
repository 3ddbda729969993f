"""Measurements of nuclei: contours finer than a pixel, the ten Wisconsin features, stain, chromatin, places."""

from cancernet.cells.measure.chromatin import HARALICK, PATTERNS
from cancernet.cells.measure.contours import POINTS, Contours, contours_of
from cancernet.cells.measure.mend import checked_labels
from cancernet.cells.measure.places import AROUND_UM
from cancernet.cells.measure.rings import rings_of
from cancernet.cells.measure.table import (
    WISCONSIN,
    Measured,
    checked_image,
    measure_nuclei,
    measured_columns,
    no_nuclei,
)
from cancernet.cells.measure.wisconsin import SHAPES, shapes

__all__ = [
    "AROUND_UM",
    "HARALICK",
    "PATTERNS",
    "POINTS",
    "SHAPES",
    "WISCONSIN",
    "Contours",
    "Measured",
    "checked_image",
    "checked_labels",
    "contours_of",
    "measure_nuclei",
    "measured_columns",
    "no_nuclei",
    "rings_of",
    "shapes",
]
