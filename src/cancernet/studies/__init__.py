"""A study file becomes a run folder; the only room that knows every task family."""

from cancernet.studies.bags import bag_table
from cancernet.studies.evaluate import EvaluateOptions, evaluate
from cancernet.studies.nuclei import NucleiRun
from cancernet.studies.options import (
    BagStudy,
    ExpressionStudy,
    FusionStudy,
    NucleiStudy,
    PatchStudy,
    Study,
    SurvivalStudy,
    TableStudy,
)
from cancernet.studies.patches import patch_table
from cancernet.studies.progress import Progress
from cancernet.studies.read import builtin_studies, find_study, parse_study, read_study, study_from, template, to_toml
from cancernet.studies.survival import SurvivalPlan, SurvivalRun, make_survival_plan, run_survival
from cancernet.studies.train import Run, run, train

__all__ = [
    "BagStudy",
    "EvaluateOptions",
    "ExpressionStudy",
    "FusionStudy",
    "NucleiRun",
    "NucleiStudy",
    "PatchStudy",
    "Progress",
    "Run",
    "Study",
    "SurvivalPlan",
    "SurvivalRun",
    "SurvivalStudy",
    "TableStudy",
    "bag_table",
    "builtin_studies",
    "evaluate",
    "find_study",
    "make_survival_plan",
    "parse_study",
    "patch_table",
    "read_study",
    "run",
    "run_survival",
    "study_from",
    "template",
    "to_toml",
    "train",
]
