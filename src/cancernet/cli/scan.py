"""`cancernet scan`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli.options import FLAG, Bundle, Force, Json, Mpp, Quiet, Runtime
from cancernet.cli.show import paragraph, print_json, say
from cancernet.cli.slidebars import watching
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from cancernet.jobs import BatchOptions, BatchResult
    from cancernet.scan import ScanOptions

__all__ = ["scan"]

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


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
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find where the cancer is in whole slides. Run it again to go on where it stopped."""
    from cancernet.bundle import find, load_card
    from cancernet.scan import ScanOptions, find_slides, parse_region, patch_of, target_of

    options = ScanOptions(
        overlap=overlap,
        region=None if region is None else parse_region(region),
        mask=mask,
        mpp=mpp,
        name=target,
        smooth=smooth,
        min_um2=min_area * 1e6,
    )
    card = load_card(find(bundle))
    patch_of(card), target_of(card, target)  # refused before anything is opened
    paths = find_slides(slides)
    asked = {"workers": workers, "max_ram": _bytes(max_ram), "ray": ray, "retry_failed": retry_failed, "force": force}
    result = _run(bundle, paths, out, runtime=runtime, options=options, asked=asked, quiet=quiet or json)
    _finish(result, out, json=json, quiet=quiet)


def _run(
    bundle: str,
    paths: tuple[Path, ...],
    out: Path,
    *,
    runtime: str,
    options: ScanOptions,
    asked: dict[str, Any],
    quiet: bool,
) -> BatchResult:
    """Scan all slides, with bars."""
    from cancernet import engine
    from cancernet.jobs import Item, run_batch
    from cancernet.scan import scan_item

    threads = max(1, (os.cpu_count() or 1) // max(1, asked["workers"]))
    work = partial(scan_item, options=options)
    setup = partial(engine.open, bundle, runtime=runtime, threads=threads)
    with watching(quiet=quiet) as watcher:
        return run_batch(
            [Item(path) for path in paths],
            work,
            out=out,
            setup=setup,
            options=_batch_options(bundle, options, asked),
            watcher=watcher,
        )


def _batch_options(bundle: str, options: ScanOptions, asked: dict[str, Any]) -> BatchOptions:
    """Return how the batch is run; outputs of another bundle or other options are not taken for these."""
    import hashlib
    from json import dumps

    from cancernet import __version__
    from cancernet.bundle import find
    from cancernet.files import sha256
    from cancernet.jobs import BatchOptions

    said = dumps([sha256(find(bundle) / "checksums.json"), options.to_dict()], sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return BatchOptions(**asked, digest=digest, versions={"cancernet": __version__})


def _finish(result: BatchResult, out: Path, *, json: bool, quiet: bool) -> None:
    """Write the overview, say where things are, and end with 2 when a slide failed."""
    from cancernet.scan import read_scanned, write_overview

    failures = {Path(entry.path).name: _reason(entry.error, entry.path) for entry in result.failed}
    slides = read_scanned([out / entry.key for entry in result.done])
    write_overview(out, slides, failures=failures)
    if json:
        print_json(
            {
                "out": str(out),
                "slides": [slide.row for slide in slides],
                "kept": sorted(result.kept),
                "failed": failures,
            }
        )
    else:
        say(_in_words(result, out), quiet=quiet)
    for name, why in failures.items():
        typer.echo(paragraph(f"Failed: {name}: {why}", first=""), err=True)
    if failures:
        raise typer.Exit(2)


def _reason(error: str | None, path: str) -> str:
    """Return why a slide failed, without its name in front."""
    return (error or "unknown").removeprefix(f"{Path(path).name}: ")


def _in_words(result: BatchResult, out: Path) -> str:
    """Return what is there now."""
    kept = len(result.kept)
    before = f", {kept} of them before" if kept else ""
    lines = [f"{len(result.done)} of {len(result.entries)} slides are done{before}.", ""]
    lines += [f"  overview  {out / 'report.html'}", f"  table     {out / 'summary.csv'}"]
    if len(result.done) == 1:
        lines.append(f"  heat map  {out / result.done[0].key / 'heatmap.png'}")
    return "\n".join([*lines, "", "  Research use only, not a medical device."])


def _bytes(text: str | None) -> int | None:
    """Return the bytes of 500M or 2G."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in _UNITS else (text, "")
    try:
        size = float(number) * _UNITS.get(unit, 1)
    except ValueError:
        size = 0
    if not 0 < size < float("inf"):
        raise InvalidInput(f"--max-ram {text}", "A size such as 500M or 2G")
    return int(size)
