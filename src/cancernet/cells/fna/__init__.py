"""The bridge from an image to the FNA model: the 30 features of a field, and the model's answer or abstention."""

from cancernet.cells.fna.answer import CAVEAT, FnaAnswer, ask_fna
from cancernet.cells.fna.features import FNA_NAMES, FieldNuclei, nuclei_of, statistics, statistics_without_each
from cancernet.cells.fna.units import OFF_BY, PUBLISHED_UM2, UM_PER_UNIT, WISCONSIN_AREAS, in_units
from cancernet.cells.fna.words import describe_answer, say_answer, write_answer

__all__ = [
    "CAVEAT",
    "FNA_NAMES",
    "OFF_BY",
    "PUBLISHED_UM2",
    "UM_PER_UNIT",
    "WISCONSIN_AREAS",
    "FieldNuclei",
    "FnaAnswer",
    "ask_fna",
    "describe_answer",
    "in_units",
    "nuclei_of",
    "say_answer",
    "statistics",
    "statistics_without_each",
    "write_answer",
]
