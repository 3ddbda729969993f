"""Decode, calibrate, sets, abstain, out of distribution: NumPy only."""

from cancernet.predict.decide import Cases, cases, check_prevalence, decide, decide_parts, fill_missing, join_cases
from cancernet.predict.novelty import fit_novelty, novelty_distance, novelty_reason
from cancernet.predict.rows import RowColumns, tabulate, write_predictions, write_rows
from cancernet.predict.stream import Summary, predict_file

__all__ = [
    "Cases",
    "RowColumns",
    "Summary",
    "cases",
    "check_prevalence",
    "decide",
    "decide_parts",
    "fill_missing",
    "fit_novelty",
    "join_cases",
    "novelty_distance",
    "novelty_reason",
    "predict_file",
    "tabulate",
    "write_predictions",
    "write_rows",
]
