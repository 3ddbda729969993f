"""Studies of nuclei, and of parts of cells: images whose outlines are known."""

from cancernet.studies.nuclei.plan import NucleiPlan, make_nuclei_plan
from cancernet.studies.nuclei.train import NucleiRun, train_nuclei

__all__ = ["NucleiPlan", "NucleiRun", "make_nuclei_plan", "train_nuclei"]
