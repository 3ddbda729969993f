"""Sensitivity and specificity at a time, for every threshold: the curve whose area `auroc_at` is. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.survival.censoring import Censoring
from cancernet.survival.outcome import Outcome

__all__ = ["roc_at"]

Floats = NDArray[np.float64]


def roc_at(outcome: Outcome, risk: Floats, *, time: float, censoring: Censoring | None = None) -> tuple[Floats, Floats]:
    """Return one minus specificity, and sensitivity, from the highest threshold to the lowest.

    Parameters
    ----------
    outcome, risk
        Of n patients.
    time
        In the unit of the outcome: cases have had the event by then, controls are still free of it.
    censoring
        As for `auroc_at`.

    Returns
    -------
    Two arrays of one shape, from 0 to 1.

    References
    ----------
    Uno et al. 2007, doi:10.1198/016214507000000149.
    """
    case = (censoring or Censoring.fit(outcome)).weights(outcome, until=time)
    control = (outcome.time > time).astype(np.float64)
    values, place = np.unique(-risk, return_inverse=True)
    shares = []
    for weight in (control, case):
        mass = np.bincount(place, weights=weight, minlength=len(values))
        shares.append(np.append(0.0, np.cumsum(mass) / mass.sum()))
    return shares[0], shares[1]
