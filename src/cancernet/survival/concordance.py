"""How often the patient with the higher risk has the event first: Harrell's and Uno's concordance. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.censoring import Censoring
from cancernet.survival.outcome import Outcome
from cancernet.survival.pairs import Pairs

__all__ = ["checked_risk", "event_pairs", "harrell", "uno", "uno_weights"]

Floats = NDArray[np.float64]


def harrell(outcome: Outcome, risk: ArrayLike) -> float:
    """Return Harrell's concordance.

    A pair counts when the one with the shorter time had the event; at equal times, when one had the event and the other
    was censored. Two events at one time are no pair. Risks within 1e-8 of each other are equal and count half. The
    value depends on how the patients were censored; `uno` does not.

    Parameters
    ----------
    outcome
        Of n patients; all causes are one event.
    risk
        Shape (n,): higher means that the event is expected sooner.

    Raises
    ------
    InvalidInput
        When the shapes differ, a risk is not finite, or no two patients are comparable.

    References
    ----------
    Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030.
    """
    return _index(outcome, risk, outcome.event.astype(np.float64))


def uno(outcome: Outcome, risk: ArrayLike, *, censoring: Censoring | None = None, until: float | None = None) -> float:
    """Return Uno's concordance: Harrell's, each pair weighted by one over the squared share still followed.

    Parameters
    ----------
    outcome, risk
        As for `harrell`, whose rules on ties hold.
    censoring
        Of the training patients; of these patients when None.
    until
        Only events before this time are counted; None: all.

    Raises
    ------
    InvalidInput
        As for `harrell`; or when an event has no weight: nobody was followed as long.

    References
    ----------
    Uno et al. 2011, doi:10.1002/sim.4154.
    """
    return _index(outcome, risk, uno_weights(outcome, censoring or Censoring.fit(outcome), until=until))


def uno_weights(outcome: Outcome, censoring: Censoring, *, until: float | None = None) -> Floats:
    """Return the weight of each patient as the first of a pair, shape (n,).

    Raises
    ------
    InvalidInput
        When an event has no weight.
    """
    last = np.inf if until is None else np.nextafter(until, 0.0)
    weights: Floats = censoring.weights(outcome, until=float(last)) ** 2
    return weights


def event_pairs(outcome: Outcome, risk: Floats, *, strata: NDArray[np.int64] | None = None) -> Pairs:
    """Return the comparable pairs: events before censorings at one time, and no pair of two events at one time."""
    _, rank = np.unique(2 * np.unique(outcome.time, return_inverse=True)[1] + ~outcome.event, return_inverse=True)
    return Pairs(rank.astype(np.int64), risk, strata=strata, counted=outcome.event)


def _index(outcome: Outcome, risk: ArrayLike, left: Floats) -> float:
    """Return the share of concordant pairs."""
    scores = checked_risk(outcome, risk)
    concordant, every = event_pairs(outcome, scores).sums(np.ones((1, len(outcome))), left[None])
    if not every[0, 0] > 0:
        raise InvalidInput(
            "No two of these patients can be compared",
            "A patient with an event, and another one who was seen for longer",
            "Add patients, or look at a later time",
        )
    return float(concordant[0, 0] / every[0, 0])


def checked_risk(outcome: Outcome, risk: ArrayLike) -> Floats:
    """Return the risks as numbers, or raise `InvalidInput` when there is not one for each patient."""
    scores = np.asarray(risk, dtype=np.float64)
    if scores.shape != outcome.time.shape or not np.isfinite(scores).all():
        raise InvalidInput(
            f"Risks of shape {scores.shape}, {int((~np.isfinite(scores)).sum())} of them not finite",
            f"A finite number for each of {len(outcome)} patients",
        )
    return scores
