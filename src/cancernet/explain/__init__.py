"""Why a model answers as it does: attribution per row, importance per column, and where in a patch (Grad-CAM)."""

from cancernet.explain.attention import attention_of
from cancernet.explain.attribution import METHODS, Attribution, occlusion, reference_row, shapley
from cancernet.explain.figures import attribution_figure, importance_figure
from cancernet.explain.gradcam import GradCam, grad_cam
from cancernet.explain.importance import (
    Importance,
    importance_from_permuted,
    permutation_importance,
    permuted_logits,
)
from cancernet.explain.overlay import cam_picture, overlay
from cancernet.explain.patch import explain_patches
from cancernet.explain.patchpage import PatchExplanation
from cancernet.explain.table import Explanation, explain_table

__all__ = [
    "METHODS",
    "Attribution",
    "Explanation",
    "GradCam",
    "Importance",
    "PatchExplanation",
    "attention_of",
    "attribution_figure",
    "cam_picture",
    "explain_patches",
    "explain_table",
    "grad_cam",
    "importance_figure",
    "importance_from_permuted",
    "occlusion",
    "overlay",
    "permutation_importance",
    "permuted_logits",
    "reference_row",
    "shapley",
]
