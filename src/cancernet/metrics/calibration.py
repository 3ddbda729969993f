"""Whether probabilities keep their word: temperature, expected calibration error, and that of a perfect model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics.binary import ratio
from cancernet.metrics.ranking import Ranking
from cancernet.tasks import TaskKind, log_probabilities

__all__ = ["BINS", "TEMPERATURES", "bin_shares", "ece", "ece_of_perfect", "fit_temperature", "weighted_ece"]

Floats = NDArray[np.float64]

BINS = 10
TEMPERATURES = (0.01, 100.0)
_ELEMENTS = 4_000_000  # largest table of draws x rows that is held at once


def fit_temperature(logits: ArrayLike, truth: ArrayLike, *, kind: TaskKind = "multiclass") -> float:
    """Return the temperature that makes the true classes most likely; 1.0 when no finite one does.

    Where every row's true class has the highest logit (the true grade's cut-points lie on either side of zero), ever
    lower temperatures would be "better": such rows say nothing about how sure one may be, and the logits are left as
    they are.

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
        When there are no rows, a logit is not finite, or the logits of an ordinal row fall.

    References
    ----------
    Guo et al. 2017, arXiv:1706.04599, eq. 9.
    """
    from scipy.optimize import minimize_scalar

    values, codes = np.asarray(logits, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if not len(values) or not np.isfinite(values).all():
        raise InvalidInput(f"No temperature fits these {len(values)} rows", "Finite logits, one row at least")
    rows = np.arange(len(values))
    if (_lead(values, kind)[rows, codes] > 0).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        return -float(log_probabilities(values / math.exp(log_temperature), kind)[rows, codes].mean())

    bounds = (math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1]))
    return math.exp(float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9}).x))


def _lead(logits: Floats, kind: TaskKind) -> Floats:
    """Return how far each class leads, shape (n, classes); above zero, ever lower temperatures make it certain."""
    if kind == "ordinal":
        padded = np.pad(logits, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
        return np.minimum(padded[:, 1:], -padded[:, :-1])
    best = np.sort(logits, axis=1)[:, -2:]
    return logits - np.where(logits == best[:, 1:], best[:, :1], best[:, 1:])


def bin_shares(scores: ArrayLike, bins: int = BINS) -> Floats:
    """Return by how much each row belongs to each bin of equal mass, from the lowest to the highest scores.

    A row on a boundary counts on both sides by its share, and rows with equal scores share alike, so that the bins do
    not depend on the order of the rows.

    Parameters
    ----------
    scores
        Shape (n,).
    bins
        Number of bins; each holds n / bins rows.

    Returns
    -------
    Shape (bins, n); columns sum to 1.
    """
    _, place, sizes = np.unique(np.asarray(scores), return_inverse=True, return_counts=True)
    before = np.cumsum(sizes) - sizes
    bounds = np.arange(bins + 1) * (len(place) / bins)
    below = np.clip((bounds[:, None] - before) / sizes, 0, 1)
    shares: Floats = np.diff(below, axis=0)[:, place]
    return shares


def ece(scores: ArrayLike, events: ArrayLike, *, bins: int = BINS) -> float:
    """Return the expected calibration error: mean distance of score and share of events over bins of equal mass.

    Parameters
    ----------
    scores
        Shape (n,): probability of the event. The positive class of a binary task, else the most probable class.
    events
        Shape (n,): whether it happened.
    bins
        Number of bins.

    References
    ----------
    Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602; equal mass: Nguyen and O'Connor 2015, doi:10.18653/v1/D15-1182.
    """
    gaps = np.asarray(scores, dtype=np.float64) - np.asarray(events, dtype=np.float64)
    return float(np.abs(bin_shares(scores, bins) @ gaps).sum() / len(gaps))


def weighted_ece(ranking: Ranking, counts: Floats, *, bins: int = BINS) -> Floats:
    """Return `ece` for resamples, where groups count as often as they were drawn.

    Parameters
    ----------
    ranking
        Of scores and events.
    counts
        Shape (draws, groups).

    Returns
    -------
    Shape (draws,).
    """
    mass = np.cumsum(counts[:, ranking.groups], axis=1)[:, ranking.ends]
    gaps, marks = ranking.gap(counts), np.arange(1, bins) / bins
    totals = [np.interp(marks * weight[-1], weight, gap) for weight, gap in _from_zero(mass, gaps)]
    inner = np.reshape(totals, (len(mass), bins - 1))
    return ratio(np.abs(np.diff(inner, axis=1, prepend=0, append=gaps[:, -1:])).sum(axis=1), mass[:, -1])


def _from_zero(mass: Floats, gaps: Floats) -> zip[tuple[Floats, Floats]]:
    """Pair the rows of two tables of running sums, each begun at zero."""
    return zip(np.pad(mass, ((0, 0), (1, 0))), np.pad(gaps, ((0, 0), (1, 0))), strict=True)


def ece_of_perfect(scores: ArrayLike, streams: ArrayLike, *, draws: int = 1000, seed: int = 0, groups: int) -> Estimate:
    """Return the ECE that a perfectly calibrated model of these probabilities would show, by simulation.

    Noise alone makes ECE greater than zero; an ECE below the upper bound here is no sign of bad calibration.

    Parameters
    ----------
    scores
        Shape (n,): probability of the event.
    streams
        Shape (n,): codes; rows of one stream share their chance, as the rows of one case that was tested five times.
    draws, seed
        Number of simulations and where they start.
    groups
        Independent groups, for the estimate.

    Returns
    -------
    The mean, with the 5th and the 95th percentile as bounds.
    """
    values, codes = np.asarray(scores, dtype=np.float64), np.asarray(streams, dtype=np.int64)
    shares = np.ascontiguousarray(bin_shares(values).T)  # (n, bins)
    generator, step = np.random.default_rng(seed), max(1, _ELEMENTS // len(values))
    errors = []
    for start in range(0, draws, step):
        chances = generator.random((min(step, draws - start), int(codes.max()) + 1))[:, codes]
        errors.append(np.abs((values - (chances < values)) @ shares).sum(axis=1) / len(values))
    found = np.concatenate(errors)
    low, high = np.quantile(found, (0.05, 0.95))
    method = f"mean, 5th and 95th percentile of {draws} simulations of a perfectly calibrated model"
    return Estimate(float(found.mean()), float(low), float(high), len(values), groups, method)
