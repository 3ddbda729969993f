"""Relative expression: delta Ct against the reference genes, and delta-delta Ct against a control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed, nearest
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.omics.pcr.replicates import CtTable

__all__ = ["Comparison", "DeltaCt", "amplification", "compare", "delta_ct"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class DeltaCt:
    """Cycles of each gene beyond the mean of the reference genes; with efficiencies, in cycles of a perfect PCR.

    Parameters
    ----------
    table
        The mean cycles.
    references
        The reference genes.
    factor
        Shape (genes,), binary logarithm of the amplification in one cycle; 1 is perfect doubling.
    values
        Shape (samples, genes), float64: the larger, the less expressed; NaN where there is none.
    errors
        Standard errors from the replicate wells, same shape; NaN where a gene has a single well.
    reference
        Shape (samples,): the mean of the reference genes.
    reasons
        Why `values` is NaN, text, same shape.
    """

    table: CtTable
    references: tuple[str, ...]
    factor: Floats
    values: Floats
    errors: Floats
    reference: Floats
    reasons: NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One gene of one group against the control.

    Parameters
    ----------
    gene, group
        Names.
    detected, samples
        In how many samples of the group the gene has a delta Ct, and how many samples there are.
    ddct
        Delta-delta Ct, in cycles, with its interval.
    fold
        Fold change, 2 to the minus delta-delta Ct, with its interval.
    note
        What to keep in mind; empty when nothing.
    """

    gene: str
    group: str
    detected: int
    samples: int
    ddct: Estimate
    fold: Estimate
    note: str


def amplification(genes: Sequence[str], efficiencies: Mapping[str, float] | None = None) -> Floats:
    """Return the binary logarithm of the amplification in one cycle, shape (genes,).

    Parameters
    ----------
    genes
        Names.
    efficiencies
        Amplification of a gene in one cycle, 1 to 2.2; 2 for genes that are not named.

    Raises
    ------
    InvalidInput
        When an amplification cannot be, or a gene is not there.
    """
    told = dict(efficiencies or {})
    for name, value in told.items():
        if name not in genes:
            close = nearest(name, genes)
            raise InvalidInput(
                f"There is no gene '{name}'", f"The genes are {listed(list(genes), 20)}", f"Did you mean '{close}'?"
            )
        if not 1 < value <= 2.2:
            raise InvalidInput(
                f"An amplification of {value:g} for '{name}'",
                "Expected the factor of one cycle, above 1 and about 2 at most",
                "Write 1.93 for an efficiency of 93 %",
            )
    return np.log2([told.get(name, 2.0) for name in genes])


def delta_ct(table: CtTable, references: Sequence[str], *, factor: Floats | None = None) -> DeltaCt:
    """Return delta Ct of all genes.

    The reference of a sample is the mean of its reference genes, in the logarithm: the geometric mean of their
    quantities. A sample in which one of them has no cycle has no delta Ct at all: means of different genes cannot be
    compared.

    Parameters
    ----------
    table
        The mean cycles.
    references
        Names of the reference genes.
    factor
        From `amplification`; perfect doubling when None.

    References
    ----------
    Livak & Schmittgen 2001, doi:10.1006/meth.2001.1262; with efficiencies Pfaffl 2001, doi:10.1093/nar/29.9.e45, for
    several reference genes Hellemans et al. 2007, doi:10.1186/gb-2007-8-2-r19.
    """
    factor = np.ones(len(table.genes)) if factor is None else factor
    places = table.columns(tuple(references))
    cycles, variance = table.ct * factor, table.variance * factor**2
    reference = cycles[:, places].mean(axis=1)
    spread = variance[:, places].sum(axis=1) / len(places) ** 2
    values = cycles - reference[:, None]
    return DeltaCt(
        table=table,
        references=tuple(references),
        factor=factor,
        values=values,
        errors=np.where(np.isnan(values), np.nan, np.sqrt(variance + spread[:, None])),
        reference=reference,
        reasons=_reasons(table, places),
    )


def _reasons(table: CtTable, places: Sequence[int]) -> NDArray[np.object_]:
    """Return why a delta Ct is missing: the gene's own reason, or that of a reference gene."""
    reasons = table.reasons.copy()
    for row in range(len(table.samples)):
        lost = [table.genes[place] for place in places if np.isnan(table.ct[row, place])]
        if lost:
            words = f"no cycle of the reference gene {lost[0]}" if len(lost) == 1 else f"no cycle of {listed(lost, 3)}"
            reasons[row] = [own or words for own in reasons[row]]
    return reasons


