"""Which of several causes comes first: predicted shares beside what happened, and their metrics. NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.attime import refuse_time
from cancernet.survival.censoring import Censoring
from cancernet.survival.forecast import Foreseen
from cancernet.survival.outcome import Outcome
from cancernet.survival.pairs import Pairs

__all__ = ["CauseForecast", "cause_brier", "cause_concordance", "cause_errors", "concordance_sums"]

Floats = NDArray[np.float64]
Sums = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class CauseForecast(Foreseen):
    """Predicted shares of one cause for n patients, each made by a model that has not seen the patient.

    Parameters
    ----------
    outcome
        With all causes.
    cause
        Which one.
    times
        Shape (t,), rising: for which single numbers are stated.
    shares
        Shape (n, t): predicted chance to have had the cause first by each of `times`.
    grid, curves
        Shape (g,) and (n, g): times up to the horizon, and the chances there; the last one ranks the patients.
    groups
        Shape (n,): whom each row is of.
    strata
        Shape (n,): only rows of the same one are compared with each other.
    """

    outcome: Outcome
    cause: str
    times: Floats
    shares: Floats
    grid: Floats
    curves: Floats
    groups: NDArray[np.str_]
    strata: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse what is no chance."""
        for name, chances, wide in (("shares", self.shares, self.times), ("curves", self.curves, self.grid)):
            inside = ((chances >= -1e-12) & (chances <= 1 + 1e-12)).all()
            if chances.shape != (len(self.outcome), len(wide)) or not inside:
                raise InvalidInput(
                    f"'{name}' of shape {chances.shape}", f"Chances of shape {(len(self.outcome), len(wide))}"
                )

    @property
    def risk(self) -> Floats:
        """Shape (n,): the chance at the horizon."""
        return self.curves[:, -1]


def cause_concordance(
    outcome: Outcome, risk: Floats, *, cause: str, until: float, censoring: Censoring | None = None
) -> float:
    """Return the concordance of one cause where others may come first.

    Of two patients the first had the cause by `until`; the other one had no event by then, or another cause before: the
    chance that the first had the higher risk. Pairs are weighted by one over the shares still followed, at the event of
    the first twice, or at the events of both. Ties are as of `harrell`.

    Parameters
    ----------
    outcome
        Of n patients, with all causes.
    risk
        Shape (n,): higher means that the cause is more likely.
    cause
        Which one.
    until
        Only its events before this time are counted.
    censoring
        Of the training patients; of these patients when None.

    References
    ----------
    Wolbers et al. 2014, doi:10.1093/biostatistics/kxt059.
    """
    sums = concordance_sums(outcome, risk, cause=cause, until=until, censoring=censoring or Censoring.fit(outcome))
    concordant, every = sums(np.ones((1, len(outcome))))
    if not every[0] > 0:
        raise InvalidInput(f"No two of these patients can be compared for '{cause}'", "A patient who had it first")
    return float(concordant[0] / every[0])


def concordance_sums(
    outcome: Outcome,
    risk: Floats,
    *,
    cause: str,
    until: float,
    censoring: Censoring,
    strata: NDArray[np.int64] | None = None,
) -> Sums:
    """Return what makes of weights (draws, n) the weight of concordant pairs and of all pairs, both (draws,)."""
    this = outcome.of_cause(cause).event
    weight = censoring.weights(outcome, until=float(np.nextafter(until, 0.0)))  # of any event, zero for others
    own, other = np.where(this, weight, 0.0), np.where(outcome.event & ~this, weight, 0.0)
    code = np.unique(outcome.time, return_inverse=True)[1].astype(np.int64)
    later = Pairs(2 * code + ~outcome.event, risk, strata=strata, counted=this)
    before = Pairs(2 * (int(code.max()) - code) + (other > 0), risk, strata=strata, counted=this)

    def sums(weights: Floats) -> tuple[Floats, Floats]:
        """Return both sums."""
        first, every = later.sums(weights, (own**2)[None])
        second, more = before.sums(weights, own[None], other)
        return (first + second)[:, 0], (every + more)[:, 0]

    return sums


def cause_brier(outcome: Outcome, shares: Floats, *, cause: str, times: Floats) -> Floats:
    """Return the Brier score of one cause at each time, (times,); see `cause_errors`."""
    mean: Floats = cause_errors(outcome, shares, cause=cause, times=times).mean(axis=0)
    return mean


def cause_errors(
    outcome: Outcome, shares: Floats, *, cause: str, times: Floats, censoring: Censoring | None = None
) -> Floats:
    """Return the weighted squared error of each patient at each time, (n, times), whose mean is the Brier score.

    Who had the cause first by a time should have had a chance of one, all others of zero, those with another cause too.
    Weights are those of `squared_errors`.

    Parameters
    ----------
    outcome
        Of n patients, with all causes.
    shares
        Shape (n, times): predicted chance to have had the cause first.
    cause, times
        Which one, and when.
    censoring
        Of the training patients; of these patients when None.

    References
    ----------
    Schoop et al. 2011, doi:10.1002/bimj.201000073.
    """
    refuse_time(outcome, *times.tolist())
    known, this = censoring or Censoring.fit(outcome), outcome.of_cause(cause).event
    gone = outcome.time[:, None] <= times
    weight = known.weights(outcome, until=float(times.max()))[:, None] * gone
    missed = np.where(this[:, None], (1 - shares) ** 2, shares**2)
    errors: Floats = weight * missed + ~gone / known.at(times) * shares**2
    return errors
