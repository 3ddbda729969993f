"""The options of a stack: frozen, each with its unit and the reason for its default."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["StackOptions"]


class StackOptions(BaseModel):
    """How the answers of several sources become one.

    Of classes by a logistic regression on the logarithms of their calibrated probabilities, of survival by a ridge Cox
    model on their risks.

    Parameters
    ----------
    penalty
        Of classes: how strongly weights are drawn to the plain mean of the sources; of survival: to nothing. None: that
        of the best cross-validated likelihood in the training rows.
    inner_folds
        Of that cross-validation, by patient.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["stack"] = "stack"
    penalty: float | None = Field(default=None, ge=0)
    inner_folds: int = Field(default=5, ge=2)
