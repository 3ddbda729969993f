"""What was found in a field, in numbers: `summary.json`."""

from __future__ import annotations

from collections import Counter
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from cancernet.cells.field import Field
from cancernet.cells.measure import Measured
from cancernet.cells.types import classes_of, count_types, describe_types, with_types

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NOTICE",
    "QUANTILES",
    "SCHEMA_VERSION",
    "TABLED",
    "notes_of",
    "quantiles_of",
    "summarise_field",
    "summarise_types",
    "versions",
]

SCHEMA_VERSION = 1
NOTICE = "Research use only, not a medical device."
_PACKAGES = ("cancernet", "numpy", "scikit-image", "scipy", "pandas")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_KINDS = {
    "pieces": "in several pieces: the largest is measured",
    "holes": "with holes, which were filled",
    "too few": "too small to have a shape",
    "no two pixels": "too small to have a texture",
    "only nucleus": "alone, without a neighbour",
    "no other nucleus": "without another nucleus within 25 microns",
    "encloses": "around another nucleus",
}
"""What stands in reasons, and what is said of all nuclei with it."""

TABLED = ("area_um2", "radius_um", "eccentricity", "solidity", "haematoxylin", "entropy", "nearest_um")


def summarise_field(field: Field, measured: Measured, *, found_by: str) -> dict[str, Any]:
    """Return the summary of a field, values that JSON has; numbers that do not exist are None with a reason.

    Parameters
    ----------
    field, measured
        The image, and its nuclei.
    found_by
        Who outlined them, in words.
    """
    table, height, width = measured.table, *field.image.shape[:2]
    pitch = field.pitch
    nothing = {} if len(measured) else {"reason": "No nucleus was found: the field is blank, or not stained"}
    return {
        "schema": SCHEMA_VERSION,
        "image": field.name,
        "px_size": [width, height],
        "resolution": {"um_x": pitch.um_x, "um_y": pitch.um_y, "source": pitch.source, "assumed": pitch.assumed},
        "mpp": field.mpp,
        "mm2": measured.mm2,
        "found_by": found_by,
        "nuclei": len(measured),
        **nothing,
        "cut_by_border": int(table["cut"].sum()),
        "without_shape": int(table["radius_um"].isna().sum()),
        "notes": notes_of(table),
        "density_per_mm2": len(measured) / measured.mm2,
        "covered": float((measured.labels > 0).mean()),
        "quantiles": {name: quantiles_of(table[name]) for name in TABLED},
        "versions": versions(),
        "note": NOTICE,
    }


def summarise_types(table: pd.DataFrame, by: str) -> dict[str, Any]:
    """Return what the summary says of the types of a field's nuclei; nothing when they have none."""
    return {"types": describe_types(count_types(table), classes_of(table), by=by)} if with_types(table) else {}


def versions() -> dict[str, str]:
    """Return the versions of the packages that numbers depend on."""
    return {name: metadata.version(name) for name in _PACKAGES}


def quantiles_of(values: pd.Series[float]) -> dict[str, float] | None:
    """Return five quantiles of the values that are there, by name; None without any."""
    known = values.to_numpy(np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    return {f"{share:g}": float(np.quantile(known, share)) for share in QUANTILES}


def notes_of(table: pd.DataFrame) -> dict[str, int]:
    """Return how many nuclei have which kind of reason."""
    kinds = (said for words in table["reason"] for part, said in _KINDS.items() if part in words)
    return dict(sorted(Counter(kinds).items()))
