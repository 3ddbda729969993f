"""The reference genes of a plate: named, recognised, or the steadiest ones; and whether they are steady."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.omics.pcr.plate import Plate, unknown_gene
from cancernet.omics.pcr.replicates import CtTable
from cancernet.omics.pcr.stability import ENOUGH, GeNorm, genorm, normfinder

__all__ = ["STABLE", "References", "choose_references"]

STABLE = "stable"  # the word that asks for the steadiest genes of the plate
# Genes that are used as references in most work on tumours, by their present and their older names.
_USUAL = (
    *("ACTB", "GAPDH", "GAPD", "RPLP0", "GUSB", "GUS", "TFRC", "B2M", "HPRT1", "HPRT", "HMBS", "TBP", "UBC", "UBB"),
    *("YWHAZ", "SDHA", "RPL13A", "PPIA", "PGK1", "POLR2A", "IPO8", "18S", "RN18S1", "RNU6B", "U6", "ABL1", "HSPCB"),
)
_IN_MOST = 0.9  # share of samples in which a gene must have a cycle to be chosen
_UNSTEADY = 1.0  # of M: above it reference genes of mixed tissue are poor (Hellemans 2007, doi:10.1186/gb-2007-8-2-r19)


@dataclass(frozen=True, eq=False)
class References:
    """The reference genes and what is known of them.

    Parameters
    ----------
    genes
        Their names.
    how
        How they were chosen, in a sentence.
    genorm
        Of these genes, or of all of the plate when the steadiest were asked for; None with one gene or few samples.
    normfinder
        The stability values in the order of the ranking of `genorm`; empty with fewer than three genes.
    warnings
        What speaks against them, in sentences.
    """

    genes: tuple[str, ...]
    how: str
    genorm: GeNorm | None
    normfinder: tuple[float, ...]
    warnings: tuple[str, ...]


def choose_references(
    plate: Plate, table: CtTable, *, names: Sequence[str] = (), log2_factor: NDArray[np.float64] | None = None
) -> References:
    """Return the reference genes of a plate.

    Parameters
    ----------
    plate, table
        The wells, and their means.
    names
        The genes; ("stable",) for the steadiest ones by geNorm; empty for those of the usual names.
    log2_factor
        Shape (genes,), binary logarithm of the amplification in one cycle; 1 when None.

    Raises
    ------
    InvalidInput
        When a gene is not on the plate, or no reference gene is found.
    """
    factor = np.ones(len(table.genes)) if log2_factor is None else log2_factor
    log2 = -table.ct * factor
    if tuple(names) == (STABLE,):
        return _steadiest(plate, table, log2)
    missing = [name for name in names if name not in plate.gene_names]
    if missing:
        raise unknown_gene(missing, plate, "reference gene")
    genes = tuple(dict.fromkeys(names)) or tuple(name for name in table.genes if name.upper() in _USUAL)
    if not genes:
        raise _none(plate)
    how = "as named" if names else "found on the plate by their usual names"
    return _judged(plate, table, log2, genes=genes, how=how)


def _none(plate: Plate) -> InvalidInput:
    """Return the error for a plate without reference genes."""
    return InvalidInput(
        f"Plate '{plate.name}' has no reference gene of a usual name among its {len(plate.gene_names)} genes",
        f"Expected at least one such as ACTB, GAPDH or RPLP0; it has {listed(plate.gene_names, 12)}",
        "Name them: --reference A,B,C; or let geNorm choose the steadiest: --reference stable",
    )


def _judged(plate: Plate, table: CtTable, log2: NDArray[np.float64], *, genes: tuple[str, ...], how: str) -> References:
    """Return the genes with what geNorm and NormFinder say of them."""
    places = table.columns(genes)
    chosen = log2[:, places]
    if len(genes) == 1 or np.isfinite(chosen).all(axis=1).sum() < 3:
        few = "one reference gene" if len(genes) == 1 else "fewer than three samples with all reference genes"
        return References(genes, how, None, (), (f"Their stability is not known: {few}.",))
    ranked = genorm(chosen, genes)
    values = _normfinder(plate, table, log2, ranked)
    return References(genes, how, ranked, values, _warnings(ranked, len(genes)))


def _steadiest(plate: Plate, table: CtTable, log2: NDArray[np.float64]) -> References:
    """Return the steadiest genes of the plate: as many as geNorm finds enough."""
    candidates = tuple(np.array(table.genes)[np.isfinite(log2).mean(axis=0) >= _IN_MOST].tolist())
    if len(candidates) < 3:
        raise InvalidInput(
            f"{len(candidates)} genes of plate '{plate.name}' have a cycle in 90 % of the samples",
            "Expected three at least to choose among",
            "Name the reference genes: --reference A,B,C",
        )
    ranked = genorm(log2[:, table.columns(candidates)], candidates)
    genes = ranked.ranking[: ranked.enough]
    how = (
        f"the {len(genes)} steadiest by geNorm of {len(candidates)} genes with a cycle in 90 % of samples, "
        f"in the {ranked.samples} samples that have all of these"
    )
    warnings = ("They were chosen on these samples: genes that answer to what is studied may be among them.",)
    return References(genes, how, ranked, _normfinder(plate, table, log2, ranked), warnings)


def _normfinder(plate: Plate, table: CtTable, log2: NDArray[np.float64], ranked: GeNorm) -> tuple[float, ...]:
    """Return NormFinder's values in the order of the ranking; empty where it cannot say."""
    if len(ranked.ranking) < 3:
        return ()
    chosen = log2[:, table.columns(ranked.ranking)]
    groups = np.array([plate.groups.get(sample, "") for sample in table.samples])
    complete = np.isfinite(chosen).all(axis=1)
    if np.unique(groups[complete], return_counts=True)[1].min() < 2:
        groups[:] = ""
    return tuple(normfinder(chosen, groups).tolist())


def _warnings(ranked: GeNorm, genes: int) -> tuple[str, ...]:
    """Return what speaks against the genes."""
    found = []
    if max(ranked.m) > _UNSTEADY:
        least = ranked.ranking[-1]
        found.append(f"{least} is unsteady: the largest M is {max(ranked.m):.2f}, above {_UNSTEADY:g}.")
    if ranked.variation and ranked.variation[-1] >= ENOUGH:
        found.append(
            f"The last of {genes} reference genes still changes the normalisation: V = {ranked.variation[-1]:.2f}, "
            f"at least {ENOUGH:g}."
        )
    return tuple(found)
