"""What is usual: quantiles of profiles and of nuclei over public sets, made by `benchmarks/cellreference.py`.

The file holds statistics only, no image and no single nucleus.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

__all__ = ["NUCLEAR", "Reference", "references"]

NUCLEAR = {
    "area_um2": "nuclear area, µm²",
    "compactness": "compactness",
    "solidity": "solidity",
    "haematoxylin": "haematoxylin, optical density",
    "entropy": "chromatin entropy, bits",
    "nearest_um": "nearest neighbour, µm",
}
"""Measurements of nuclei that the page of figures shows, and their names."""


@dataclass(frozen=True)
class Reference:
    """One public set.

    Parameters
    ----------
    name, words
        Of the set, and what it is.
    fields, nuclei
        How many there are.
    mpp
        Microns per pixel, and whether it is an estimate.
    mpp_estimated
        Whether nobody measured it.
    shares
        Of which the quantiles are, rising.
    of_fields
        Quantiles over fields, by the names of `PROFILE`.
    of_nuclei
        Quantiles over nuclei, by the names of `NUCLEAR`.
    """

    name: str
    words: str
    fields: int
    nuclei: int
    mpp: float
    mpp_estimated: bool
    shares: tuple[float, ...]
    of_fields: dict[str, tuple[float, ...]]
    of_nuclei: dict[str, tuple[float, ...]]

    def rank(self, name: str, value: float) -> float | None:
        """Return the share of the fields of the set that have less of a number, 0 to 1; None where it has none."""
        if name not in self.of_fields:
            return None
        known = self.of_fields[name]
        return 0.0 if value <= known[0] else float(np.interp(value, known, self.shares, right=1.0))


@cache
def references() -> tuple[Reference, ...]:
    """Return the shipped references."""
    import json

    text = resources.files(__package__).joinpath("reference.json").read_text(encoding="utf-8")
    return tuple(_reference(one) for one in json.loads(text)["sets"])


def _reference(fields: dict[str, Any]) -> Reference:
    """Return one reference from its fields."""
    lists = ("of_fields", "of_nuclei")
    made = {key: {name: tuple(values) for name, values in fields[key].items()} for key in lists}
    return Reference(**(fields | made | {"shares": tuple(fields["shares"])}))
