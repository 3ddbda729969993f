"""The files of a scanned slide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.files import give_back_freed, whole_file
from cancernet.report.style import render
from cancernet.scan.foci import Focus, Tissue
from cancernet.scan.picture import Thumbnail, coloured, draw_heat
from cancernet.scan.summary import Found
from cancernet.slides import PyramidOptions, Region, polygons_of, write_geojson, write_pyramid

if TYPE_CHECKING:
    import pyarrow as pa
    from shapely import MultiPolygon

__all__ = ["Looked", "outline_of", "tabulate_scores", "write_outputs"]

_RED, _GREY = (200, 0, 0), (120, 120, 120)  # as QuPath colours tumour and tissue
_WHITE = 255


@dataclass(frozen=True, eq=False)
class Looked:
    """What a look at the whole slide gave, before any tile was scored; the quality as `Quality.as_record` says it."""

    thumbnail: Thumbnail
    tissue: Tissue
    quality: dict[str, Any]


def write_outputs(folder: Path, found: Found, looked: Looked, *, name: str) -> None:
    """Write scores, pictures and outlines of the slide of that name; the summary is another matter.

    The picture comes first, and freed memory is given back before and after it, for drawing takes the most.
    `scores.parquet`, `heatmap.png`, `heatmap.tiff` (pyramidal), `regions.geojson`, `tissue.geojson`.
    """
    import pyarrow.parquet as pq

    outlines = [outline_of(focus, found.tissue) for focus in found.foci]
    values, unknown = found.at(*_shown(looked.thumbnail, found.tissue))
    drawing = draw_heat(name, looked.thumbnail, values=values, target=found.target, outlines=outlines, unknown=unknown)
    give_back_freed()
    with whole_file(folder / "heatmap.png") as partial:
        partial.write_bytes(render(drawing).png)
    give_back_freed()
    with whole_file(folder / "scores.parquet") as partial:
        pq.write_table(tabulate_scores(found), partial)
    _write_map(folder / "heatmap.tiff", found)
    write_geojson(folder / "regions.geojson", _regions(found, outlines))
    write_geojson(folder / "tissue.geojson", _tissue(found))


def tabulate_scores(found: Found) -> pa.Table:
    """Return one row for each tile: its box in base-level pixels, calibrated probabilities, the answer."""
    import pyarrow as pa

    grid, scores = found.grid, found.scores
    corners, (width, height) = grid.corners(scores.columns, scores.rows), grid.l0_tile
    boxes = {
        "l0_x": corners[:, 0],
        "l0_y": corners[:, 1],
        "l0_width": np.full(len(scores), width),
        "l0_height": np.full(len(scores), height),
    }
    chances = {
        f"p_{name}": np.ascontiguousarray(scores.probabilities[:, code]) for code, name in enumerate(scores.classes)
    }
    predicted = pa.DictionaryArray.from_arrays(scores.predicted.astype(np.int32), list(scores.classes))
    return pa.table({**boxes, **chances, "predicted": predicted, "abstained": scores.abstained, "ood": scores.ood})


def outline_of(focus: Focus, tissue: Tissue) -> MultiPolygon:
    """Return the outline of a focus in base-level pixels; pieces that touch at a corner are parts of it."""
    from shapely import MultiPolygon
    from shapely.affinity import translate

    width, height = tissue.l0_per_px
    x, y = focus.px_x * width + tissue.box.l0_x, focus.px_y * height + tissue.box.l0_y
    return MultiPolygon([translate(part, x, y) for part in polygons_of(focus.mask, tissue.l0_per_px)])


def _regions(found: Found, outlines: list[MultiPolygon]) -> list[Region]:
    """Return the foci for QuPath."""
    return [
        Region(
            outline,
            label=found.target.name,
            colour=_RED,
            measurements=_measured(focus, found.tissue),
        )
        for focus, outline in zip(found.foci, outlines, strict=True)
    ]


def _measured(focus: Focus, tissue: Tissue) -> dict[str, float]:
    """Return what QuPath shows of a focus; the peak is in base-level pixels."""
    (width, height), (x, y) = tissue.l0_per_px, focus.px_peak
    peak = {"Peak x": x * width + tissue.box.l0_x, "Peak y": y * height + tissue.box.l0_y}
    return {"Area mm^2": focus.mm2, "Mean": round(focus.mean, 6), "Maximum": round(focus.maximum, 6), **peak}


def _tissue(found: Found) -> list[Region]:
    """Return the tissue for QuPath."""
    from shapely.affinity import translate

    tissue = found.tissue
    pieces = polygons_of(tissue.mask, tissue.l0_per_px)
    moved = [translate(piece, tissue.box.l0_x, tissue.box.l0_y) for piece in pieces]
    return [Region(piece, label="Tissue", colour=_GREY) for piece in moved]


def _shown(thumbnail: Thumbnail, tissue: Tissue) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the tissue mask that lie below the middles of the pixels of a picture of the slide."""
    counts = zip(tissue.mask.shape, thumbnail.pixels.shape[:2], strict=True)
    rows, columns = (((np.arange(shown) + 0.5) * (own / shown)).astype(np.intp) for own, shown in counts)
    return rows, columns


def _write_map(path: Path, found: Found) -> None:
    """Write the coloured map as large as the thumbnail, white where nothing was scored."""
    height, width = found.tissue.mask.shape
    pixels = (coloured(values, empty=_WHITE) for values, _ in found.strips())
    um = (found.pitch.um_x * found.tissue.l0_per_px[0], found.pitch.um_y * found.tissue.l0_per_px[1])
    words = f"{found.target.words}: blue 0, yellow 0.5, red 1; white: not scored"
    options = PyramidOptions(compression="deflate", description=words.encode("ascii", "replace").decode(), workers=1)
    write_pyramid(path, pixels, size=(width, height), mpp=um, options=options)
