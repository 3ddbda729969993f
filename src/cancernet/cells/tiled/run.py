"""A slide from its file to a folder: tile by tile, read and measured by threads, written as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import several_ahead
from cancernet.cells.field import refuse_fluorescence
from cancernet.cells.measure import no_nuclei
from cancernet.cells.run import CellOptions, examine, write_examined
from cancernet.cells.tiled.look import LookedAt, Looker, fitted
from cancernet.cells.tiled.picture import density_of, draw_density
from cancernet.cells.tiled.plan import Plane, plane_of, tiles_of
from cancernet.cells.tiled.streams import growing_cells
from cancernet.cells.tiled.summary import summarise_slide
from cancernet.cells.tiled.sums import Sums
from cancernet.cells.tools import CellTools
from cancernet.cells.types import describe_types
from cancernet.errors import InvalidInput
from cancernet.files import give_back_freed, whole_file, write_json
from cancernet.geometry import Box
from cancernet.report.style import render
from cancernet.scan import Thumbnail, Tissue, inside, tissue_of, within
from cancernet.slides import Slide, open_slide, resolve_pitch, thumbnail_size

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SlideOptions", "cells_item", "examine_slide", "is_field"]

_MOST_OF_FIELD = 16_000_000  # pixels: what is larger is a slide
_UM_PER_PX = 8.0  # of the thumbnail that tissue is found on
_PX_SHOWN = 1400  # of the longer side of the picture


class _Item(Protocol):
    """What a batch hands over."""

    path: Path


@dataclass(frozen=True)
class SlideOptions:
    """How the nuclei of a slide are found; every field but the last is recorded in the summary.

    Parameters
    ----------
    mpp
        What to do about the resolution; see `MppPolicy.parse`.
    segmenter, types
        What outlines the nuclei and what says their types, in words for the summary.
    region
        The part that is looked at; None: all of it.
    mask
        GeoJSON file whose polygons are looked at, in the place of the tissue that is found; None: find it.
    threads
        That read and measure tiles; each holds one in memory.

    Raises
    ------
    InvalidInput
        When there is no thread.
    """

    mpp: str = "error"
    segmenter: str = "classical"
    types: str | None = None
    region: Box | None = None
    mask: Path | None = None
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse no threads."""
        if self.threads < 1:
            raise InvalidInput(f"{self.threads} threads", "1 or more")

    def to_dict(self) -> dict[str, Any]:
        """Return what the outputs depend on, for JSON."""
        fields = asdict(self) | {"mask": None if self.mask is None else str(self.mask)}
        del fields["threads"]
        return fields


