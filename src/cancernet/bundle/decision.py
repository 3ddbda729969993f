"""The part of a card that says how logits become an answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from cancernet.bundle.part import Part, refuse
from cancernet.tasks import TaskKind, probabilities

__all__ = ["Conformal", "Decision", "GradeCuts", "Novelty", "Outlining", "Threshold"]


class Threshold(Part):
    """Probability of the positive class from which on a case is called positive, by which rule, on which rows."""

    value: float = Field(ge=0, le=1)
    rule: str
    rows: str


class Conformal(Part):
    """Quantile of 1 - p(true class) whose sets hold the truth with the given coverage, and the rows it is from."""

    quantile: float = Field(ge=0, le=1)
    coverage: float = Field(gt=0, lt=1)
    rows: str


class Novelty(Part):
    """What the training rows looked like, so that a row unlike them can be told (Mahalanobis distance).

    Parameters
    ----------
    mean, scale
        Per column; a row is standardised by them first.
    precision
        Inverse covariance of the standardised columns; empty where there are so many that each counts by itself.
    limit
        Distance beyond which a row is out of distribution.
    rows
        The rows these numbers are from.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    limit: float = Field(gt=0)
    rows: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold the shapes together."""
        columns = len(self.mean)
        refuse(len(self.scale) != columns, f"{len(self.scale)} scales for {columns} means")
        refuse(any(scale <= 0 for scale in self.scale), "every scale must be above zero")
        lengths = {len(row) for row in self.precision} | {len(self.precision)}
        refuse(bool(self.precision) and lengths != {columns}, f"precision must be {columns} x {columns}, or empty")
        return self


class Outlining(Part):
    """How the maps of a segmentation become outlines, one by one.

    Parameters
    ----------
    threshold
        Probability from which on a pixel belongs to a nucleus.
    seed
        Share of the distance to the edge, 1 in the middle of a nucleus, from which on pixels are its seed: touching
        nuclei have seeds of their own. A nucleus without one gets its seed from a lower share, down to 0.4 of this one.
    smooth_um
        Standard deviation of the Gaussian that the distance is smoothed by first, microns.
    least_um2
        What is smaller is no nucleus, square microns. The small nuclei of kidney sections have 6.
    rows
        The rows that threshold and seed were chosen on.
    """

    threshold: float = Field(default=0.5, gt=0, lt=1)
    seed: float = Field(default=0.5, gt=0, lt=1)
    smooth_um: float = Field(default=0.35, ge=0)
    least_um2: float = Field(default=2.0, ge=0)
    rows: str = ""


class GradeCuts(Part):
    """Cut points of the expected grade, by which rule, on which rows: above the first is the second grade."""

    values: tuple[float, ...] = Field(min_length=2)
    rule: str
    rows: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse cut points that fall."""
        refuse(any(later < sooner for sooner, later in pairwise(self.values)), "cut points of grades must not fall")
        return self


class Decision(Part):
    """How logits become an answer, in this order: temperature, bias, threshold, sets, out of distribution.

    Parameters
    ----------
    temperature
        Divides the logits.
    bias
        Added to the logits after that, one number for each of them; empty for nothing.
    temperature_rows
        The rows that both were fitted on; empty when they were not fitted.
    threshold
        None: the most probable class is the answer, of ordered grades the one nearest to the expected grade.
    grades
        Of ordered grades: other cut points than half-way between two of them.
    conformal
        None: no sets, hence no abstention by sets.
    novelty
        None: no check for rows unlike the training rows.
    outlining
        Of segmentations; None of all others.
    """

    temperature: float = Field(default=1.0, gt=0)
    bias: tuple[float, ...] = ()
    temperature_rows: str = ""
    threshold: Threshold | None = None
    grades: GradeCuts | None = None
    conformal: Conformal | None = None
    novelty: Novelty | None = None
    outlining: Outlining | None = None

    def calibrated(self, logits: NDArray[np.floating], *, kind: TaskKind) -> NDArray[np.float64]:
        """Return the calibrated probabilities, (..., n, classes), of logits (..., n, width)."""
        return probabilities(logits, self.temperature, bias=self.bias, kind=kind)
