"""Studies of patches: CancerNet beside darkness and colour statistics, calibrated across folds."""

from cancernet.studies.patches.fit import fit_patches
from cancernet.studies.patches.plan import PatchPlan, described, make_patch_plan, patch_options
from cancernet.studies.patches.shown import shown_patches

__all__ = ["PatchPlan", "described", "fit_patches", "make_patch_plan", "patch_options", "shown_patches"]
