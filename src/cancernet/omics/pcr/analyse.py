"""The three jobs on a plate: relative expression, the 21-gene score, and copies of one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cancernet.errors import InvalidInput
from cancernet.omics.pcr.calls import Assay, Call, call_samples, characterise
from cancernet.omics.pcr.plate import STANDARD, Plate, unknown_gene
from cancernet.omics.pcr.references import References, choose_references
from cancernet.omics.pcr.relative import Comparison, DeltaCt, amplification, compare, delta_ct
from cancernet.omics.pcr.replicates import SPREAD, CtTable, combine
from cancernet.omics.pcr.score import RecurrenceScore, rs21

__all__ = ["Copies", "PcrOptions", "Relative", "Scores", "count_target", "relative_expression", "score_plate"]


@dataclass(frozen=True)
class PcrOptions:
    """How cycles become relative expression.

    Parameters
    ----------
    references
        Names of the reference genes; ("stable",) for the steadiest by geNorm; empty for those of the usual names.
    control
        The group, or the sample, that the others are compared with; None for no comparison.
    efficiencies
        Amplification of a gene in one cycle where it is not 2, such as 1.93.
    spread
        Cycles between replicates above which they are flagged.
    """

    references: tuple[str, ...] = ()
    control: str | None = None
    efficiencies: Mapping[str, float] = field(default_factory=dict)
    spread: float = SPREAD


@dataclass(frozen=True, eq=False)
class Relative:
    """Relative expression of all samples of a plate."""

    plate: Plate
    references: References
    delta: DeltaCt
    control: str | None
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, eq=False)
class Scores:
    """The 21-gene score of all samples of a plate."""

    plate: Plate
    table: CtTable
    scores: tuple[RecurrenceScore, ...]


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of one target in all samples of a plate, with what its standards and blanks say of the assay."""

    plate: Plate
    assay: Assay
    calls: tuple[Call, ...]


def relative_expression(plate: Plate, options: PcrOptions | None = None) -> Relative:
    """Return delta Ct of all samples, and against a control delta-delta Ct.

    Parameters
    ----------
    plate
        The wells.
    options
        How; the defaults when None.

    Raises
    ------
    InvalidInput
        When no reference gene is there, a named gene or the control is not, or no sample is left.

    Examples
    --------
    >>> import numpy as np
    >>> from cancernet.omics.pcr import Plate, relative_expression
    >>> wells = dict(tasks=np.full(4, "sample"), quantities=np.full(4, np.nan), reasons=np.full(4, ""))
    >>> samples, genes = np.array(["a", "a", "b", "b"]), np.array(["ACTB", "ESR1"] * 2)
    >>> ct = np.array([18.0, 25.0, 18.5, 23.5])
    >>> plate = Plate(name="p", form="", samples=samples, genes=genes, ct=ct, **wells)
    >>> relative_expression(plate).delta.values[:, 1].tolist()
    [7.0, 5.0]
    """
    options = options or PcrOptions()
    table = _table(plate, options.spread)
    factor = amplification(table.genes, options.efficiencies)
    references = choose_references(plate, table, names=options.references, log2_factor=factor)
    delta = delta_ct(table, references.genes, factor=factor)
    comparisons = compare(delta, plate.groups, control=options.control) if options.control is not None else ()
    return Relative(plate, references, delta, options.control, comparisons)


def score_plate(plate: Plate, *, spread: float = SPREAD) -> Scores:
    """Return the 21-gene score of all samples; see `rs21`."""
    table = _table(plate, spread)
    return Scores(plate, table, rs21(table))


def count_target(plate: Plate, gene: str | None = None) -> Copies:
    """Return copies of a target in all samples, and whether it is there.

    Parameters
    ----------
    plate
        Wells of samples, of standards of known copies, and of blanks.
    gene
        The target; the only one with standards when None.

    Raises
    ------
    InvalidInput
        When the target, its standards or its blanks are not on the plate, or no curve can be fitted.
    """
    assay = characterise(plate, _target(plate, gene))
    return Copies(plate, assay, call_samples(plate, assay))


def _target(plate: Plate, gene: str | None) -> str:
    """Return the gene to count."""
    if gene is not None:
        if gene not in plate.gene_names:
            raise unknown_gene([gene], plate, "target")
        return gene
    known: Sequence[str] = [name for name in plate.gene_names if len(plate.wells(name, STANDARD))]
    if len(known) != 1:
        raise InvalidInput(
            f"{len(known)} genes of plate '{plate.name}' have standards",
            "Expected one, or the name of the target",
            "Name it, or measure a dilution series with a column 'quantity'",
        )
    return known[0]


def _table(plate: Plate, spread: float) -> CtTable:
    """Return the mean cycles; a plate without samples is refused."""
    table = combine(plate, spread=spread)
    if not table.samples:
        raise InvalidInput(
            f"Plate '{plate.name}' has only standards and blanks", "At least one sample", "Check tasks and quantities"
        )
    return table
