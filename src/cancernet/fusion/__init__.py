"""Several bundles, one patient: out-of-fold answers joined by patient, stacked, and asked of new patients."""

from cancernet.fusion.answer import OVERLAP, Answered, Said, ask_rows, ask_sources, fusion_of, join_said, tables_by_name
from cancernet.fusion.files import foretell_fused, predict_fused
from cancernet.fusion.join import Joined, join, match_patients
from cancernet.fusion.options import StackOptions
from cancernet.fusion.source import Source, column_names, log_ratios, mean_by_patient, read_source
from cancernet.fusion.stack import Stack, fit_stack, mean_weights

__all__ = [
    "OVERLAP",
    "Answered",
    "Joined",
    "Said",
    "Source",
    "Stack",
    "StackOptions",
    "ask_rows",
    "ask_sources",
    "column_names",
    "fit_stack",
    "foretell_fused",
    "fusion_of",
    "join",
    "join_said",
    "log_ratios",
    "match_patients",
    "mean_by_patient",
    "mean_weights",
    "predict_fused",
    "read_source",
    "tables_by_name",
]
