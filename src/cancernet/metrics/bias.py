"""Temperature and bias together: for logits that are not only too sure, but lean to some classes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.metrics.calibration import TEMPERATURES, fit_temperature
from cancernet.tasks import TaskKind, biased, log_probabilities

__all__ = ["fit_temperature_and_bias"]

Floats = NDArray[np.float64]

_FEWEST_ROWS = 10  # of each class: the bias of a class that is hardly there would say nothing
_LARGEST, _AT = 10.0, 1e-6  # of a difference of two biases, in logits; so near to a limit is at it


def fit_temperature_and_bias(
    logits: ArrayLike, truth: ArrayLike, *, kind: TaskKind = "multiclass"
) -> tuple[float, tuple[float, ...]]:
    """Return the temperature and the bias that make the true classes most likely.

    The logits become logits / temperature + bias: one bias for each class, of mean zero, or for ordered grades one for
    each cut-point, none less than the one before: so it moves cut-points apart, never past each other, whichever
    network they are of. Both are fitted at once; the loss is convex. The bias is empty, and the temperature that of
    `fit_temperature`, where a class has fewer than 10 rows, or where the classes can be told apart without a mistake,
    so that no finite temperature is best.

    Parameters
    ----------
    logits
        Shape (n, classes), or (n, classes - 1) for "ordinal", of rows that the weights have not seen.
    truth
        Shape (n,): codes.
    kind
        Of the task, which says how logits become probabilities.

    Raises
    ------
    InvalidInput
        As `fit_temperature` does.

    References
    ----------
    "Bias-corrected temperature scaling", Alexandari, Kundaje and Shrikumar 2020, arXiv:1901.06852, section 3.
    """
    from scipy.optimize import minimize

    values, codes = np.asarray(logits, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    temperature = fit_temperature(values, codes, kind=kind)
    classes = values.shape[1] + (kind == "ordinal")
    if np.bincount(codes, minlength=classes).min() < _FEWEST_ROWS:
        return temperature, ()
    rows = np.arange(len(values))

    def loss(numbers: Floats) -> float:
        changed = biased(values, math.exp(numbers[0]), bias=_spread(numbers[1:], kind))
        return -float(log_probabilities(changed, kind)[rows, codes].mean())

    apart = [(0.0, _LARGEST)] if kind == "ordinal" else [(-_LARGEST, _LARGEST)]
    bounds = [(math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1])), (-_LARGEST, _LARGEST), *apart * (classes - 2)]
    start = np.array([math.log(temperature), *[0.0] * (classes - 1)])
    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9}).x
    if found[0] <= bounds[0][0] + _AT or np.abs(found[1:]).max() >= _LARGEST - _AT:
        return temperature, ()
    return math.exp(found[0]), tuple(_spread(found[1:], kind).tolist())


def _spread(free: Floats, kind: TaskKind) -> Floats:
    """Return the bias of each logit from its free numbers: of grades the first one, and the steps."""
    if kind == "ordinal":
        return np.cumsum(free)
    every = np.append(free, 0.0)
    centred: Floats = every - every.mean()
    return centred
