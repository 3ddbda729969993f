"""Why a model answers as it does: attribution per row, importance per column."""

from cancernet.explain.attribution import METHODS, Attribution, occlusion, reference_row, shapley
from cancernet.explain.figures import attribution_figure, importance_figure
from cancernet.explain.importance import (
    Importance,
    importance_from_permuted,
    permutation_importance,
    permuted_logits,
)
from cancernet.explain.table import Explanation, explain_table

__all__ = [
    "METHODS",
    "Attribution",
    "Explanation",
    "Importance",
    "attribution_figure",
    "explain_table",
    "importance_figure",
    "importance_from_permuted",
    "occlusion",
    "permutation_importance",
    "permuted_logits",
    "reference_row",
    "shapley",
]
