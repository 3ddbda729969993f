"""Types of nuclei: squares around them, a bundle that says what they are, shares and colours of types."""

from cancernet.cells.types.answer import MOST_UM, NucleusTypes, classes_of, with_types
from cancernet.cells.types.crops import cut_crops
from cancernet.cells.types.shares import (
    ABSTAINED,
    UNDECIDED,
    colour_of,
    count_types,
    describe_types,
    shown_types,
    typed_colours,
)

__all__ = [
    "ABSTAINED",
    "MOST_UM",
    "UNDECIDED",
    "NucleusTypes",
    "classes_of",
    "colour_of",
    "count_types",
    "cut_crops",
    "describe_types",
    "shown_types",
    "typed_colours",
    "with_types",
]
