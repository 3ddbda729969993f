"""One slide from its file to a folder of outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from cancernet.bundle import Card, PatchInput
from cancernet.errors import BundleMismatch
from cancernet.files import give_back_freed, give_back_large, sha256, write_json
from cancernet.geometry import Box
from cancernet.predict import patch_input
from cancernet.scan.colours import colours_of
from cancernet.scan.foci import find_foci
from cancernet.scan.grid import grid_of
from cancernet.scan.heat import map_scores, smooth, target_of
from cancernet.scan.options import ScanOptions
from cancernet.scan.outputs import Looked, write_outputs
from cancernet.scan.picture import Thumbnail
from cancernet.scan.score import score_tiles
from cancernet.scan.summary import Found, summarise
from cancernet.scan.tissue import inside, tissue_of, within
from cancernet.scan.wanted import wanted_tiles
from cancernet.slides import (
    Pitch,
    Slide,
    detail_of,
    open_slide,
    quality_of,
    resolve_pitch,
    thumbnail_size,
)

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["patch_of", "scan_item", "scan_slide"]

_PX_SHOWN = 1400  # pixels of the longer side of the picture: as many as it is printed with
_UM_PER_PX = 8.0  # of the thumbnail that tissue and foci are drawn on


class _Item(Protocol):
    """What a batch hands over."""

    path: Path


def scan_slide(
    model: Model,
    path: Path,
    *,
    folder: Path,
    options: ScanOptions | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> dict[str, Any]:
    """Scan a slide and write what was found into a folder.

    Parameters
    ----------
    model
        Opened by `engine.open`; a bundle of patches whose microns per pixel are known or estimated.
    path
        Of the slide.
    folder
        That the outputs are written into; it exists.
    options
        How to scan.
    progress
        Called with the tiles that are done and all there are.

    Returns
    -------
    What `summary.json` holds.

    Raises
    ------
    BundleMismatch
        When the bundle takes no patches, or does not know how large their pixels are.
    MissingResolution
        When the slide does not say how large its pixels are, and the options do not either.
    CorruptFile
        When the slide cannot be read.
    InvalidInput
        When an option does not fit the slide.
    """
    options, begun = options or ScanOptions(), perf_counter()
    give_back_large()
    patch, mpp = patch_of(model.card)
    target = target_of(model.card, options.name)
    with closing(open_slide(path)) as slide:
        slide.pitch = pitch = resolve_pitch(slide, options.mpp)
        looked = _look(slide, pitch, options)
        region = inside(options.region, slide)
        grid = grid_of(
            region, pitch, px_tile=patch.size, mpp=mpp, overlap=options.overlap, downsamples=slide.downsamples
        )
        wanted = wanted_tiles(grid, looked.tissue, share=options.tissue_share)
        count = int(wanted.sum())
        told = None if progress is None else lambda done: progress(done, count)
        stain = colours_of(slide, grid, wanted, method=patch.stain)
        scores = score_tiles(
            model, slide, grid=grid, wanted=wanted, stain=stain, threads=options.threads, progress=told
        )
        known = scores.take(~scores.ood)  # what is unlike the training patches has no value on the map
        heat = smooth(map_scores(known, target.of(known), grid=grid), options.smooth * patch.size / grid.px_stride)
        tissue = within(looked.tissue, region)
        foci = find_foci(heat, tissue, threshold=target.threshold, min_um2=options.min_um2)
        found = Found(pitch, tissue, grid, scores, target, heat, foci, stain)
        summary = summarise(found, slide, model.card, options=options, digest=sha256(model.folder / "checksums.json"))
    give_back_freed()  # or it would add to what drawing takes
    write_outputs(folder, found, looked, name=slide.path.name)
    summary |= {"quality": looked.quality, "seconds": round(perf_counter() - begun, 3)}
    write_json(folder / "summary.json", summary)  # last: who finds it finds all
    return summary


def scan_item(
    item: _Item, folder: Path, *, tool: Model, report: Callable[[float, float], None], options: ScanOptions
) -> Mapping[str, Any]:
    """Do the work of a batch on one slide; return what the ledger keeps."""
    summary = scan_slide(tool, item.path, folder=folder, options=options, progress=report)
    kept = ("tissue_mm2", "positive_mm2", "positive_fraction", "foci", "largest_focus_mm2")
    return {name: summary[name] for name in kept} | {"tiles": summary["tiles"]["scored"]}


def patch_of(card: Card) -> tuple[PatchInput, float]:
    """Return what a bundle takes, and the microns per pixel that a slide has to be read at.

    Raises
    ------
    BundleMismatch
        When it takes no patches, or its card does not say how large a pixel is.
    """
    taken = patch_input(card)
    mpp = taken.pixel_size.mpp
    if mpp is None:
        raise BundleMismatch(
            f"The bundle '{card.name}' cannot scan slides: its card says that microns per pixel are unknown",
            "A bundle that was trained on patches of a known resolution",
            "Choose another bundle, or train it again with mpp in [data]",
        )
    return taken, mpp


def _look(slide: Slide, pitch: Pitch, options: ScanOptions) -> Looked:
    """Return the thumbnail of a slide, its tissue and its quality; what that took in memory is given back."""
    size = thumbnail_size(slide, mpp=_UM_PER_PX, pitch=pitch)
    pixels = slide.read(Box(0, 0, *slide.l0_size), px_size=size)
    tissue = tissue_of(slide, pixels, pitch=pitch, mask=options.mask)
    (l0_x, l0_y), mask = tissue.l0_per_px, tissue.mask
    um = l0_x * pitch.um_x, l0_y * pitch.um_y
    give_back_freed()
    detail = detail_of(slide) if max(pitch.um_x, pitch.um_y) <= 1 else None
    quality = quality_of(pixels, mask, mpp=um, detail=detail, found=options.mask is None)
    record = quality.as_record()
    del pixels, quality
    give_back_freed()
    return Looked(_picture(slide, pitch), tissue, record)


def _picture(slide: Slide, pitch: Pitch) -> Thumbnail:
    """Return the thumbnail that is shown; the one that tissue is found on may be coarser, or much larger."""
    size = thumbnail_size(slide, longest=min(_PX_SHOWN, max(slide.l0_size)), pitch=pitch)
    pixels = slide.read(Box(0, 0, *slide.l0_size), px_size=size)
    scale = slide.l0_size[0] / pixels.shape[1], slide.l0_size[1] / pixels.shape[0]
    return Thumbnail(pixels, *scale, scale[0] * pitch.um_x)
