"""Whether one model is better than another on the same rows: differences with intervals over the same groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics.intervals import percentile
from cancernet.metrics.measure import resample
from cancernet.metrics.scored import Scored
from cancernet.metrics.tally import Named, parts_of, values_at

__all__ = ["BINARY_DIFFERENCES", "MULTICLASS_DIFFERENCES", "ORDERED_DIFFERENCES", "paired_difference"]

BINARY_DIFFERENCES = (
    "auroc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "mcc",
    "brier",
    "nll",
    "ece",
)
MULTICLASS_DIFFERENCES = ("macro_auroc", "accuracy", "balanced_accuracy", "macro_f1", "kappa", "brier", "nll", "ece")
ORDERED_DIFFERENCES = ("quadratic_kappa", "mean_absolute_error", *MULTICLASS_DIFFERENCES)


def paired_difference(
    first: Scored, second: Scored, *, metrics: Sequence[str] | None = None, draws: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Return first minus second for each metric, with intervals from resampling the groups of both together.

    An interval that excludes zero says that one is better on such groups; for brier, nll, ece and mean_absolute_error
    less is better.

    Parameters
    ----------
    first, second
        Answers of two models for the same rows in the same order.
    metrics
        Names of metrics; the usual ones when None.
    draws, seed
        Number of resamples of the groups, and where they start.

    Raises
    ------
    InvalidInput
        When truth, groups, classes or their order differ, there are no rows, or a metric is not one of theirs.
    """
    _check_same(first, second)
    names = metrics or _usual(first)
    values, drawn = _both(first, draws, seed), _both(second, draws, seed)
    for name in names:
        one_of(name, tuple(values[0]), "metric")
    pairs = {name: (values[0][name] - drawn[0][name], values[1][name] - drawn[1][name]) for name in names}
    return {name: _difference(first, float(value[0]), spread) for name, (value, spread) in pairs.items()}


def _usual(scored: Scored) -> tuple[str, ...]:
    """Return the metrics that are compared when none are named."""
    if scored.binary:
        return BINARY_DIFFERENCES
    return ORDERED_DIFFERENCES if scored.ordered else MULTICLASS_DIFFERENCES


def _both(scored: Scored, draws: int, seed: int) -> tuple[Named, Named]:
    """Return the metrics of the rows, and of resamples that are the same for every model."""
    parts = parts_of(scored)
    return values_at(parts, np.ones((1, scored.group_count))), resample(scored, parts, draws=draws, seed=seed)


def _difference(scored: Scored, value: float, drawn: NDArray[np.float64]) -> Estimate:
    """Return the estimate of one difference."""
    rows, groups = len(scored), scored.group_count
    if not np.isfinite(value):
        return Estimate.undefined("it is undefined for one of the two", n=rows, groups=groups)
    bounds = percentile(drawn, scored.rarest_groups)
    if groups < 2 or bounds is None:
        return Estimate(value, None, None, rows, groups, "none", "too few groups to resample")
    return Estimate(value, *bounds, rows, groups, f"percentile paired bootstrap over groups, {len(drawn)} draws")


def _check_same(first: Scored, second: Scored) -> None:
    """Refuse rows that are not the same."""
    if not len(first):
        raise InvalidInput("There are no rows to compare", "One row at least")
    questions = [(scored.classes, scored.positive, scored.ordered) for scored in (first, second)]
    if questions[0] != questions[1]:
        raise InvalidInput("The two models answer different questions", "The same classes in the same order")
    for name in ("truth", "groups"):
        if not np.array_equal(getattr(first, name), getattr(second, name)):
            raise InvalidInput(f"The two models were not tested on the same rows: '{name}' differs", "The same rows")