def compare(delta: DeltaCt, groups: Mapping[str, str], *, control: str) -> tuple[Comparison, ...]:
    """Return each gene of each group against the control.

    Parameters
    ----------
    delta
        Delta Ct of the samples.
    groups
        The group of each sample; a sample without one is a group of its own.
    control
        The group, or the sample, that the others are compared with.

    Returns
    -------
    The groups in their order, within them the genes, without the reference genes. Intervals are over samples where
    both groups have two at least (Welch); else over the wells of single samples, which say nothing of other samples.

    Raises
    ------
    InvalidInput
        When there is no such control, or nothing to compare with it.
    """
    members = _members(delta.table.samples, groups)
    if control not in members:
        close = nearest(control, members)
        todo = f"Did you mean '{close}'?" if close else "Name a group of the plate, or a sample"
        raise InvalidInput(f"There is no group or sample '{control}'", f"There are {listed(list(members), 12)}", todo)
    others = [name for name in members if name != control]
    if not others:
        raise InvalidInput(f"All samples are of the control '{control}'", "Another group beside it", "Check the groups")
    genes = [place for place, name in enumerate(delta.table.genes) if name not in delta.references]
    return tuple(
        _compared(delta, place, group=group, rows=members[group], base=members[control])
        for group in others
        for place in genes
    )


def _members(samples: Sequence[str], groups: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the rows of each group."""
    members: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        members.setdefault(groups.get(sample, sample), []).append(row)
    return members


def _compared(delta: DeltaCt, place: int, *, group: str, rows: list[int], base: list[int]) -> Comparison:
    """Compare one gene."""
    ours, theirs = (_present(delta, place, numbers) for numbers in (rows, base))
    ddct = _difference(delta, place, ours=ours, theirs=theirs)
    lost = len(rows) - len(ours) + len(base) - len(theirs)
    note = f"{lost} of {len(rows) + len(base)} samples have no delta Ct: only the others are compared" if lost else ""
    return Comparison(
        gene=delta.table.genes[place],
        group=group,
        detected=len(ours),
        samples=len(rows),
        ddct=ddct,
        fold=_fold(ddct),
        note=note,
    )


def _present(delta: DeltaCt, place: int, rows: list[int]) -> list[int]:
    """Return the rows in which a gene has a delta Ct."""
    return [row for row in rows if np.isfinite(delta.values[row, place])]


def _difference(delta: DeltaCt, place: int, *, ours: list[int], theirs: list[int]) -> Estimate:
    """Return delta-delta Ct with its interval."""
    n = len(ours) + len(theirs)
    if not ours or not theirs:
        return Estimate.undefined("no delta Ct on one side", n=n, groups=n)
    value = float(delta.values[ours, place].mean() - delta.values[theirs, place].mean())
    if min(len(ours), len(theirs)) > 1:
        parts = [(delta.values[rows, place].var(ddof=1) / len(rows), len(rows) - 1) for rows in (ours, theirs)]
        return _with_interval(value, parts, n=n, method="Welch's t over samples")
    if len(ours) == len(theirs) == 1:
        parts = [part for rows in (ours, theirs) for part in _of_wells(delta, place, rows[0])]
        if all(np.isfinite(variance) for variance, _ in parts):
            return _with_interval(value, parts, n=n, method="t over wells, technical only")
        return Estimate(value, None, None, n, n, "difference", "a gene has a single well: no interval")
    return Estimate(value, None, None, n, n, "difference", "one side has a single sample: no interval over samples")


def _of_wells(delta: DeltaCt, place: int, row: int) -> list[tuple[float, int]]:
    """Return the squared standard error, and the degrees of freedom, of all means in a delta Ct."""
    table, k = delta.table, len(delta.references)
    weights = {place: 1.0} | {column: 1 / k for column in table.columns(delta.references)}
    return [
        (float(table.variance[row, column] * (weight * delta.factor[column]) ** 2), int(table.crossed[row, column]) - 1)
        for column, weight in weights.items()
    ]


def _with_interval(value: float, parts: Sequence[tuple[float, int]], *, n: int, method: str) -> Estimate:
    """Return the estimate with a t interval, whose degrees of freedom are Satterthwaite's."""
    from scipy import stats

    variance = sum(part for part, _ in parts)
    if variance <= 0:
        return Estimate(value, None, None, n, n, method, "no spread at all: no interval")
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts if degrees)
    half = float(stats.t.ppf(0.975, freedom)) * variance**0.5
    return Estimate(value, value - half, value + half, n, n, method)


def _fold(ddct: Estimate) -> Estimate:
    """Return the fold change: 2 to the minus delta-delta Ct."""
    if ddct.value is None:
        return ddct
    low, high = (None if bound is None else float(2.0**-bound) for bound in (ddct.high, ddct.low))
    return Estimate(float(2.0**-ddct.value), low, high, ddct.n, ddct.groups, ddct.method, ddct.reason)
