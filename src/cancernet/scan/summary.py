"""What a scan found, in numbers: `summary.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card
from cancernet.scan.foci import Focus, Tissue, values_on
from cancernet.scan.grid import Grid
from cancernet.scan.heat import HeatMap, Target
from cancernet.scan.options import ScanOptions
from cancernet.scan.score import Scores
from cancernet.slides import Pitch, Slide
from cancernet.stain import StainFit

__all__ = ["SCHEMA_VERSION", "SLIDE_SCORES", "Found", "summarise"]

SCHEMA_VERSION = 1
_ROWS = 256  # of the map at a time
_PACKAGES = ("cancernet", "numpy", "openslide-bin", "openvino", "pydicom", "scipy", "shapely", "tifffile")
SLIDE_SCORES = {"maximum": 1.0, "quantile_0.99": 0.99, "quantile_0.9": 0.9}
"""What is said of a slide as a whole: quantiles of its map."""


@dataclass(frozen=True, eq=False)
class Found:
    """All that a scan leaves, before it is written.

    Parameters
    ----------
    pitch
        Of the base level, and where it is from.
    tissue, grid, scores
        What was looked at, and the answers.
    target
        What the map shows.
    heat
        The map, smoothed.
    foci
        The largest first.
    stain
        The colours of the slide, when they were normalised.
    """

    pitch: Pitch
    tissue: Tissue
    grid: Grid
    scores: Scores
    target: Target
    heat: HeatMap
    foci: tuple[Focus, ...]
    stain: StainFit | None = None

    def at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the map on these rows and columns of the tissue mask, and which of it is tissue without an answer.

        Values are NaN outside of tissue, and where there is no answer: tissue that is unlike the training patches, or
        in no tile that was scored.
        """
        values = values_on(self.heat, self.tissue, rows=rows, columns=columns)
        tissue = self.tissue.mask[np.ix_(rows, columns)]
        unknown = tissue & np.isnan(values)
        values[~tissue] = np.nan
        return values, unknown

    def strips(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield what `at` gives of all columns, some rows at a time: of a large slide the whole map has 33 MB."""
        height, width = self.tissue.mask.shape
        for start in range(0, height, _ROWS):
            yield self.at(np.arange(start, min(start + _ROWS, height)), np.arange(width))

    @property
    def unknown_mm2(self) -> float:
        """Area of the tissue without an answer."""
        count = sum(int(np.count_nonzero(unknown)) for _, unknown in self.strips())
        return count * self.tissue.um2_per_px / 1e6


def summarise(found: Found, slide: Slide, card: Card, *, options: ScanOptions, digest: str) -> dict[str, Any]:
    """Return the summary of a scan, values that JSON has; undefined numbers are None.

    Parameters
    ----------
    found
        What the scan left.
    slide, card
        Of what, by what.
    options
        As it was asked for.
    digest
        Checksum of the bundle.
    """
    grid, scores = found.grid, found.scores
    return {
        "schema": SCHEMA_VERSION,
        "slide": slide.path.name,
        "vendor": slide.vendor,
        "l0_size": list(slide.l0_size),
        "resolution": _resolution(found.pitch),
        "stain": None if found.stain is None else found.stain.to_dict(),
        "bundle": {"name": card.name, "sha256": digest},
        "options": options.to_dict(),
        "tiles": {
            "scored": len(scores),
            "grid": [grid.columns, grid.rows],
            "px": grid.px_tile,
            "um": [grid.l0_tile[0] * found.pitch.um_x, grid.l0_tile[1] * found.pitch.um_y],
            "mpp": [grid.l0_per_px_x * found.pitch.um_x, grid.l0_per_px_y * found.pitch.um_y],
        },
        "target": {"class": found.target.name, "what": found.target.words, "threshold": found.target.threshold},
        "tissue_mm2": found.tissue.mm2,
        "unknown_mm2": found.unknown_mm2,
        **_areas(found.foci, found.tissue.mm2),
        "slide_score": _slide_scores(found.heat),
        "abstained": _share(scores.abstained),
        "ood": _share(scores.ood),
        "predicted": _counts(scores),
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "note": "Research use only, not a medical device.",
    }


def _resolution(pitch: Pitch) -> dict[str, Any]:
    """Return microns per pixel, and how they are known."""
    return {"um_x": pitch.um_x, "um_y": pitch.um_y, "source": pitch.source, "assumed": pitch.assumed}


def _areas(foci: Sequence[Focus], tissue_mm2: float) -> dict[str, Any]:
    """Return the area above the threshold, as a share of the tissue, and of the largest focus."""
    total = sum(focus.mm2 for focus in foci)
    return {
        "positive_mm2": total,
        "positive_fraction": total / tissue_mm2 if tissue_mm2 > 0 else None,
        "foci": len(foci),
        "largest_focus_mm2": foci[0].mm2 if foci else 0.0,
    }


def _slide_scores(heat: HeatMap) -> dict[str, float | None]:
    """Return the highest value of the map, and what its highest cells reach."""
    values = heat.values[~np.isnan(heat.values)]
    return {name: float(np.quantile(values, share)) if len(values) else None for name, share in SLIDE_SCORES.items()}


def _share(marked: Any) -> float | None:
    """Return which share of the tiles is marked; None without tiles."""
    return float(np.mean(marked)) if len(marked) else None


def _counts(scores: Scores) -> dict[str, int]:
    """Return how many tiles are called what."""
    counts = np.bincount(scores.predicted, minlength=len(scores.classes))
    return dict(zip(scores.classes, counts.tolist(), strict=True))
