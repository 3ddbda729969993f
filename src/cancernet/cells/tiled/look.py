"""One tile: read, outlined, and its own nuclei measured as if the slide were one piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import AROUND_UM, Measured, measure_nuclei
from cancernet.cells.segmenter import Fits, Segmenter
from cancernet.cells.tiled.plan import Plane, Tile
from cancernet.cells.types import NucleusTypes
from cancernet.geometry import Box
from cancernet.scan import Tissue
from cancernet.slides import Slide

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LookedAt", "Looker", "fitted"]

_SAMPLES, _PX_SAMPLE = (
    16,
    512,
)  # parts of tissue that stains and thresholds are fitted on, and the pixels of their sides
_ALONE = f"no other nucleus within {AROUND_UM:g} microns"


@dataclass(frozen=True, eq=False)
class LookedAt:
    """A tile with its own nuclei; places in the table count from the corner of the slide."""

    tile: Tile
    measured: Measured


@dataclass(frozen=True, eq=False)
class Looker:
    """What is done with each tile of a slide.

    Parameters
    ----------
    slide
        Open.
    plane
        Of its pixels.
    tissue
        Nuclei whose centre lies here count.
    region
        And here, in base-level pixels.
    segmenter
        Fitted to the slide.
    types
        Says what the nuclei are; None: nobody does.
    """

    slide: Slide
    plane: Plane
    tissue: Tissue
    region: Box
    segmenter: Segmenter
    types: NucleusTypes | None = None

    def __call__(self, tile: Tile) -> LookedAt:
        """Return the nuclei that a tile owns, measured."""
        mpp, (left, top, right, bottom) = self.plane.mpp, tile.seen
        image = self.slide.read(self.plane.box(tile.seen), px_size=(right - left, bottom - top))
        labels = self.segmenter.labels(image, mpp=mpp)

        def chosen(centres: NDArray[np.float64]) -> NDArray[np.bool_]:
            places = centres + np.array((left, top))
            return tile.owns(places) & self._counts(places * self.plane.l0_per_px)

        measured = measure_nuclei(image, labels, mpp=mpp, chosen=chosen)
        if self.types is not None:
            measured = self.types(image, measured)
        return LookedAt(tile, replace(measured, table=self._on_slide(measured.table, tile)))

    def _counts(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places, (n, 2) in base-level pixels, lie in the tissue and in the region."""
        one, (rows, columns) = self.region, self.tissue.mask.shape
        low, high = (one.l0_x, one.l0_y), (one.l0_x + one.l0_width, one.l0_y + one.l0_height)
        column, row = (places / self.tissue.l0_per_px).astype(np.intp).T
        found = self.tissue.mask[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
        inside: NDArray[np.bool_] = found & ((places >= low) & (places < high)).all(axis=1)
        return inside

    def _on_slide(self, table: pd.DataFrame, tile: Tile) -> pd.DataFrame:
        """Return the table with places on the slide, and distances only as far as the margin lets them be known."""
        mpp, size = self.plane.mpp, np.array(self.plane.size) * self.plane.mpp
        places = table[["x_um", "y_um"]].to_numpy(np.float64) + np.array(tile.seen[:2]) * mpp
        near = table["nearest_um"].to_numpy(np.float64)
        far = ~(near <= AROUND_UM)
        return table.assign(
            x_um=places[:, 0],
            y_um=places[:, 1],
            nearest_um=np.where(far, np.nan, near),
            border_um=np.minimum(places, size - places).min(axis=1) if len(places) else np.empty(0),
            reason=_reasons(table["reason"].tolist(), far),
        )


def fitted(segmenter: Segmenter, slide: Slide, *, plane: Plane, tissue: Tissue) -> Segmenter:
    """Return a segmenter that treats all tiles of a slide alike: fitted on parts of its tissue, where it can be."""
    if not isinstance(segmenter, Fits):
        return segmenter
    samples = [slide.read(plane.box(part), px_size=_size(part)) for part in _parts(plane, tissue)]
    return segmenter.fit(samples, mpp=plane.mpp)


def _parts(plane: Plane, tissue: Tissue) -> Sequence[tuple[int, int, int, int]]:
    """Return parts around places spread evenly over the tissue: left, top, right, bottom in pixels of the plane."""
    places = np.flatnonzero(tissue.mask)
    some = places[np.linspace(0, len(places) - 1, min(_SAMPLES, len(places)) + 2).astype(np.intp)[1:-1]]
    rows, columns = np.divmod(some, tissue.mask.shape[1])
    middles = (np.stack([columns, rows], axis=1) + 0.5) * tissue.l0_per_px / plane.l0_per_px
    ends = [
        _span(middle, length) for place in middles.tolist() for middle, length in zip(place, plane.size, strict=True)
    ]
    return [(across[0], down[0], across[1], down[1]) for across, down in zip(ends[::2], ends[1::2], strict=True)]


def _span(middle: float, length: int) -> tuple[int, int]:
    """Return first and last pixel of a sample along a side."""
    first = min(max(0, round(middle) - _PX_SAMPLE // 2), max(0, length - _PX_SAMPLE))
    return first, min(first + _PX_SAMPLE, length)


def _size(part: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return width and height of a part."""
    return part[2] - part[0], part[3] - part[1]


def _reasons(reasons: list[str], far: NDArray[np.bool_]) -> list[str]:
    """Return the reasons, with why a distance is not known."""
    kept = [[part for part in words.split("; ") if part not in ("", "the only nucleus")] for words in reasons]
    return ["; ".join([*parts, _ALONE] if alone else parts) for parts, alone in zip(kept, far.tolist(), strict=True)]
