"""`cancernet scan`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.ahead import processors
from cancernet.cli.batches import bytes_of, refuse_own_folders, refuse_shared_mask
from cancernet.cli.options import FLAG, Bundle, Json, Mpp, Quiet, Runtime
from cancernet.cli.scanned import finish, found_in
from cancernet.cli.slidebars import watching

if TYPE_CHECKING:
    from cancernet.jobs import BatchOptions, BatchResult
    from cancernet.scan import ScanOptions

__all__ = ["scan"]


def scan(
    bundle: Bundle,
    slides: Annotated[
        list[Path],
        typer.Argument(
            metavar="SLIDES",
            help="Slides, folders of them, or a CSV list with a column slide.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Gets a folder for each slide, and the overview.")
    ] = Path("scans"),
    mpp: Mpp = "error",
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Only this part, in base-level pixels.", show_default=False),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="GeoJSON: scan these polygons instead of the tissue.", show_default=False),
    ] = None,
    overlap: Annotated[
        float, typer.Option(metavar="SHARE", help="Of a tile that the next one covers too: 0.5 is four times the work.")
    ] = 0.0,
    target: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Class to map.", show_default="the positive one"),
    ] = None,
    smooth: Annotated[float, typer.Option(metavar="TILES", help="Smoothing of the map; 0 is none.")] = 0.5,
    min_area: Annotated[float, typer.Option(metavar="MM2", help="Smaller foci are left out.")] = 0.0,
    workers: Annotated[int, typer.Option(metavar="N", help="Slides at once, each in a process of its own.")] = 1,
    max_ram: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory of one worker, for example 2G.", show_default=False),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Work on Ray: local, auto, or an address.", show_default=False),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", metavar=FLAG, help="Try again what failed before.")
    ] = False,
    runtime: Runtime = "openvino",
    force: Annotated[
        bool,
        typer.Option("--force", metavar=FLAG, help="Do again what was made with other options, or of another file."),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find where the cancer is in whole slides. Run it again to go on where it stopped."""
    from cancernet.scan import ScanOptions, find_slides, parse_region

    options = ScanOptions(
        overlap=overlap,
        region=None if region is None else parse_region(region),
        mask=mask,
        mpp=mpp,
        name=target,
        smooth=smooth,
        min_um2=min_area * 1e6,
    )
    asked = {"workers": workers, "max_ram": bytes_of(max_ram), "ray": ray, "retry_failed": retry_failed, "force": force}
    batch = _batch_options(_checked(bundle, options, runtime), options, runtime=runtime, asked=asked)
    paths = find_slides(slides)
    refuse_shared_mask(paths, mask)
    refuse_own_folders(paths, out)
    setup = _setup(bundle, runtime, workers)
    try:
        result = _run(paths, out, setup=setup, options=options, batch=batch, quiet=quiet or json)
    except KeyboardInterrupt:
        typer.echo("Interrupted: what is done stays.\n  To go on, give the same command again", err=True)
        raise typer.Exit(130) from None
    finish(result, out, batch=batch, json=json, quiet=quiet)


def _checked(bundle: str, options: ScanOptions, runtime: str) -> Path:
    """Return the folder of the bundle; refuse what no slide can be scanned with, before anything is written."""
    from cancernet.bundle import find, verify
    from cancernet.checks import one_of
    from cancernet.engine import RUNTIMES
    from cancernet.scan import patch_of, target_of
    from cancernet.slides import MppPolicy, read_geojson

    folder = find(bundle)
    card = verify(folder)
    patch_of(card), target_of(card, options.name)
    one_of(runtime, RUNTIMES, "runtime")
    MppPolicy.parse(options.mpp)
    if options.mask is not None:
        read_geojson(options.mask)
    return folder


def _batch_options(folder: Path, options: ScanOptions, *, runtime: str, asked: dict[str, Any]) -> BatchOptions:
    """Return how the batch is run; outputs of another bundle or other options are not taken for these."""
    import hashlib
    from json import dumps

    from cancernet import __version__
    from cancernet.files import sha256
    from cancernet.jobs import BatchOptions
    from cancernet.slides import MppPolicy

    def digest(mpp: str) -> str:
        fields = options.to_dict() | {"mask": mask, "mpp": mpp}
        said = dumps([sha256(folder / "checksums.json"), runtime, fields], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    mask = None if options.mask is None else sha256(options.mask)  # a file of that name may be drawn anew
    # A slide that could be scanned without a guess says its own resolution, and a guess would not have counted.
    also = frozenset({digest("error")} if options.mpp.startswith("assume:") else ())
    policy = MppPolicy.parse(options.mpp)  # a table counts by its lines: each slide depends on its own only
    said = digest("error" if policy.table else options.mpp)
    return BatchOptions(**asked, digest=said, own=policy.line_of, also=also, versions={"cancernet": __version__})


def _setup(bundle: str, runtime: str, workers: int) -> partial[Any]:
    """Return what opens the model in each worker; together they take all processors."""
    from cancernet import engine

    return partial(engine.open, bundle, runtime=runtime, threads=max(1, processors() // max(1, workers)))


def _run(
    paths: Sequence[Path], out: Path, *, setup: partial[Any], options: ScanOptions, batch: BatchOptions, quiet: bool
) -> BatchResult:
    """Scan all slides, with bars."""
    from cancernet.jobs import Item, run_batch
    from cancernet.scan import scan_item

    items, work = [Item(path) for path in paths], partial(scan_item, options=options)
    with watching(quiet=quiet, found=found_in) as watcher:
        return run_batch(items, work, out=out, setup=setup, options=batch, watcher=watcher)