def examine_slide(
    tools: CellTools,
    path: str | Path,
    *,
    folder: Path,
    options: SlideOptions | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> dict[str, Any]:
    """Find and measure the nuclei of a slide, and write them into a folder.

    `cells.parquet`, `cells.geojson`, `cells.png` (their density) and, last, `summary.json`. A nucleus counts when its
    centre lies in the tissue. It belongs to the tile that holds its centre, which sees 45 microns beyond its own part;
    so its outline, and its neighbours within 25 microns, are those that one piece would give.

    Parameters
    ----------
    tools
        Of `open_tools`. A segmenter that can be fitted is, once for all tiles.
    path
        Of the slide, or of a large field.
    folder
        That the outputs are written into; it exists.
    options
        How nuclei are found.
    progress
        Called with the tiles that are done and all there are.

    Returns
    -------
    What `summary.json` holds.

    Raises
    ------
    MissingResolution
        When nothing says how large the pixels are.
    CorruptFile
        When the slide cannot be read.
    InvalidInput
        When an option does not fit the slide, its pixels are too coarse to show nuclei, or it is fluorescence.
    """
    chosen, begun = options or SlideOptions(), perf_counter()
    with closing(open_slide(path)) as slide:
        slide.pitch = pitch = resolve_pitch(slide, chosen.mpp)
        plane, region = plane_of(slide, pitch), inside(chosen.region, slide)
        thumbnail, tissue = _look(slide, chosen, region=region)
        tiles = list(tiles_of(plane, tissue))
        segmenter = fitted(tools.segmenter, slide, plane=plane, tissue=tissue) if tiles else tools.segmenter
        looker = Looker(slide, plane, tissue, region=region, segmenter=segmenter, types=tools.types)
        looked = several_ahead(tiles, looker, threads=chosen.threads, ahead=chosen.threads)
        told = None if progress is None else partial(_tell, progress, len(tiles))
        sums, counts = _write(folder, looked, like=_no_nuclei(plane.mpp, tools), plane=plane, tissue=tissue, told=told)
        summary = summarise_slide(
            sums, slide, plane, tissue=tissue, pitch=pitch, tiles=len(tiles), found_by=f"segmenter '{chosen.segmenter}'"
        )
    give_back_freed()
    with whole_file(folder / "cells.png") as place:
        place.write_bytes(render(draw_density(slide.path.name, thumbnail, density_of(counts, tissue))).png)
    if tools.types is not None:
        summary["types"] = describe_types(sums.types, tools.types.classes, by=tools.types.words)
    summary |= {"options": chosen.to_dict(), "seconds": round(perf_counter() - begun, 3)}
    write_json(folder / "summary.json", summary)  # last: who finds it finds all
    return summary


def is_field(path: Path, options: SlideOptions) -> bool:
    """Return whether an image is small enough to be looked at in one piece, and all of it is asked for.

    Raises
    ------
    CorruptFile, StorageFailure
        When it cannot be opened.
    """
    if options.region is not None or options.mask is not None:
        return False
    with closing(open_slide(path)) as slide:
        width, height = slide.l0_size
    return width * height <= _MOST_OF_FIELD


def cells_item(
    item: _Item, folder: Path, *, tool: CellTools, report: Callable[[float, float], None], options: SlideOptions
) -> Mapping[str, Any]:
    """Do the work of a batch on one slide, or on a field among slides; return what the ledger keeps."""
    if is_field(item.path, options):
        own = CellOptions(mpp=options.mpp, segmenter=options.segmenter)
        examined = examine(item.path, options=own, tools=tool)
        write_examined(folder, examined)
        summary = examined.summary
    else:
        summary = examine_slide(tool, item.path, folder=folder, options=options, progress=report)
    return {name: summary[name] for name in ("nuclei", "mm2", "density_per_mm2")}


def _write(
    folder: Path,
    looked: Iterable[LookedAt],
    *,
    like: pd.DataFrame,
    plane: Plane,
    tissue: Tissue,
    told: Callable[[int], None] | None,
) -> tuple[Sums, NDArray[np.int32]]:
    """Write the nuclei of each tile; return what was counted, and how many lie in each pixel of the mask, (h, w)."""
    sums, counts = Sums(), np.zeros(tissue.mask.shape, np.int32)
    with growing_cells(folder, plane, like=like) as streams:
        for done, one in enumerate(looked, start=1):
            streams.append(one)
            sums.add(one.measured.table)
            _count(counts, one, plane, tissue=tissue)
            if told is not None:
                told(done)
    return sums, counts


def _tell(progress: Callable[[float, float], None], total: int, done: int) -> None:
    """Say how many of the tiles are done."""
    progress(done, total)


def _look(slide: Slide, options: SlideOptions, *, region: Box) -> tuple[Thumbnail, Tissue]:
    """Return the thumbnail that is shown, and where nuclei are looked for."""
    pitch = resolve_pitch(slide, options.mpp)
    whole = Box(0, 0, *slide.l0_size)
    pixels = slide.read(whole, px_size=thumbnail_size(slide, mpp=_UM_PER_PX, pitch=pitch))
    tissue = within(tissue_of(slide, pixels, pitch=pitch, mask=options.mask), region)
    refuse_fluorescence(pixels[tissue.mask][None] if tissue.mask.any() else pixels, slide.path)
    del pixels
    give_back_freed()
    size = thumbnail_size(slide, longest=min(_PX_SHOWN, max(slide.l0_size)), pitch=pitch)
    shown = slide.read(whole, px_size=size)
    scale = slide.l0_size[0] / size[0], slide.l0_size[1] / size[1]
    return Thumbnail(shown, *scale, scale[0] * pitch.um_x), tissue


def _no_nuclei(mpp: float, tools: CellTools) -> pd.DataFrame:
    """Return the table of no nucleus, with the columns of all."""
    nothing = no_nuclei(mpp)
    blank = np.full((1, 1, 3), 255, np.uint8)
    return (nothing if tools.types is None else tools.types(blank, nothing)).table


def _count(counts: NDArray[np.int32], one: LookedAt, plane: Plane, *, tissue: Tissue) -> None:
    """Count the nuclei of a tile in the pixels of the mask, in place."""
    scale = np.array(plane.l0_per_px) / plane.mpp / np.array(tissue.l0_per_px)
    places = (one.measured.table[["x_um", "y_um"]].to_numpy(np.float64) * scale).astype(np.intp)
    column, row = np.minimum(places, np.array(counts.shape[::-1]) - 1).T
    np.add.at(counts, (row, column), 1)
