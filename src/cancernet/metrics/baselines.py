"""What a network has to beat: the shares of the classes, and logistic regression on plain columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.metrics.elastic import fit_elastic
from cancernet.tasks import TaskKind, cumulative_logits, softmax

__all__ = ["BAG_BASELINES", "BASELINES", "EXPRESSION_BASELINES", "PATCH_BASELINES", "baseline_logits"]

Floats = NDArray[np.float64]

BASELINES = ("majority", "logistic")
EXPRESSION_BASELINES = ("majority", "logistic", "elasticnet")
BAG_BASELINES = ("majority", "max", "mean")
PATCH_BASELINES = ("majority", "darkness", "colour", "statistics")
_RIDGE = 1.0  # inverse strength of the penalty, the default of scikit-learn
_FEW = 0.5  # rows that a class without any counts for, so that its logit is finite


def baseline_logits(
    name: str,
    values: ArrayLike,
    codes: ArrayLike,
    new_values: ArrayLike,
    *,
    classes: Sequence[str],
    kind: TaskKind = "multiclass",
) -> NDArray[np.float64]:
    """Fit a baseline on training rows and return its logits for new rows.

    "majority" gives every row the shares of the classes in the training rows. "logistic" is a logistic regression with
    a ridge penalty (C = 1) on columns standardised by the training rows, "elasticnet" one with the elastic net of
    `fit_elastic`, for many columns. "darkness", "colour", "statistics" and
    "measured" are the same on what is known of a patch: one column, its colours, its colours and sharpness, or numbers
    that were measured by hand; "max" and "mean" on the largest and the mean features of the tiles of a slide.

    Parameters
    ----------
    name
        One of `BASELINES` (of tables), `EXPRESSION_BASELINES`, `PATCH_BASELINES` or `BAG_BASELINES`, or "measured".
    values
        Shape (n, columns): training rows, no missing values.
    codes
        Shape (n,): their classes.
    new_values
        Shape (m, columns): rows to answer.
    classes
        Names in the order of the codes.
    kind
        Of the task. The baselines know no order; for "ordinal" they only answer in its form.

    Returns
    -------
    Shape (m, classes): logarithms of probabilities; for "ordinal" (m, classes - 1): their cumulative logits.

    Raises
    ------
    InvalidInput
        When the name is unknown, or the training rows of a logistic regression are of one class.
    """
    fit = _FITS[one_of(name, tuple(_FITS), "baseline")]
    table, truth = np.asarray(values, dtype=np.float64), np.asarray(codes, dtype=np.int64)
    new = np.asarray(new_values, dtype=np.float64)
    shares = np.maximum(np.bincount(truth, minlength=len(classes)), _FEW) / max(len(truth), 1)
    logits = np.tile(np.log(shares), (len(new), 1))
    if fit is not None:
        present, found = fit(table, truth, new)
        logits[:, present] = found
    return cumulative_logits(softmax(logits)) if kind == "ordinal" else logits


def _logistic(values: Floats, codes: NDArray[np.int64], new: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the codes that were seen and the logarithms of their probabilities."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(codes)) < 2:
        raise InvalidInput("The training rows are of one class", "Two classes at least", "Use other folds")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_RIDGE, max_iter=10_000))
    model.fit(values, codes)
    decision = np.asarray(model.decision_function(new), dtype=np.float64)
    decision = np.column_stack([np.zeros(len(new)), decision]) if decision.ndim == 1 else decision
    return model.classes_.astype(np.int64), decision - np.logaddexp.reduce(decision, axis=1, keepdims=True)


def _elastic(values: Floats, codes: NDArray[np.int64], new: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the codes that were seen and the logarithms of their probabilities, by the elastic net."""
    present, codes = np.unique(codes, return_inverse=True)
    logits = fit_elastic(values, codes, classes=len(present)).logits(new)
    return present, logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


_Fit = Callable[[Floats, NDArray[np.int64], Floats], tuple[NDArray[np.int64], Floats]]
_FITS: dict[str, _Fit | None] = {  # how each is fitted; None: the shares of the classes say it all
    "majority": None,
    "logistic": _logistic,
    "elasticnet": _elastic,
    "darkness": _logistic,
    "colour": _logistic,
    "statistics": _logistic,
    "measured": _logistic,
    "max": _logistic,
    "mean": _logistic,
}
