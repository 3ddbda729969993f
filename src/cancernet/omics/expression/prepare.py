"""What is learnt of training samples before any model: fill values and the genes that are kept; and the fixed steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import TableInput
from cancernet.bundle.inputs import Column
from cancernet.errors import InvalidInput

__all__ = ["Preparation", "PreparationOptions", "fit_preparation"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PreparationOptions:
    """How raw expression becomes what a model sees.

    Parameters
    ----------
    library
        Counts of a sample are brought to this sum, such as 1e6 for counts per million; None leaves them.
    log2_plus
        The binary logarithm of value plus this is taken, such as 1; None leaves the values.
    genes
        How many genes are kept.
    ranked_by
        Which ones: those of the largest "variance" over the training samples, or by "anova" those whose means differ
        most between the classes of the training samples, by their F.
    detected, above
        Genes are kept only where at least this share of training samples lies above that raw value.
    missing
        "error" refuses missing values; "drop" leaves out genes that are missing in a training sample; "median" and
        "min" fill with the median or the minimum of the training samples.
    most_missing
        Of "median" and "min": genes that are missing in a larger share of training samples are left out.
    """

    library: float | None = None
    log2_plus: float | None = None
    genes: int = 500
    ranked_by: Literal["variance", "anova"] = "variance"
    detected: float = 0.0
    above: float = 0.0
    missing: Literal["error", "drop", "median", "min"] = "error"
    most_missing: float = 0.5


@dataclass(frozen=True, eq=False)
class Preparation:
    """What was learnt.

    Parameters
    ----------
    names
        Of all genes.
    fills
        Shape (genes,): what stands for a missing raw value.
    kept
        Positions of the genes that a model sees, rising.
    options
        The fixed steps.
    counts
        How many genes each filter left out, by its words.
    """

    names: tuple[str, ...]
    fills: Floats
    kept: NDArray[np.int64]
    options: PreparationOptions
    counts: tuple[tuple[str, int], ...]

    @property
    def input(self) -> TableInput:
        """What a bundle takes: raw values. Without a library size only the genes that are kept, else all."""
        everything = self.options.library is not None
        places = np.arange(len(self.names)) if everything else self.kept
        fills = None if self.options.missing == "error" else tuple(self.fills[places].tolist())
        return TableInput(
            columns=tuple(Column(name=self.names[place]) for place in places.tolist()),
            medians=fills,
            library=self.options.library,
            log2_plus=self.options.log2_plus,
            kept=tuple(self.kept.tolist()) if everything else None,
        )

    def apply(self, values: Floats) -> Floats:
        """Return what a model sees of raw values (n, genes): (n, kept), complete."""
        everything = self.options.library is not None
        raw, fills = (values, self.fills) if everything else (values[:, self.kept], self.fills[self.kept])
        hole = np.isnan(raw)
        return self.input.prepare(np.where(hole, fills, raw) if hole.any() else raw)


def fit_preparation(
    values: Floats,
    names: tuple[str, ...],
    *,
    options: PreparationOptions,
    codes: NDArray[np.int64] | None = None,
    exactly: int | None = None,
) -> Preparation:
    """Learn fill values and filters from training samples; only "anova" looks at labels.

    Parameters
    ----------
    values
        Shape (n, genes), raw values of training samples only; NaN is missing.
    names
        Of the genes.
    options
        How.
    codes
        Shape (n,): classes of the samples, for "anova".
    exactly
        So many genes are kept instead, also such that pass no filter: for a network that takes this many.

    Raises
    ------
    InvalidInput
        When a value is missing and "error" is the policy, or no gene is left.

    References
    ----------
    F of the analysis of variance: Fisher 1925, Statistical Methods for Research Workers, chapter 7. To choose genes by
    labels outside of the folds gives wrong results: Ambroise and McLachlan 2002, doi 10.1073/pnas.102102699.
    """
    hole = np.isnan(values)
    share = hole.mean(axis=0)
    if options.missing == "error" and hole.any():
        raise InvalidInput(
            f"{int(hole.sum())} values are missing, in {int((share > 0).sum())} genes",
            "Expected a number in each cell",
            'Say what becomes of them: missing = "drop", "median" or "min"',
        )
    most = 0.0 if options.missing == "drop" else options.most_missing
    full = (share <= most) & (share < 1)
    fills = _fills(values, hole, options.missing)
    seen = ((values > options.above) & ~hole).mean(axis=0) >= options.detected
    prepared = _prepared(np.where(hole, fills, values) if hole.any() else values, options)
    spread = prepared.var(axis=0)
    able = full & seen & (spread > 0)
    if not able.any():
        raise InvalidInput(
            f"None of {len(names)} genes passes the filters", "Some that are detected and vary", "Loosen the filters"
        )
    rank = spread if options.ranked_by == "variance" else _between_classes(prepared, codes)
    count = min(options.genes, int(able.sum())) if exactly is None else exactly
    order = np.argsort(np.where(able, -rank, np.inf), kind="stable")[:count]
    by = "of lower variance" if options.ranked_by == "variance" else "of lower F"
    counts = (
        ("missing in too many training samples", int((~full).sum())),
        ("detected in too few", int((full & ~seen).sum())),
        ("constant", int((full & seen & (spread <= 0)).sum())),
        (by, max(int(able.sum()) - len(order), 0)),
    )
    return Preparation(names, fills, np.sort(order).astype(np.int64), options, counts)


def _fills(values: Floats, hole: NDArray[np.bool_], missing: str) -> Floats:
    """Return what stands for a missing value of each gene; 0 where there is no value at all."""
    if not hole.any():
        return np.min(values, axis=0) if missing == "min" else np.median(values, axis=0)
    known = np.where(hole.all(axis=0), 0.0, values)
    filled: Floats = np.nanmin(known, axis=0) if missing == "min" else np.nanmedian(known, axis=0)
    return filled


def _prepared(values: Floats, options: PreparationOptions) -> Floats:
    """Return the values of all genes after the fixed steps."""
    everything = TableInput(columns=(Column(name="all"),), library=options.library, log2_plus=options.log2_plus)
    return everything.prepare(values)


def _between_classes(values: Floats, codes: NDArray[np.int64] | None) -> Floats:
    """Return the F of each gene: variance between classes by that within them; 0 where nothing varies."""
    if codes is None:
        raise ValueError("anova needs the classes of the samples")
    present, places = np.unique(codes, return_inverse=True)
    member = np.eye(len(present))[places]  # (n, classes)
    centred = values - values.mean(axis=0)
    sums = member.T @ centred
    between = (sums**2 / member.sum(axis=0)[:, None]).sum(axis=0)
    within = np.maximum((centred**2).sum(axis=0) - between, np.finfo(np.float64).tiny)
    freedom = max(len(values) - len(present), 1) / max(len(present) - 1, 1)
    ratio: Floats = between / within * freedom
    return ratio
