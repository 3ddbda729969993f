"""What was found in a slide, in numbers: `summary.json`."""

from __future__ import annotations

from typing import Any

from cancernet.cells.profile import PROFILE, least_dark
from cancernet.cells.summary import NOTICE, SCHEMA_VERSION, TABLED, versions
from cancernet.cells.tiled.plan import Plane
from cancernet.cells.tiled.sums import BINS, Sums
from cancernet.scan import Tissue
from cancernet.slides import Pitch, Slide

__all__ = ["summarise_slide"]

_FEWEST = 10  # nuclei for a number about their variation


def summarise_slide(
    sums: Sums, slide: Slide, plane: Plane, *, tissue: Tissue, pitch: Pitch, tiles: int, found_by: str
) -> dict[str, Any]:
    """Return the summary of a slide, with the names that the summary of a field has.

    Parameters
    ----------
    sums
        Of all tiles.
    slide, plane
        What was looked at.
    tissue
        Where; its area is that of the densities.
    pitch
        How large a base-level pixel is.
    tiles
        How many there were.
    found_by
        Who outlined the nuclei, in words.
    """
    count, mm2 = sums.counts["nuclei"], tissue.mm2
    nothing = {} if count else {"reason": "No nucleus was found: there is no tissue, or it is not stained"}
    density = count / mm2 if mm2 else None
    return {
        "schema": SCHEMA_VERSION,
        "kind": "slide",
        "image": slide.path.name,
        "vendor": slide.vendor,
        "px_size": list(plane.size),
        "resolution": {"um_x": pitch.um_x, "um_y": pitch.um_y, "source": pitch.source, "assumed": pitch.assumed},
        "mpp": plane.mpp,
        "mm2": mm2,
        "tiles": tiles,
        "found_by": found_by,
        "nuclei": count,
        **nothing,
        "cut_by_border": sums.counts["cut"],
        "without_shape": sums.counts["shapeless"],
        "notes": dict(sorted(sums.notes.items())),
        "density_per_mm2": density,
        "covered": _covered(sums, mm2),
        "quantiles": {name: sums.quantiles(name) for name in TABLED},
        "quantiles_by": "counts in bins of one width; a quantile is exact but for the width of a bin",
        "bin_widths": {name: (BINS[name][1] - BINS[name][0]) / BINS[name][2] for name in TABLED},
        "profile": _profile(sums, density, mm2),
        "mitosis_candidates": _candidates(sums),
        "versions": versions(),
        "note": NOTICE,
    }


def _covered(sums: Sums, mm2: float) -> float | None:
    """Return the area of all nuclei by that of the tissue."""
    return sums.every["area_um2"].total / 1e6 / mm2 if mm2 else None


def _profile(sums: Sums, density: float | None, mm2: float) -> dict[str, float | None]:
    """Return the numbers of `PROFILE`; the index of Clark and Evans is of rectangles only, and tissue is none."""
    found: dict[str, float | None] = {
        "density_per_mm2": density,
        "covered": _covered(sums, mm2),
        "candidates_per_mm2": _candidates(sums) / mm2 if mm2 else None,
        **(_of_many(sums) if len(sums.whole["area_um2"]) >= _FEWEST else {}),
    }
    return {name: found.get(name) for name in PROFILE}


def _of_many(sums: Sums) -> dict[str, float | None]:
    """Return size and pleomorphism of whole nuclei, and crowding of all."""
    every, whole = sums.every, sums.whole
    return {
        "median_area_um2": whole["area_um2"].quantile(0.5),
        "large_area_um2": whole["area_um2"].quantile(0.95),
        "variation_of_area": whole["area_um2"].variation(),
        "variation_of_shape": whole["compactness"].between(0.25, 0.75),
        "variation_of_stain": whole["haematoxylin"].variation(),
        "variation_of_chromatin": whole["entropy"].between(0.25, 0.75),
        "aligned": abs(sums.direction) / sums.long if sums.long >= _FEWEST else None,
        "median_nearest_um": every["nearest_um"].quantile(0.5),
        "crowded_density_per_mm2": every["density_per_mm2"].quantile(0.9),
    }


def _candidates(sums: Sums) -> int:
    """Return how many nuclei are dark for the slide and clumped: the rule of `mitosis_candidates`, by bins."""
    low, middle, high = (sums.every["haematoxylin"].quantile(share) for share in (0.25, 0.5, 0.75))
    if low is None or middle is None or high is None:
        return 0
    return sums.clumped.from_value(least_dark(low, middle, high))
