"""How steady reference genes are: geNorm's M and V, and NormFinder's stability value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

__all__ = ["ENOUGH", "GeNorm", "genorm", "normfinder"]

ENOUGH = 0.15  # of V: below it one more reference gene changes little (Vandesompele 2002)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GeNorm:
    """What geNorm says of candidate genes.

    Parameters
    ----------
    ranking
        From the most stable gene to the least; the first two cannot be told apart.
    m
        M of each gene among all candidates, in the order of `ranking`.
    mean_m
        Average M of the genes that are left, from all of them down to two.
    variation
        V(n/n+1) for n = 2, 3, ...: how much the normalisation factor changes with one gene more.
    samples
        How many samples have all genes.
    """

    ranking: tuple[str, ...]
    m: tuple[float, ...]
    mean_m: tuple[float, ...]
    variation: tuple[float, ...]
    samples: int

    @property
    def enough(self) -> int:
        """How many of the most stable genes are enough: V below 0.15, else those of the smallest V."""
        if not self.variation:
            return len(self.ranking)
        below = [place for place, value in enumerate(self.variation) if value < ENOUGH]
        return 2 + (below[0] if below else int(np.argmin(self.variation)))


def genorm(log2: Floats, genes: Sequence[str]) -> GeNorm:
    """Return the ranking of candidate reference genes.

    M of a gene is the mean, over the other genes, of the standard deviation of the log ratio of the two over samples.
    The gene of the largest M is left out, again and again, until two are left.

    Parameters
    ----------
    log2
        Shape (samples, genes), binary logarithms of quantities, such as minus the cycles; samples with a NaN are left
        out.
    genes
        Names of the columns.

    Raises
    ------
    InvalidInput
        When fewer than two genes or three complete samples are there.

    References
    ----------
    Vandesompele et al. 2002, doi:10.1186/gb-2002-3-7-research0034, Materials and methods.
    """
    values = _complete(log2, "geNorm")
    left = list(range(values.shape[1]))
    mean_m, worst = [], []
    first = _stability(values)
    while len(left) > 2:
        m = _stability(values[:, left])
        mean_m.append(float(m.mean()))
        worst.append(left.pop(int(np.argmax(m))))
    mean_m.append(float(_stability(values[:, left]).mean()))
    order = [*sorted(left, key=lambda place: first[place]), *worst[::-1]]
    factors = np.cumsum(values[:, order], axis=1) / np.arange(1, len(order) + 1)
    variation = np.diff(factors[:, 1:], axis=1).std(axis=0, ddof=1)
    return GeNorm(
        tuple(genes[place] for place in order),
        tuple(float(first[place]) for place in order),
        tuple(mean_m),
        tuple(variation.tolist()),
        len(values),
    )


def normfinder(log2: Floats, groups: Sequence[str] | NDArray[np.str_]) -> Floats:
    """Return NormFinder's stability value of each gene; the smaller, the steadier.

    Parameters
    ----------
    log2
        Shape (samples, genes), binary logarithms of quantities; at least three genes. Samples with a NaN are left out.
    groups
        Shape (samples,), text. With several groups the value joins the variation between and within them; with one it
        is the standard deviation within.

    Returns
    -------
    Shape (genes,), in cycles.

    Raises
    ------
    InvalidInput
        When fewer than three genes are there, or a group has fewer than two complete samples.

    References
    ----------
    Andersen, Jensen & Ørntoft 2004, doi:10.1158/0008-5472.CAN-04-0496, with its supplement.
    """
    complete = np.isfinite(log2).all(axis=1)
    values, labels = _complete(log2, "NormFinder", genes=3), np.asarray(groups)[complete]
    names, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise InvalidInput(
            f"Group '{names[np.argmin(counts)]}' has one sample with all genes",
            "NormFinder needs two at least in each group",
            "Join groups, or leave the group out",
        )
    within = np.stack([_within(values[labels == name]) for name in names])
    if len(names) == 1:
        alone: Floats = np.sqrt(within[0])
        return alone
    return _joined(np.stack([values[labels == name].mean(axis=0) for name in names]), within / counts[:, None])


def _complete(log2: Floats, method: str, genes: int = 2) -> Floats:
    """Return the samples that have all genes."""
    values = log2[np.isfinite(log2).all(axis=1)]
    if log2.shape[1] < genes or len(values) < 3:
        raise InvalidInput(
            f"{log2.shape[1]} genes and {len(values)} samples that have all of them",
            f"{method} needs {genes} genes and 3 samples at least",
            "Name genes that most samples have",
        )
    return values


def _stability(values: Floats) -> Floats:
    """Return M of each gene, shape (genes,)."""
    ratios = values[:, :, None] - values[:, None, :]  # (samples, genes, genes)
    deviations = ratios.std(axis=0, ddof=1)
    m: Floats = deviations.sum(axis=1) / (values.shape[1] - 1)
    return m


def _within(values: Floats) -> Floats:
    """Return the variance of each gene within one group, 0 where its estimate is below."""
    samples, genes = values.shape
    residual = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    raw = (residual**2).sum(axis=0) / (samples - 1)
    variance: Floats = np.maximum((raw - raw.sum() / (genes * (genes - 1))) / (1 - 2 / genes), 0.0)
    return variance


def _joined(means: Floats, errors: Floats) -> Floats:
    """Return the stability values from the means of groups and their squared errors, both (groups, genes)."""
    groups, genes = means.shape
    difference = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0) + means.mean()
    between = max(float((difference**2).sum() / ((groups - 1) * (genes - 1)) - errors.mean()), 0.0)
    total = between + errors
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    value: Floats = (np.abs(difference) * share + np.sqrt(errors + share * errors)).mean(axis=0)
    return value
