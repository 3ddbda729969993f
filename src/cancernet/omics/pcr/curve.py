"""The standard curve: cycles against the logarithm of known copies; efficiency, and copies from cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate

__all__ = ["Curve", "count_copies", "fit_curve"]

Floats = NDArray[np.float64]

_LN10 = float(np.log(10))
_ROUNDS, _HALVINGS = 20, 60


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """A fitted standard curve, cycle = intercept + slope x log10(copies that are in the well).

    Parameters
    ----------
    intercept, slope
        The cycle of one copy, and the cycles for ten times as many; a slope of -3.32 is perfect doubling.
    covariance
        Of intercept and slope, (2, 2).
    efficiency
        10 to the -1/slope minus 1, with its interval: 1 is perfect doubling.
    noise
        Standard deviation of the cycle of wells that hold the same number of copies.
    r2
        Share of the variance of the cycles that the line explains.
    wells, levels
        What it was fitted on.
    lowest, highest
        Copies of the levels that it was fitted on.
    left
        Copies of levels left out because some of their wells did not cross.
    """

    intercept: float
    slope: float
    covariance: Floats
    efficiency: Estimate
    noise: float
    r2: float
    wells: int
    levels: int
    lowest: float
    highest: float
    left: tuple[float, ...]

    @property
    def amplification(self) -> float:
        """How many times more there is after one cycle."""
        return float(10 ** (-1 / self.slope))

    def copies(self, ct: ArrayLike) -> Floats:
        """Return the copies that the line makes of cycles; 0 for NaN, a well that did not cross."""
        held: Floats = np.nan_to_num(10 ** ((np.asarray(ct, dtype=np.float64) - self.intercept) / self.slope))
        return held

    def cycle(self, copies: ArrayLike) -> Floats:
        """Return the expected cycle of a well that holds so many copies."""
        expected: Floats = self.intercept + self.slope * np.log10(np.asarray(copies, dtype=np.float64))
        return expected


def fit_curve(copies: ArrayLike, ct: ArrayLike, *, counted: bool = True, gene: str = "") -> Curve:
    """Return the line through the standards of one gene.

    A level in which a well did not cross is left out: the wells that crossed are those with more copies than the level
    says, and would bend the line. Where copies are counted, a well of a level of q copies holds a Poisson number of
    them, whose logarithm has a mean below that of q, by about 1/(2 q), and a variance of about 1/q: the line is fitted
    through the means, and wells of few copies weigh less.

    Parameters
    ----------
    copies
        Shape (n,), the mean number of copies in a well, above 0.
    ct
        Shape (n,), cycles; NaN where a well did not cross.
    counted
        False when the quantities are no copies but dilutions or masses: plain least squares.
    gene
        For messages.

    Raises
    ------
    InvalidInput
        When fewer than three levels are left, or cycles do not fall as copies rise.

    References
    ----------
    The variance that is not of the counts is found by Paule & Mandel 1982, doi:10.6028/jres.087.022. Efficiency from
    the slope: Rasmussen 2001; Bustin et al. 2009 (MIQE), doi:10.1373/clinchem.2008.112797.
    """
    quantity, cycles = np.asarray(copies, dtype=np.float64), np.asarray(ct, dtype=np.float64)
    left = tuple(sorted({float(value) for value in quantity[np.isnan(cycles)]}))
    keep = ~np.isin(quantity, left)
    q, y = quantity[keep], cycles[keep]
    levels = len(np.unique(q))
    if levels < 3:
        raise InvalidInput(
            f"The standard curve{f' of {gene}' if gene else ''} has {levels} levels whose wells all crossed",
            "Expected three at least, a tenfold dilution series for example",
            "Measure more levels of known copies",
        )
    beta, covariance, noise = _fit(q, y, counted)
    if beta[1] >= 0:
        raise InvalidInput(
            f"The cycles of the standards{f' of {gene}' if gene else ''} do not fall as their copies rise",
            "Expected later cycles for fewer copies",
            "Check the column of quantities",
        )
    explained = y - beta[0] - beta[1] * _mean_log(q, counted)
    return Curve(
        intercept=float(beta[0]),
        slope=float(beta[1]),
        covariance=covariance,
        efficiency=_efficiency(float(beta[1]), float(covariance[1, 1] ** 0.5), wells=len(q), levels=levels),
        noise=noise,
        r2=float(1 - (explained**2).sum() / ((y - y.mean()) ** 2).sum()),
        wells=len(q),
        levels=levels,
        lowest=float(q.min()),
        highest=float(q.max()),
        left=left,
    )


def _mean_log(q: Floats, counted: bool) -> Floats:
    """Return the mean of log10 of the copies in wells that hold q on average."""
    mean: Floats = np.log10(q) - (1 / (2 * q * _LN10) if counted else 0.0)
    return mean


def _fit(q: Floats, y: Floats, counted: bool) -> tuple[Floats, Floats, float]:
    """Return intercept and slope, their covariance, and the noise: weights and slope in turn."""
    x = np.column_stack([np.ones_like(q), _mean_log(q, counted)])
    beta, covariance = _weighted(x, y, np.ones_like(q))
    noise2 = float(((y - x @ beta) ** 2).sum() / (len(y) - 2))
    if not counted:
        return beta, covariance * noise2, noise2**0.5
    for _ in range(_ROUNDS):
        sampling: Floats = (beta[1] / _LN10) ** 2 / q
        noise2 = _noise(x, y, sampling)
        beta, covariance = _weighted(x, y, noise2 + sampling)
    return beta, covariance, noise2**0.5


def _noise(x: Floats, y: Floats, sampling: Floats) -> float:
    """Return the variance beyond that of sampling which makes the weighted scatter 1, by halving; 0 when it is less."""
    low, high = 1e-6, max(float(y.var()), 1e-3)
    if _scatter(x, y, low + sampling) <= 1:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _scatter(x, y, middle + sampling) > 1 else (low, middle)
    return (low + high) / 2


def _weighted(x: Floats, y: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return the weighted least-squares line and its covariance."""
    covariance: Floats = np.asarray(np.linalg.inv((x.T / variance) @ x), dtype=np.float64)
    beta: Floats = covariance @ (x.T / variance) @ y
    return beta, covariance


