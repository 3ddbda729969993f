"""Decode, calibrate, sets, abstain, out of distribution: NumPy only."""

from cancernet.predict.bags import answer_bags, bag_input, predict_bags
from cancernet.predict.decide import (
    Cases,
    also_unlike,
    cases,
    check_prevalence,
    decide,
    decide_parts,
    fill_missing,
    join_cases,
)
from cancernet.predict.fields import refuse_fields
from cancernet.predict.novelty import fit_novelty, novelty_distance, novelty_reason
from cancernet.predict.patches import answer_patches, patch_input, predict_patches
from cancernet.predict.rows import RowColumns, tabulate, write_predictions, write_rows
from cancernet.predict.stream import Batch, Summary, check_place, predict_batches, predict_file

__all__ = [
    "Batch",
    "Cases",
    "RowColumns",
    "Summary",
    "also_unlike",
    "answer_bags",
    "answer_patches",
    "bag_input",
    "cases",
    "check_place",
    "check_prevalence",
    "decide",
    "decide_parts",
    "fill_missing",
    "fit_novelty",
    "join_cases",
    "novelty_distance",
    "novelty_reason",
    "patch_input",
    "predict_bags",
    "predict_batches",
    "predict_file",
    "predict_patches",
    "refuse_fields",
    "tabulate",
    "write_predictions",
    "write_rows",
]
