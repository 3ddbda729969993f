"""RT-PCR: from the cycles of a plate to relative expression, the 21-gene score, and copies of a target."""

from cancernet.omics.pcr.analyse import (
    Copies,
    PcrOptions,
    Relative,
    Scores,
    count_target,
    relative_expression,
    score_plate,
)
from cancernet.omics.pcr.calls import Assay, Call, Rule, call_samples, calling_rule, characterise
from cancernet.omics.pcr.curve import Curve, count_copies, fit_curve
from cancernet.omics.pcr.figures import draw_copies, draw_relative, draw_scores, save_drawing
from cancernet.omics.pcr.limits import Blank, Detection, blank_limit, detection_limit, hit_rate
from cancernet.omics.pcr.plate import Plate
from cancernet.omics.pcr.read import MAX_CYCLE, read_plate
from cancernet.omics.pcr.references import References, choose_references
from cancernet.omics.pcr.relative import Comparison, DeltaCt, amplification, compare, delta_ct
from cancernet.omics.pcr.replicates import SPREAD, CtTable, combine
from cancernet.omics.pcr.rows import comparison_rows, copies_rows, delta_rows, score_rows, write_rows
from cancernet.omics.pcr.score import NOT_THE_TEST, RS21_CUTOFFS, RS21_GENES, RS21_REFERENCES, RecurrenceScore, rs21
from cancernet.omics.pcr.simulate import SimulatedPlate, simulate_plate
from cancernet.omics.pcr.stability import GeNorm, genorm, normfinder

__all__ = [
    "MAX_CYCLE",
    "NOT_THE_TEST",
    "RS21_CUTOFFS",
    "RS21_GENES",
    "RS21_REFERENCES",
    "SPREAD",
    "Assay",
    "Blank",
    "Call",
    "Comparison",
    "Copies",
    "CtTable",
    "Curve",
    "DeltaCt",
    "Detection",
    "GeNorm",
    "PcrOptions",
    "Plate",
    "RecurrenceScore",
    "References",
    "Relative",
    "Rule",
    "Scores",
    "SimulatedPlate",
    "amplification",
    "blank_limit",
    "call_samples",
    "calling_rule",
    "characterise",
    "choose_references",
    "combine",
    "compare",
    "comparison_rows",
    "copies_rows",
    "count_copies",
    "count_target",
    "delta_ct",
    "delta_rows",
    "detection_limit",
    "draw_copies",
    "draw_relative",
    "draw_scores",
    "fit_curve",
    "genorm",
    "hit_rate",
    "normfinder",
    "read_plate",
    "relative_expression",
    "rs21",
    "save_drawing",
    "score_plate",
    "score_rows",
    "simulate_plate",
    "write_rows",
]
