"""Studies of several runs of the same patients: their answers joined, stacked and judged in the same folds."""

from cancernet.studies.fusion.classes import FusionPlan, make_fusion_plan
from cancernet.studies.fusion.given import read_fused
from cancernet.studies.fusion.sources import read_sources
from cancernet.studies.fusion.timed import FusedSurvivalPlan, make_timed_fusion

__all__ = ["FusedSurvivalPlan", "FusionPlan", "make_fusion_plan", "make_timed_fusion", "read_fused", "read_sources"]
