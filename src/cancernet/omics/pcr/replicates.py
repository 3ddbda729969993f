"""Replicate wells become one cycle for each sample and gene, by stated rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.omics.pcr.plate import SAMPLE, Plate

__all__ = ["SPREAD", "CtTable", "combine"]

SPREAD = 0.5  # cycles between the first and the last replicate, above which they are flagged

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class CtTable:
    """One cycle for each sample and gene, each array of shape (samples, genes).

    Parameters
    ----------
    samples, genes
        Names of the rows and of the columns.
    ct
        Mean cycle of the wells that crossed, float64; NaN where there is none.
    sd
        Standard deviation of these wells, float64; NaN for fewer than two.
    wells, crossed
        How many wells were measured, and how many of them crossed the threshold.
    reasons
        Why `ct` is NaN, text; "" where it is not.
    flags
        What to look at, text; "" where nothing is.
    """

    samples: tuple[str, ...]
    genes: tuple[str, ...]
    ct: Floats
    sd: Floats
    wells: NDArray[np.int64]
    crossed: NDArray[np.int64]
    reasons: NDArray[np.object_]
    flags: NDArray[np.object_]

    def columns(self, genes: tuple[str, ...]) -> list[int]:
        """Return where the genes stand."""
        return [self.genes.index(gene) for gene in genes]

    @property
    def variance(self) -> Floats:
        """The squared standard error of each mean cycle; NaN where one well says nothing of its spread."""
        return self.sd**2 / np.maximum(self.crossed, 1)


def combine(plate: Plate, *, spread: float = SPREAD) -> CtTable:
    """Return the mean cycle of the replicates of each sample and gene.

    A mean is given where at least half of the wells crossed the threshold, and is that of these; no replicate is taken
    out. Replicates that lie more than `spread` cycles apart, and wells that did not cross, are flagged.

    Parameters
    ----------
    plate
        The wells; standards and blanks are left out.
    spread
        Cycles.
    """
    samples, genes = plate.sample_names, plate.gene_names
    shape = len(samples), len(genes)
    places = _places(plate)
    ct, sd = np.full(shape, np.nan), np.full(shape, np.nan)
    wells, crossed = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    reasons, flags = np.full(shape, "not measured", dtype=object), np.full(shape, "", dtype=object)
    for place, numbers in places.items():
        cycles = plate.ct[numbers]
        known = cycles[np.isfinite(cycles)]
        wells[place], crossed[place] = len(cycles), len(known)
        reasons[place] = _reason(plate, numbers, len(known))
        flags[place] = _flag(known, len(cycles), spread)
        ct[place] = np.nan if reasons[place] else known.mean()
        sd[place] = known.std(ddof=1) if len(known) > 1 and not reasons[place] else np.nan
    return CtTable(
        samples=samples, genes=genes, ct=ct, sd=sd, wells=wells, crossed=crossed, reasons=reasons, flags=flags
    )


def _places(plate: Plate) -> dict[tuple[int, int], list[int]]:
    """Return the wells of each sample and gene."""
    rows = {name: number for number, name in enumerate(plate.sample_names)}
    columns = {name: number for number, name in enumerate(plate.gene_names)}
    places: dict[tuple[int, int], list[int]] = {}
    for well in np.flatnonzero(plate.tasks == SAMPLE).tolist():
        places.setdefault((rows[str(plate.samples[well])], columns[str(plate.genes[well])]), []).append(well)
    return places


def _reason(plate: Plate, numbers: list[int], crossed: int) -> str:
    """Return why there is no cycle, or nothing."""
    if 2 * crossed >= len(numbers) and crossed:
        return ""
    told = sorted({str(reason) for reason in plate.reasons[numbers] if str(reason)})
    many = f"{len(numbers) - crossed} of {len(numbers)} wells " if len(numbers) > 1 else ""
    return f"{many}{' or '.join(told)}"


def _flag(known: Floats, wells: int, spread: float) -> str:
    """Return what to look at."""
    words = []
    if len(known) > 1 and np.ptp(known) > spread:
        words.append(f"replicates {np.ptp(known):.2f} cycles apart")
    if 0 < len(known) < wells:
        words.append(f"{wells - len(known)} of {wells} wells did not cross")
    return "; ".join(words)
