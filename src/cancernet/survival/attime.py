"""How good predictions are at given times: AUROC, Brier score, and its integral, weighted for censoring. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.censoring import Censoring
from cancernet.survival.concordance import checked_risk
from cancernet.survival.outcome import Outcome
from cancernet.survival.pairs import Pairs

__all__ = ["auroc_at", "brier_at", "case_pairs", "integrated_brier", "refuse_time", "squared_errors", "trapezoid"]

Floats = NDArray[np.float64]


def auroc_at(outcome: Outcome, risk: ArrayLike, *, time: float, censoring: Censoring | None = None) -> float:
    """Return the cumulative/dynamic AUROC at a time.

    The chance that one who has had the event by then had a higher risk than one who is still free of it. Cases are
    weighted by one over the share still followed at their event; who was censored by then is neither. Risks within
    1e-8 of each other count half.

    Parameters
    ----------
    outcome, risk
        Of n patients.
    time
        In the unit of the outcome, before the end of the follow-up.
    censoring
        Of the training patients; of these patients when None.

    Raises
    ------
    InvalidInput
        When nobody is a case, or nobody still free of the event at that time.

    References
    ----------
    Uno et al. 2007, doi:10.1198/016214507000000149; Hung and Chiang 2010, doi:10.1002/cjs.10046.
    """
    refuse_time(outcome, time)
    pairs, left = case_pairs(outcome, checked_risk(outcome, risk), time, censoring or Censoring.fit(outcome))
    concordant, every = pairs.sums(np.ones((1, len(outcome))), left[None])
    if not every[0, 0] > 0:
        raise InvalidInput(
            f"There is no AUROC at {time:g} {outcome.unit}: nobody has had the event by then",
            "Patients with the event, and patients who are still free of it",
            "Choose another time",
        )
    return float(concordant[0, 0] / every[0, 0])


def case_pairs(
    outcome: Outcome, risk: Floats, time: float, censoring: Censoring, *, strata: NDArray[np.int64] | None = None
) -> tuple[Pairs, Floats]:
    """Return pairs of one who is free of the event at a time and one who is not, and the weights of the latter."""
    left = censoring.weights(outcome, until=time)
    free = (outcome.time > time).astype(np.int64)
    return Pairs(free, risk, strata=strata, counted=left > 0), left


def brier_at(outcome: Outcome, survival: ArrayLike, *, times: ArrayLike, censoring: Censoring | None = None) -> Floats:
    """Return the Brier score at each time: the mean squared error of the predicted share, weighted for censoring.

    Parameters
    ----------
    outcome
        Of n patients.
    survival
        Shape (n, times): predicted chance to be free of the event at each time.
    times
        Shape (times,), before the end of the follow-up.
    censoring
        Of the training patients; of these patients when None.

    Returns
    -------
    Shape (times,).

    Raises
    ------
    InvalidInput
        When a time is past the follow-up, or a prediction is no probability.

    References
    ----------
    Graf et al. 1999, doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.
    """
    mean: Floats = squared_errors(outcome, survival, times=times, censoring=censoring).mean(axis=0)
    return mean


def integrated_brier(
    outcome: Outcome, survival: ArrayLike, *, times: ArrayLike, censoring: Censoring | None = None
) -> float:
    """Return the Brier score averaged over time, by the trapezoidal rule between the first and the last time.

    Parameters
    ----------
    outcome, survival, times, censoring
        As for `brier_at`; two times at least, rising.

    Raises
    ------
    InvalidInput
        As for `brier_at`, or when there are fewer than two times, or they do not rise.
    """
    scores = brier_at(outcome, survival, times=times, censoring=censoring)
    return float(scores @ trapezoid(np.asarray(times, dtype=np.float64)))


def trapezoid(times: Floats) -> Floats:
    """Return the weight of each time in a mean over time, shape (times,); they sum to 1.

    Raises
    ------
    InvalidInput
        When there are fewer than two times, or they do not rise.
    """
    steps = np.diff(times)
    if not len(steps) or (steps <= 0).any():
        raise InvalidInput(f"No mean over the times {times.tolist()[:6]}", "Two times at least, rising")
    weights: Floats = (np.append(steps, 0) + np.append(0, steps)) / (2 * (times[-1] - times[0]))
    return weights


def squared_errors(
    outcome: Outcome, survival: ArrayLike, *, times: ArrayLike, censoring: Censoring | None = None
) -> Floats:
    """Return the weighted squared error of each patient at each time, (n, times), whose mean is the Brier score.

    Who has had the event by a time has the weight of the event, who is free of it one over the share still followed
    then, who was censored by then has none.

    Raises
    ------
    InvalidInput
        As for `brier_at`.
    """
    asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    refuse_time(outcome, *asked.tolist())
    predicted = _probabilities(outcome, survival, len(asked))
    known = censoring or Censoring.fit(outcome)
    share = known.at(asked)
    if not (share > 0).all():
        raise InvalidInput(
            f"Nobody whose censoring is known was followed at {asked[~(share > 0)][0]:g} {outcome.unit}",
            f"Times up to {known.times[-1]:g} {outcome.unit}",
            "Choose earlier times",
        )
    case = known.weights(outcome, until=float(asked.max()))[:, None] * (outcome.time[:, None] <= asked)
    errors: Floats = case * predicted**2 + (outcome.time[:, None] > asked) / share * (1 - predicted) ** 2
    return errors


def refuse_time(outcome: Outcome, *times: float) -> None:
    """Raise `InvalidInput` when a time is not inside the follow-up of these patients."""
    for time in times:
        if not 0 <= time < outcome.follow_up:
            raise InvalidInput(
                f"The time {time:g} is not inside the follow-up",
                f"From 0 to below {outcome.follow_up:g} {outcome.unit}, when the last patient was seen",
                "Choose an earlier time: nothing is extrapolated",
            )


def _probabilities(outcome: Outcome, survival: ArrayLike, times: int) -> Floats:
    """Return the predictions, or raise when they are no probabilities."""
    predicted = np.asarray(survival, dtype=np.float64).reshape(len(outcome), -1)
    if predicted.shape[1] != times or not ((predicted >= 0) & (predicted <= 1)).all():
        raise InvalidInput(
            f"Predictions of shape {predicted.shape} from {predicted.min():g} to {predicted.max():g}",
            f"A chance from 0 to 1 for each of {len(outcome)} patients and {times} times",
        )
    return predicted
