"""What a network has to beat: the shares of the classes, and logistic regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput

__all__ = ["BASELINES", "baseline_logits"]

BASELINES = ("majority", "logistic")
_RIDGE = 1.0  # inverse strength of the penalty, the default of scikit-learn
_FEW = 0.5  # rows that a class without any counts for, so that its logit is finite


def baseline_logits(
    name: str, values: ArrayLike, codes: ArrayLike, new_values: ArrayLike, *, classes: Sequence[str]
) -> NDArray[np.float64]:
    """Fit a baseline on training rows and return its logits for new rows.

    "majority" gives every row the shares of the classes in the training rows. "logistic" is a logistic regression with
    a ridge penalty (C = 1) on columns standardised by the training rows.

    Parameters
    ----------
    name
        "majority" or "logistic".
    values
        Shape (n, columns): training rows, no missing values.
    codes
        Shape (n,): their classes.
    new_values
        Shape (m, columns): rows to answer.
    classes
        Names in the order of the codes.

    Returns
    -------
    Shape (m, classes): logarithms of probabilities.

    Raises
    ------
    InvalidInput
        When the name is unknown, or the training rows of "logistic" are of one class.
    """
    one_of(name, BASELINES, "baseline")
    table, truth = np.asarray(values, dtype=np.float64), np.asarray(codes, dtype=np.int64)
    new = np.asarray(new_values, dtype=np.float64)
    shares = np.maximum(np.bincount(truth, minlength=len(classes)), _FEW) / max(len(truth), 1)
    logits = np.tile(np.log(shares), (len(new), 1))
    if name == "logistic":
        present, found = _logistic(table, truth, new)
        logits[:, present] = found
    return logits


def _logistic(
    values: NDArray[np.float64], codes: NDArray[np.int64], new: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
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