def _scatter(x: Floats, y: Floats, variance: Floats) -> float:
    """Return the weighted squared residuals for each degree of freedom."""
    beta, _ = _weighted(x, y, variance)
    return float((((y - x @ beta) ** 2) / variance).sum() / (len(y) - 2))


def _efficiency(slope: float, error: float, *, wells: int, levels: int) -> Estimate:
    """Return the efficiency, its interval that of the slope, transformed."""
    from scipy import stats

    half = float(stats.t.ppf(0.975, wells - 2)) * error
    value, low, high = (float(10 ** (-1 / number) - 1) for number in (slope, slope - half, min(slope + half, -1e-3)))
    return Estimate(value, low, high, wells, levels, "t interval of the slope, transformed")


def count_copies(curve: Curve, ct: ArrayLike) -> Estimate:
    """Return the mean copies in a well of a sample, with a 95 % interval.

    The copies that the line makes of each well are added, none for a well that did not cross. The interval joins, in
    the logarithm, that of the Poisson number they add up to, and that of line and noise by the delta method.

    Parameters
    ----------
    curve
        Of the gene; its quantities are counted copies.
    ct
        Shape (m,), cycles of the replicate wells; NaN for one that did not cross.

    References
    ----------
    Interval of a Poisson mean: Garwood 1936, doi:10.1093/biomet/28.3-4.437.
    """
    from scipy import stats

    held = curve.copies(ct)
    m, total = len(held), float(held.sum())
    if total == 0:
        return Estimate(0.0, 0.0, float(stats.gamma.ppf(0.975, 1) / m), m, 1, "Poisson, no copy seen")
    t2 = float(stats.t.ppf(0.975, curve.wells - 2)) ** 2 * _relative_variance(curve, held)
    low = np.log(total) - np.log(max(float(stats.gamma.ppf(0.025, total)), 1e-300))
    high = np.log(float(stats.gamma.ppf(0.975, total + 1))) - np.log(total)
    down, up = (float(total / m * np.exp(sign * np.sqrt(part**2 + t2))) for sign, part in ((-1, low), (1, high)))
    return Estimate(total / m, down, up, m, 1, "Poisson and, by the delta method, the curve")


def _relative_variance(curve: Curve, held: Floats) -> float:
    """Return the squared relative error of the sum of copies that comes of the line and of the noise."""
    total = held.sum()
    middle = np.array([1.0, np.log10(total / (held > 0).sum())])
    line = float(middle @ curve.covariance @ middle)
    noise = curve.noise**2 * float((held**2).sum() / total**2)
    return (line + noise) * (_LN10 / curve.slope) ** 2
