"""What few copies can be told from none: limit of blank, limit of detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate

__all__ = ["Blank", "Detection", "blank_limit", "detection_limit", "hit_rate"]

Floats = NDArray[np.float64]

_STEPS, _SMALL = 100, 1e-10
_LIKELIHOOD_RATIO = 1.9207294103470625  # half the 95 % quantile of chi-square with one degree of freedom


@dataclass(frozen=True, kw_only=True)
class Blank:
    """What wells without template show.

    Parameters
    ----------
    limit
        Limit of blank: copies that 95 % of blanks do not exceed; 0 when they do not cross at all.
    false_hits
        Share of blank wells above the limit, with its exact interval.
    upper
        Highest share that the blanks allow, one-sided 95 %: calls are made as if it were true.
    crossed, wells
        How many blanks crossed the threshold at all, and how many there are.
    """

    limit: float
    false_hits: Estimate
    upper: float
    crossed: int
    wells: int


@dataclass(frozen=True, kw_only=True)
class Detection:
    """How often wells of known copies are detected.

    Parameters
    ----------
    levels, wells, hits
        Copies of the levels, how many wells each has, and how many of them were detected.
    limit
        Copies that are detected in 95 % of wells.
    single_hit
        The same by the single-hit model, in which one copy is enough and each is seen with the same probability: it
        has one unknown, and an interval where the probit curve has none. No assay can do better than 3.0 copies.
    intercept, slope
        Of the curve, on log10(copies); None without one.
    note
        How the limit was found, in a sentence.
    """

    levels: tuple[float, ...]
    wells: tuple[int, ...]
    hits: tuple[int, ...]
    limit: Estimate
    single_hit: Estimate
    intercept: float | None
    slope: float | None
    note: str


def hit_rate(hits: int, wells: int) -> Estimate:
    """Return a share of wells with its exact interval (Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    low, high = _exact(hits, wells, 0.975)
    return Estimate(hits / wells, low, high, wells, wells, "Clopper-Pearson")


def _exact(hits: int, wells: int, level: float) -> tuple[float, float]:
    """Return the exact bounds of a share, each one-sided at the level."""
    from scipy import stats

    low = float(stats.beta.ppf(1 - level, hits, wells - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(level, hits + 1, wells - hits)) if hits < wells else 1.0
    return low, high


def blank_limit(copies: ArrayLike) -> Blank:
    """Return the limit of blank.

    Parameters
    ----------
    copies
        Shape (n,), what the standard curve makes of each blank well; NaN or 0 where it did not cross.

    Raises
    ------
    InvalidInput
        When there is no blank.

    References
    ----------
    The non-parametric way of CLSI EP17-A2: the value at rank 0.5 + 0.95 n of the ordered blanks.
    """
    values = np.sort(np.nan_to_num(np.asarray(copies, dtype=np.float64)))
    n = len(values)
    if not n:
        raise InvalidInput(
            "The plate has no blank", "Wells without template, named NTC or of quantity 0", "Measure some: 20 or more"
        )
    rank = min(max(0.5 + 0.95 * n, 1.0), float(n))
    limit = float(np.interp(rank, np.arange(1, n + 1), values))
    above = int((values > limit).sum())
    return Blank(
        limit=limit,
        false_hits=hit_rate(above, n),
        upper=_exact(above, n, 0.95)[1],
        crossed=int((values > 0).sum()),
        wells=n,
    )


def detection_limit(copies: ArrayLike, detected: ArrayLike) -> Detection:
    """Return the copies that 95 % of wells detect.

    Where at least two levels are detected in some wells and not in all, a probit curve on log10(copies) is fitted, with
    an interval by Fieller's theorem. Else the limit is the lowest level from which on at least 95 % of wells are
    detected, without an interval.

    Parameters
    ----------
    copies
        Shape (n,), copies in each well, above 0.
    detected
        Shape (n,), bool.

    Raises
    ------
    InvalidInput
        When there is no well of known copies.

    References
    ----------
    Finney 1971, Probit Analysis; CLSI EP17-A2; for PCR Forootan et al. 2017, doi:10.1016/j.bdq.2017.04.001.
    """
    quantity, found = np.asarray(copies, dtype=np.float64), np.asarray(detected, dtype=np.bool_)
    if not len(quantity) or (quantity <= 0).any():
        raise InvalidInput("No wells of known copies", "Standards with quantities above 0", "Measure a dilution series")
    levels, place = np.unique(quantity, return_inverse=True)
    wells, hits = np.bincount(place), np.bincount(place, weights=found).astype(np.int64)
    part = (hits > 0) & (hits < wells)
    if part.sum() >= 2:
        fit = _probit(np.log10(levels), wells, hits)
        if fit is not None and fit[0][1] > 0:
            return _by_probit(levels, wells, hits, fit)
    return _by_level(levels, wells, hits)


def _by_level(levels: Floats, wells: NDArray[np.int64], hits: NDArray[np.int64]) -> Detection:
    """Return the lowest level from which on 95 % are detected."""
    enough = np.logical_and.accumulate((hits / wells >= 0.95)[::-1])[::-1]
    note = (
        "Fewer than two levels are detected in part of their wells, or hits do not rise with copies: no curve; the "
        "lowest level from which on at least 95 % of wells are detected."
    )
    n = int(wells.sum())
    if enough.any():
        limit = Estimate(float(levels[enough][0]), None, None, n, len(levels), "lowest level of 95 %", note)
    else:
        limit = Estimate.undefined("no level is detected in 95 % of its wells", n=n, groups=len(levels))
    return Detection(**_counts(levels, wells, hits), limit=limit, intercept=None, slope=None, note=note)


def _by_probit(
    levels: Floats, wells: NDArray[np.int64], hits: NDArray[np.int64], fit: tuple[Floats, Floats]
) -> Detection:
    """Return the limit of a probit curve."""
    from scipy import stats

    intercept, slope = fit[0]
    target = float(stats.norm.ppf(0.95))
    low, high = _fieller(target, fit)
    value = float(10 ** ((target - intercept) / slope))
    n = int(wells.sum())
    limit = Estimate(value, None, None, n, len(levels), "probit", "the slope is not known well enough: no interval")
    if low is not None and high is not None:
        limit = Estimate(value, float(10**low), float(10**high), n, len(levels), "probit, Fieller")
    note = f"Probit curve on log10(copies) through {len(levels)} levels of {n} wells."
    return Detection(
        **_counts(levels, wells, hits), limit=limit, intercept=float(intercept), slope=float(slope), note=note
    )


def _counts(levels: Floats, wells: NDArray[np.int64], hits: NDArray[np.int64]) -> dict[str, Any]:
    """Return the levels with their wells and hits, and what the single-hit model makes of them."""
    counts = {"levels": tuple(levels.tolist()), "wells": tuple(wells.tolist()), "hits": tuple(hits.tolist())}
    return {**counts, "single_hit": _single_hit(levels, wells, hits)}


def _single_hit(levels: Floats, wells: NDArray[np.int64], hits: NDArray[np.int64]) -> Estimate:
    """Return the copies of which 95 % of wells show one, when each is seen with a probability: likelihood ratio."""
    from scipy import optimize

    n, misses = int(wells.sum()), wells - hits

    def loss(log_share: float) -> float:
        seen = np.exp(log_share) * levels  # copies that are seen in a well, on average
        return float((misses * seen).sum() - (hits * np.log(-np.expm1(-seen))).sum())

    if not misses.any() or not hits.any():
        reason = "all wells hit" if hits.any() else "no well hits"
        return Estimate.undefined(f"{reason}: the levels are too {'high' if hits.any() else 'low'}", n=n)
    found = optimize.minimize_scalar(loss, bounds=(-20.0, 20.0), method="bounded", options={"xatol": 1e-10})
    best, edge = float(found.x), float(found.fun) + _LIKELIHOOD_RATIO
    low, high = (
        float(optimize.brentq(lambda share: loss(share) - edge, min(best, end), max(best, end)))
        for end in (-20.0, 20.0)
    )
    limit = -np.log(0.05)
    value, least, most = (float(limit / np.exp(share)) for share in (best, high, low))
    return Estimate(value, least, most, n, len(levels), "single hit, likelihood ratio")


def _fieller(target: float, fit: tuple[Floats, Floats]) -> tuple[float | None, float | None]:
    """Return the 95 % bounds of the place where the line reaches the target; None where they do not exist."""
    (a, b), v = fit
    z2 = 1.959963984540054**2
    # (a - target + b x)^2 <= z2 (v00 + 2 x v01 + x^2 v11), solved for x
    square = b**2 - z2 * v[1, 1]
    linear = (a - target) * b - z2 * v[0, 1]
    constant = (a - target) ** 2 - z2 * v[0, 0]
    inside = linear**2 - square * constant
    if square <= 0 or inside < 0:
        return None, None
    return float((-linear - inside**0.5) / square), float((-linear + inside**0.5) / square)


def _probit(x: Floats, wells: NDArray[np.int64], hits: NDArray[np.int64]) -> tuple[Floats, Floats] | None:
    """Return intercept and slope with their covariance, by Fisher scoring; None when it does not settle."""
    from scipy import stats

    design = np.column_stack([np.ones_like(x), x])
    beta = np.array([0.0, 0.0])
    start = stats.norm.ppf((hits + 0.5) / (wells + 1))
    beta = np.linalg.lstsq(design * wells[:, None] ** 0.5, start * wells**0.5, rcond=None)[0]
    for _ in range(_STEPS):
        line = design @ beta
        p = np.clip(stats.norm.cdf(line), 1e-12, 1 - 1e-12)
        density = stats.norm.pdf(line)
        information = (design.T * (wells * density**2 / (p * (1 - p)))) @ design
        step = np.linalg.solve(information, design.T @ (density * (hits - wells * p) / (p * (1 - p))))
        beta = beta + step
        if np.abs(step).max() < _SMALL:
            return beta, np.linalg.inv(information)
    return None
