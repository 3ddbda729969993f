"""Plates that the tests of RT-PCR read."""

from pathlib import Path

import numpy as np

from cancernet.omics import RS21_GENES, RS21_REFERENCES, Plate

# Row 1 of the published vectors: unscaled 9.70, score 60.00.
VECTOR = dict(
    zip(
        (*RS21_GENES, *RS21_REFERENCES),
        (
            *(36.59, 33.3, 34.78, 34.86, 35.9, 37.84, 33.82, 35.0, 34.76, 33.21, 35.42),
            *(38.55, 31.8, 28.11, 36.94, 34.83, 24.74, 27.23, 28.71, 36.33, 31.21),
        ),
        strict=True,
    )
)


def plate(cycles, groups=None, name="plate") -> Plate:
    """Return a plate of {sample: {gene: one cycle or several, None for a well that did not cross}}."""
    wells = [
        (sample, gene, np.nan if ct is None else float(ct))
        for sample, genes in cycles.items()
        for gene, several in genes.items()
        for ct in (several if isinstance(several, list | tuple) else [several])
    ]
    samples, genes, ct = (np.array(column) for column in zip(*wells, strict=True))
    return Plate(
        name=name,
        form="made",
        samples=samples,
        genes=genes,
        ct=ct,
        reasons=np.where(np.isnan(ct), "undetermined", ""),
        tasks=np.full(len(ct), "sample"),
        quantities=np.full(len(ct), np.nan),
        groups=groups or {},
    )


def write_long(path: Path, rows, header="Sample,Gene,Ct") -> Path:
    """Write lines of a long table."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def write_vector(path: Path, **changes) -> Path:
    """Write the published vector in the wide form, with other cycles or without a gene (None)."""
    cycles = {gene: ct for gene, ct in {**VECTOR, **changes}.items() if ct is not None}
    lines = [",".join(["Sample", *cycles]), ",".join(["tumour-1", *map(str, cycles.values())])]
    path.write_text("\n".join(lines) + "\n")
    return path
