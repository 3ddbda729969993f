"""Studies of the time to an event."""

from cancernet.studies.survival.outside import TimedOptions, evaluate_survival
from cancernet.studies.survival.plan import SurvivalPlan, make_survival_plan
from cancernet.studies.survival.run import SurvivalRun, run_survival, write_survival

__all__ = [
    "SurvivalPlan",
    "SurvivalRun",
    "TimedOptions",
    "evaluate_survival",
    "make_survival_plan",
    "run_survival",
    "write_survival",
]
