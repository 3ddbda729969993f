"""The options of survival models: frozen, each with its unit and the reason for its default."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CoxOptions"]


class CoxOptions(BaseModel):
    """How a Cox model is fitted.

    Parameters
    ----------
    l1_ratio
        0 is ridge; above, an elastic net that leaves columns out; 1 is the lasso.
    penalty
        Of -log(partial likelihood) / n, on columns of standard deviation 1; None: that of the largest cross-validated
        partial likelihood (Verweij and van Houwelingen 1993, doi:10.1002/sim.4780122407).
    tried
        How many penalties are tried.
    inner_folds
        Of that cross-validation, by patient, inside the training rows.
    ties
        Of events at one time: "efron" or "breslow".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["cox"] = "cox"
    l1_ratio: float = Field(default=0.0, ge=0, le=1)
    penalty: float | None = Field(default=None, ge=0)
    tried: int = Field(default=25, ge=2, le=1000)
    inner_folds: int = Field(default=5, ge=2)
    ties: Literal["efron", "breslow"] = "efron"
