"""What is said of a slide without all of its nuclei in memory: counts, sums, and histograms of fixed bins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.profile import clumped
from cancernet.cells.summary import QUANTILES, notes_of
from cancernet.cells.types import count_types

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BINS", "Histogram", "Sums"]

BINS = {
    "area_um2": (0.0, 1000.0, 4000),
    "radius_um": (0.0, 20.0, 4000),
    "eccentricity": (0.0, 1.0, 1000),
    "solidity": (0.0, 1.0, 1000),
    "haematoxylin": (-1.0, 5.0, 3000),
    "entropy": (0.0, 8.0, 2000),
    "nearest_um": (0.0, 25.0, 2500),
    "compactness": (0.0, 4.0, 4000),
    "density_per_mm2": (0.0, 50_000.0, 5000),
}
"""Lowest and highest value and the number of bins of each histogram; what lies beyond is held in the first or last."""

_LONG = 0.7  # eccentricity from which a nucleus has a direction

Floats = NDArray[np.float64]


class Histogram:
    """Counts of values in bins of one width, with their sum and the sum of their squares.

    Parameters
    ----------
    low, high
        Of all bins.
    bins
        How many.
    """

    def __init__(self, low: float, high: float, bins: int) -> None:
        self.low, self.width = low, (high - low) / bins
        self.counts = np.zeros(bins, np.int64)
        self.total = self.squares = 0.0

    def __len__(self) -> int:
        """Return how many values were added."""
        return int(self.counts.sum())

    def add(self, values: Floats) -> None:
        """Add the values that are there."""
        known = values[np.isfinite(values)]
        places = ((known - self.low) / self.width).astype(np.intp)
        self.counts += np.bincount(np.clip(places, 0, len(self.counts) - 1), minlength=len(self.counts))
        self.total += float(known.sum())
        self.squares += float((known**2).sum())

    def quantile(self, share: float) -> float | None:
        """Return a quantile, exact but for the width of a bin; None without values."""
        if not len(self):
            return None
        upto = np.cumsum(self.counts)
        wanted = share * upto[-1]
        place = int(np.searchsorted(upto, wanted, side="left")) if wanted > 0 else int(np.flatnonzero(self.counts)[0])
        within = (wanted - (upto[place] - self.counts[place])) / self.counts[place]
        return float(self.low + (place + within) * self.width)

    def between(self, low: float, high: float) -> float | None:
        """Return the distance of two quantiles; None without values."""
        first, last = self.quantile(low), self.quantile(high)
        return None if first is None or last is None else last - first

    def variation(self) -> float | None:
        """Return the standard deviation by the mean; None for fewer than two values, or a mean that is not above 0."""
        count = len(self)
        if count < 2 or self.total <= 0:
            return None
        mean = self.total / count
        spread: float = max(self.squares / count - mean**2, 0.0) * count / (count - 1)
        return float(spread**0.5 / mean)

    def from_value(self, value: float) -> int:
        """Return how many values lie in the bin of a value or above it."""
        place = int(np.clip((value - self.low) / self.width, 0, len(self.counts)))
        return int(self.counts[place:].sum())


def _histograms() -> dict[str, Histogram]:
    """Return empty histograms."""
    return {name: Histogram(*bins) for name, bins in BINS.items()}


@dataclass(eq=False)
class Sums:
    """What was counted so far.

    Parameters
    ----------
    every, whole
        Histograms of all nuclei, and of those that no border cuts and that have a shape.
    clumped
        Haematoxylin of those that have the size and shape of candidates for mitosis.
    counts
        Nuclei; those that the border cuts, and without a shape.
    notes
        How many nuclei have which kind of reason.
    types
        How many nuclei are of which type; empty without types.
    direction, long
        Sum of doubled directions of long nuclei, and how many these are.
    """

    every: dict[str, Histogram] = field(default_factory=_histograms)
    whole: dict[str, Histogram] = field(default_factory=_histograms)
    clumped: Histogram = field(default_factory=lambda: Histogram(*BINS["haematoxylin"]))
    counts: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    direction: complex = 0j
    long: int = 0

    def add(self, table: pd.DataFrame) -> None:
        """Count the nuclei of a tile."""
        whole = table[~table["cut"] & table["radius_um"].notna()]
        for histograms, part in ((self.every, table), (self.whole, whole)):
            for name, histogram in histograms.items():
                histogram.add(part[name].to_numpy(np.float64))
        self.clumped.add(table["haematoxylin"].to_numpy(np.float64)[clumped(table)])
        self.counts["nuclei"] += len(table)
        self.counts["cut"] += int(table["cut"].sum())
        self.counts["shapeless"] += int(table["radius_um"].isna().sum())
        self.notes.update(notes_of(table))
        self.types += count_types(table)
        long = whole["orientation_deg"].to_numpy(np.float64)[whole["eccentricity"].to_numpy(np.float64) >= _LONG]
        self.direction += complex(np.exp(2j * np.radians(long)).sum())
        self.long += len(long)

    def quantiles(self, name: str) -> dict[str, float] | None:
        """Return five quantiles of all nuclei, as `quantiles_of` does of a table."""
        found: dict[str, Any] = {f"{share:g}": self.every[name].quantile(share) for share in QUANTILES}
        return found if len(self.every[name]) else None
