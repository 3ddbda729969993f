"""Studies of patches: CancerNet beside darkness and colour statistics, calibrated across folds."""

from cancernet.studies.patches.fit import fit_patches
from cancernet.studies.patches.plan import PatchPlan, in_colours, make_patch_plan, patch_options, patch_table
from cancernet.studies.patches.shown import shown_patches

__all__ = [
    "PatchPlan",
    "fit_patches",
    "in_colours",
    "make_patch_plan",
    "patch_options",
    "patch_table",
    "shown_patches",
]
