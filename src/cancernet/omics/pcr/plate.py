"""A plate of RT-PCR: one well a row, each with its sample, its gene and its cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed, nearest
from cancernet.errors import InvalidInput

__all__ = ["BLANK", "SAMPLE", "STANDARD", "Plate", "unknown_gene"]

SAMPLE, STANDARD, BLANK = "sample", "standard", "blank"


@dataclass(frozen=True, eq=False, kw_only=True)
class Plate:
    """Wells in the order of the file; a well that was not measured is not among them.

    Parameters
    ----------
    name
        Of the data.
    form
        How the file was laid out, in words.
    samples, genes
        Shape (n,), text: of each well.
    ct
        Shape (n,), float64: the cycle at which the well crossed the threshold; NaN when it did not.
    reasons
        Shape (n,), text: why `ct` is NaN; "" where it is not.
    tasks
        Shape (n,), text: "sample", "standard" (its quantity is known) or "blank" (no template).
    quantities
        Shape (n,), float64: copies in the well, known of standards; NaN elsewhere.
    groups
        The group of each sample that has one, such as "tumour" or "control".
    notes
        What was found and decided while reading, in sentences.
    """

    name: str
    form: str
    samples: NDArray[np.str_]
    genes: NDArray[np.str_]
    ct: NDArray[np.float64]
    reasons: NDArray[np.str_]
    tasks: NDArray[np.str_]
    quantities: NDArray[np.float64]
    groups: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of wells."""
        return len(self.samples)

    @property
    def gene_names(self) -> tuple[str, ...]:
        """The genes, in the order of the file."""
        return _in_order(self.genes)

    @property
    def sample_names(self) -> tuple[str, ...]:
        """The samples that are neither standards nor blanks, in the order of the file."""
        return _in_order(self.samples[self.tasks == SAMPLE])

    def wells(self, gene: str, task: str) -> NDArray[np.int64]:
        """Return the numbers of the wells of a gene with this task."""
        return np.flatnonzero((self.genes == gene) & (self.tasks == task))


def unknown_gene(genes: Sequence[str], plate: Plate, what: str) -> InvalidInput:
    """Return the error for genes that the plate does not have, with the nearest one that it has."""
    close = nearest(genes[0], plate.gene_names)
    return InvalidInput(
        f"Plate '{plate.name}' has no {what} {listed(genes)}",
        f"It has {listed(plate.gene_names, 40)}",
        f"Did you mean '{close}'?" if close else "Correct the name, or measure the gene",
    )


def _in_order(names: NDArray[np.str_]) -> tuple[str, ...]:
    """Return each name once, in the order of its first place."""
    return tuple(dict.fromkeys(str(name) for name in names))
