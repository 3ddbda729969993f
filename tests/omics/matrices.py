"""Small matrices of expression, with a few genes that tell the classes."""

import csv
from pathlib import Path

import numpy as np

CLASSES = ("low", "mid", "high")


def counts(samples=60, genes=40, seed=0):
    """Return names of samples and genes, counts (samples, genes), and labels: genes 0 to 5 rise with the class."""
    generator = np.random.default_rng(seed)
    codes = np.arange(samples) % 3
    depth = generator.uniform(0.5, 2, samples)[:, None]
    level = generator.uniform(20, 400, genes)
    effect = np.where(np.arange(genes) < 6, 1.2, 0.0)
    rate = depth * level * np.exp(effect * codes[:, None] + generator.normal(0, 0.35, (samples, genes)))
    names = [f"case-{number}" for number in range(samples)], [f"GENE{number}" for number in range(genes)]
    return (*names, generator.poisson(rate).astype(float), np.array(CLASSES)[codes])


def write_matrix(path: Path, rows, columns, values, first="sample") -> Path:
    """Write a matrix with names in the first row and column."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([first, *columns])
        writer.writerows(
            [name, *("" if cell != cell else repr(float(cell)) for cell in row)]
            for name, row in zip(rows, values, strict=True)
        )
    return path


def write_samples(path: Path, samples, labels, **more) -> Path:
    """Write the table of samples."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sample", "subtype", *more])
        writer.writerows(zip(samples, labels, *more.values(), strict=True))
    return path
