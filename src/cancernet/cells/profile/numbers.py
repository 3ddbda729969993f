"""Growth and structure of a field in a few numbers: how many nuclei, how large, how unlike each other, how arranged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import Measured
from cancernet.cells.profile.arrangement import arrangement_of
from cancernet.cells.profile.mitosis import mitosis_candidates

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PROFILE", "profile_of"]

PROFILE = {
    "density_per_mm2": "nuclei per mm²",
    "covered": "share of the area that is nucleus",
    "median_area_um2": "median nuclear area, µm²",
    "large_area_um2": "95th percentile of nuclear area, µm²",
    "variation_of_area": "pleomorphism of size: coefficient of variation of area",
    "variation_of_shape": "pleomorphism of shape: spread of compactness between quartiles",
    "variation_of_stain": "pleomorphism of stain: coefficient of variation of haematoxylin",
    "variation_of_chromatin": "pleomorphism of chromatin: spread of entropy between quartiles, bits",
    "median_nearest_um": "median distance to the nearest nucleus, µm",
    "crowded_density_per_mm2": "local density that the most crowded tenth exceeds, per mm²",
    "clark_evans": "arrangement by Clark and Evans: 1 by chance, less clustered, more regular",
    "aligned": "how far nuclei lie in one direction: 0 not at all, 1 all parallel",
    "candidates_per_mm2": "dark clumped nuclei per mm², candidates for mitosis, for review",
}
"""The numbers of a profile, and what they are in words."""

_FEWEST = 10  # nuclei for a number about their variation
_LONG = 0.7  # eccentricity from which a nucleus has a direction


def profile_of(measured: Measured) -> dict[str, float | None]:
    """Return the numbers of `PROFILE`; None for what needs more nuclei than there are.

    Nuclei that the border cuts count for density and arrangement, not for size, shape, stain and chromatin.
    """
    table = measured.table
    whole = table[~table["cut"] & table["radius_um"].notna()]
    height, width = measured.labels.shape
    size = width * measured.mpp, height * measured.mpp
    arranged = arrangement_of(table[["x_um", "y_um"]].to_numpy(np.float64), size)
    found = {
        "density_per_mm2": len(table) / measured.mm2,
        "covered": float((measured.labels > 0).mean()),
        "clark_evans": arranged.ratio,
        "candidates_per_mm2": len(mitosis_candidates(table)) / measured.mm2,
        **(_variation(whole) if len(whole) >= _FEWEST else {}),
        **(_crowding(table) if len(table) >= _FEWEST else {}),
    }
    return {name: found.get(name) for name in PROFILE}


def _variation(whole: pd.DataFrame) -> dict[str, float | None]:
    """Return size and pleomorphism of whole nuclei."""
    area, stain = (whole[name].to_numpy(np.float64) for name in ("area_um2", "haematoxylin"))
    return {
        "median_area_um2": float(np.median(area)),
        "large_area_um2": float(np.quantile(area, 0.95)),
        "variation_of_area": float(area.std(ddof=1) / area.mean()),
        "variation_of_shape": _between_quartiles(whole["compactness"].to_numpy(np.float64)),
        "variation_of_stain": float(stain.std(ddof=1) / stain.mean()) if stain.mean() > 0 else None,
        "variation_of_chromatin": _between_quartiles(whole["entropy"].to_numpy(np.float64)),
        "aligned": _aligned(whole),
    }


def _crowding(table: pd.DataFrame) -> dict[str, float | None]:
    """Return distances and local densities."""
    return {
        "median_nearest_um": float(table["nearest_um"].median()),
        "crowded_density_per_mm2": float(table["density_per_mm2"].quantile(0.9)),
    }


def _between_quartiles(values: NDArray[np.float64]) -> float:
    """Return the distance of the quartiles."""
    low, high = np.nanquantile(values, [0.25, 0.75])
    return float(high - low)


def _aligned(whole: pd.DataFrame) -> float | None:
    """Return the length of the mean of the doubled directions of long nuclei; None for fewer than 10."""
    long = whole[whole["eccentricity"] >= _LONG]
    if len(long) < _FEWEST:
        return None
    return float(np.abs(np.exp(2j * np.radians(long["orientation_deg"].to_numpy(np.float64))).mean()))
