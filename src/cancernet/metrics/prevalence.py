"""The same model where the disease is rarer or more frequent than in the data it was fitted on. NumPy only."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate

__all__ = ["predictive_values", "reweight"]

_SUM_TOLERANCE = 1e-6


def reweight(probabilities: ArrayLike, prior: ArrayLike, new_prior: ArrayLike) -> NDArray[np.float64]:
    """Return the probabilities as they would be at another prior, the look of each class being the same.

    Parameters
    ----------
    probabilities
        Shape (n, classes), calibrated at `prior`.
    prior, new_prior
        Shape (classes,): share of each class, in the order of the columns; sums are 1.

    Returns
    -------
    Shape (n, classes); rows sum to 1.

    Raises
    ------
    InvalidInput
        When a prior does not fit: a share outside 0 to 1, a class of share 0 in `prior`, another number of classes.

    References
    ----------
    Saerens, Latinne and Decaestecker 2002, doi:10.1162/089976602753284446, eq. 2.4.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    old, new = _prior(prior, values.shape[-1], "prior"), _prior(new_prior, values.shape[-1], "new prior")
    if (old == 0).any():
        raise InvalidInput(f"The prior {old.tolist()} holds a class of share 0", "Every class had rows")
    weighted = values * (new / old)
    total = weighted.sum(axis=-1, keepdims=True)
    fallback = np.broadcast_to(new, weighted.shape).copy()  # a row that holds only classes that are gone
    result: NDArray[np.float64] = np.divide(weighted, total, out=fallback, where=total > 0)
    return result


def _prior(shares: ArrayLike, classes: int, what: str) -> NDArray[np.float64]:
    """Return shares that sum to 1, or refuse them."""
    values = np.asarray(shares, dtype=np.float64)
    fair = values.shape == (classes,) and bool(((values >= 0) & (values <= 1)).all())
    if not fair or abs(values.sum() - 1) > _SUM_TOLERANCE:
        raise InvalidInput(f"The {what} is {values.tolist()}", f"{classes} shares from 0 to 1 that sum to 1")
    return values


@overload
def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float | None, float | None]: ...
@overload
def predictive_values(sensitivity: Estimate, specificity: Estimate, prevalence: float) -> tuple[Estimate, Estimate]: ...
def predictive_values(
    sensitivity: float | Estimate, specificity: float | Estimate, prevalence: float
) -> tuple[float | Estimate | None, float | Estimate | None]:
    """Return positive and negative predictive value at a prevalence.

    Estimates give estimates: each bound is the predictive value at the bounds of sensitivity and specificity that are
    both the less, or both the more, favourable; such intervals are wide rather than narrow.

    Parameters
    ----------
    sensitivity, specificity
        Both numbers from 0 to 1, or both estimates.
    prevalence
        Share of positive cases where the model is used, above 0 and below 1.

    Returns
    -------
    PPV and NPV; None (or an undefined estimate) where no case would be called so.

    Raises
    ------
    InvalidInput
        When a number is out of its range.

    References
    ----------
    Altman and Bland 1994, doi:10.1136/bmj.309.6947.102.
    """
    if not 0 < prevalence < 1:
        raise InvalidInput(f"The prevalence is {prevalence}", "A number above 0 and below 1", "Try 0.01")
    if isinstance(sensitivity, Estimate) and isinstance(specificity, Estimate):
        ppv = _combine(sensitivity, specificity, prevalence, "no case would be called positive")
        return ppv, _combine(specificity, sensitivity, 1 - prevalence, "no case would be called negative")
    if isinstance(sensitivity, Estimate) or isinstance(specificity, Estimate):
        raise InvalidInput("One of sensitivity and specificity is an estimate", "Two numbers, or two estimates")
    for share in (sensitivity, specificity):
        if not 0 <= share <= 1:
            raise InvalidInput(f"A sensitivity or specificity is {share}", "A number from 0 to 1")
    ppv_value = _value(sensitivity, specificity, prevalence)
    return ppv_value, _value(specificity, sensitivity, 1 - prevalence)


def _value(right: float, right_of_others: float, share: float) -> float | None:
    """Return the share of those called so that are so; None when none is called so."""
    hits, false_alarms = right * share, (1 - right_of_others) * (1 - share)
    return hits / (hits + false_alarms) if hits + false_alarms > 0 else None


def _combine(right: Estimate, right_of_others: Estimate, share: float, why: str) -> Estimate:
    """Return a predictive value with bounds from the bounds of both rates."""
    n, groups = right.n + right_of_others.n, right.groups + right_of_others.groups
    if right.value is None or right_of_others.value is None:
        reason = right.reason if right.value is None else right_of_others.reason
        return Estimate.undefined(reason or "a rate is undefined", n=n, groups=groups)
    value = _value(right.value, right_of_others.value, share)
    if value is None:
        return Estimate.undefined(why, n=n, groups=groups)
    bounds = (right.low, right_of_others.low, right.high, right_of_others.high)
    if None in bounds:
        return Estimate(value, None, None, n, groups, "bayes", "a rate has no interval")
    low, high = _bound(right.low, right_of_others.low, share), _bound(right.high, right_of_others.high, share)
    method = "bayes, from the bounds of sensitivity and specificity"
    return Estimate(value, min(low, value), max(high, value), n, groups, method)


def _bound(right: float | None, right_of_others: float | None, share: float) -> float:
    """Return the predictive value at two bounds; where none is called so, the worst that is thinkable."""
    value = _value(right or 0.0, right_of_others or 0.0, share)
    return 0.0 if value is None else value
