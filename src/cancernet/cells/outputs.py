"""The files of a field: overlay, labels, one row for each nucleus, outlines for QuPath, the summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.field import Field
from cancernet.cells.measure import WISCONSIN, Measured
from cancernet.cells.overlay import Mark, draw_nuclei, png_of
from cancernet.cells.types import classes_of, shown_types, typed_colours, with_types
from cancernet.files import whole_file, write_json
from cancernet.slides import Region, write_geojson

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["regions_of", "write_cells"]

_EVERY = 4  # of 128 points of a contour one in four goes to QuPath: 32, as exact as pixels are
_FEW = 2**16  # labels of 16 bits
_SHOWN = (*WISCONSIN.values(), "major_um", "minor_um", "solidity", "haematoxylin", "eosin", "density_per_mm2")
_NUCLEUS = (0, 150, 90)


def write_cells(
    folder: Path,
    field: Field,
    measured: Measured,
    *,
    summary: Mapping[str, Any],
    marks: Mapping[int, Mark],
    cells: NDArray[np.int32] | None = None,
) -> None:
    """Write `overlay.png`, `labels.png`, `cells.parquet`, `cells.geojson` and `summary.json` into a folder.

    With cells, `cytoplasm.png` holds the number of the nucleus at each pixel of its cell. Labels have the numbers of
    the column `nucleus`. They are PNG of 16 bits; where one is beyond 65,535, which no PNG can hold, `labels.tif` of 32
    bits.

    Parameters
    ----------
    folder
        Is there.
    field, measured
        The image, and its nuclei.
    summary
        What `summary.json` holds.
    marks
        Of some nuclei of the overlay, by their row.
    cells
        The cell at each pixel, (h, w), by the row of its nucleus from 1.
    """
    table = measured.table
    with whole_file(folder / "overlay.png") as partial:
        partial.write_bytes(png_of(draw_nuclei(field.image, measured, marks=marks, cells=cells)))
    numbers = np.append(0, table["nucleus"])
    _write_labels(folder, numbers[measured.labels])
    if cells is not None:
        _write_labels(folder, numbers[cells], name="cytoplasm")
    with whole_file(folder / "cells.parquet") as partial:
        table.to_parquet(partial, index=False)
    write_geojson(folder / "cells.geojson", regions_of(measured, l0_per_px=field.l0_per_px))
    write_json(folder / "summary.json", summary)


def _write_labels(folder: Path, labels: NDArray[np.integer[Any]], *, name: str = "labels") -> None:
    """Write the labels as the smallest numbers that hold them."""
    if labels.max() < _FEW:
        with whole_file(folder / f"{name}.png") as partial:
            partial.write_bytes(png_of(labels.astype(np.uint16)))
        return
    import tifffile

    with whole_file(folder / f"{name}.tif") as partial:
        tifffile.imwrite(partial, labels.astype(np.uint32), compression="deflate")


def regions_of(
    measured: Measured, *, l0_per_px: tuple[float, float], corner: tuple[float, float] = (0.0, 0.0)
) -> list[Region]:
    """Return the nuclei for QuPath, in base-level pixels; their classes are their types, where they have some.

    Parameters
    ----------
    measured
        Of an image, or of a tile.
    l0_per_px
        Base-level pixels to one of its pixels, across and down.
    corner
        Its upper left corner, in its pixels.
    """
    from shapely import Polygon

    places = (measured.contours.points[:, ::_EVERY] / measured.mpp + np.array(corner)) * np.array(l0_per_px)
    table = measured.table
    labels = shown_types(table) or ["Nucleus"] * len(table)
    each = zip(places, labels, typed_colours(table), _numbers(table), strict=True)
    return [
        Region(Polygon(line), label=label, colour=colour or _NUCLEUS, measurements=known, kind="detection")
        for line, label, colour, known in each
    ]


def _numbers(table: pd.DataFrame) -> list[dict[str, float]]:
    """Return what QuPath shows of each nucleus; what has no value is left away."""
    more = [f"p_{name}" for name in classes_of(table)] if with_types(table) else []
    more += [name for name in ("nucleus_share", "nc_ratio") if name in table]
    columns = table[[*_SHOWN, *more]].to_dict("records")
    return [{str(name): float(value) for name, value in row.items() if np.isfinite(value)} for row in columns]
