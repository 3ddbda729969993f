"""What a study of survival found: everything that page, figures and `metrics.json` show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.survival.causes import CauseForecast
from cancernet.survival.forecast import Forecast
from cancernet.survival.logrank import LogRank
from cancernet.survival.outcome import Outcome

__all__ = ["Example", "HazardRatio", "SurvivalRecord"]

Estimates = Mapping[str, Estimate]


@dataclass(frozen=True)
class HazardRatio:
    """A hazard ratio per standard deviation of a column.

    Parameters
    ----------
    name
        Of the column.
    value, low, high
        The ratio and its 95 % interval; None where the penalty leaves none that holds.
    chosen
        Share of the folds in which the column was not left out.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    chosen: float


@dataclass(frozen=True, eq=False)
class Example:
    """The curve of one test patient, shape (times,), with the band of models fitted on resampled training patients."""

    name: str
    times: NDArray[np.float64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SurvivalRecord:
    """The findings.

    Parameters
    ----------
    name, title
        Of the study.
    model
        What its model is called.
    event
        What the event is called.
    forecast
        The pooled test rows.
    group
        Shape (n,): the risk group of each, by cuts of training rows.
    first
        Positions of the test rows of the first repeat: nobody is among them twice.
    logrank
        Of these groups, on those rows; None with fewer than two groups.
    metrics, folds, baselines, differences
        Estimates of all, of each fold, of each baseline, and of model minus baseline.
    ratios
        Hazard ratios of the bundle's model.
    examples
        Curves of single patients.
    competing
        The outcome with all causes; None when there is one.
    causes
        The pooled test rows by cause; empty where one event is predicted.
    facts, statements, notes, leak_sentences, limits, licences
        For the page.
    leak_audit
        For machines.
    """

    name: str
    title: str
    model: str
    event: str
    forecast: Forecast
    group: NDArray[np.int64]
    first: NDArray[np.int64]
    metrics: Estimates
    facts: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]
    logrank: LogRank | None = None
    folds: tuple[Estimates, ...] = ()
    baselines: Mapping[str, Estimates] = field(default_factory=dict)
    differences: Mapping[str, Estimates] = field(default_factory=dict)
    ratios: tuple[HazardRatio, ...] = ()
    examples: tuple[Example, ...] = ()
    competing: Outcome | None = None
    causes: Mapping[str, CauseForecast] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    leak_sentences: tuple[str, ...] = ()
    leak_audit: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    licences: tuple[tuple[str, str], ...] = ()
    kind: Literal["train", "evaluate"] = "train"
