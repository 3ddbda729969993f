"""The options of survival models: frozen, each with its unit and the reason for its default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CoxOptions", "NetworkOptions"]


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


class NetworkOptions(BaseModel):
    """How a network for survival is fitted.

    Parameters
    ----------
    name
        "cox-network": one log hazard, by the partial likelihood. "logistic-hazard": the chance of the event in each of
        some intervals of time. "competing-hazards": the chance of each cause in each interval.
    body
        "dense"; "conv1d": convolutions over the 30 nuclear features, which other columns join afterwards; "auto":
        conv1d where a table has all 30 of them.
    filters
        Of each convolution.
    hidden
        Units of the dense layers.
    dropout, l2
        Share of units that are left out while training; weight of the squared norms in the loss.
    epochs, patience
        At most; stop after so many without a lower loss on the rows set aside, and take the best weights.
    stopping
        "each": every network ends at its own best epoch; "together": all are fitted for all epochs, and end at the one
        that is best for the held rows of all inner folds. For few events: nine of them choose an epoch by chance.
    batch_size
        Rows per step: the partial likelihood of a batch compares its own rows.
    learning_rate
        Of Adam.
    inner_folds
        The answer is the mean of so many networks, each of which stopped by another fold of the training rows.
    intervals
        Of time, with equal numbers of events; not of "cox-network".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Literal["cox-network", "logistic-hazard", "competing-hazards"]
    body: Literal["auto", "dense", "conv1d"] = "auto"
    filters: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(default=(16,), min_length=1, max_length=4)
    hidden: tuple[int, ...] = Field(default=(32, 32), min_length=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    l2: float = Field(default=1e-3, ge=0)
    epochs: int = Field(default=100, ge=1)
    patience: int = Field(default=12, ge=1)
    stopping: Literal["each", "together"] = "each"
    batch_size: int = Field(default=256, ge=8)
    learning_rate: float = Field(default=5e-3, gt=0)
    inner_folds: int = Field(default=5, ge=2)
    intervals: int = Field(default=15, ge=2, le=200)
