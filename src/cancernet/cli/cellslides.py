"""`cancernet cells` of whole slides: a batch that can be stopped and goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cancernet.ahead import processors
from cancernet.cli.batches import refuse_own_folders, refuse_shared_mask
from cancernet.cli.scanned import failures_in_words, failures_of
from cancernet.cli.show import print_json, say
from cancernet.cli.slidebars import watching

if TYPE_CHECKING:
    from cancernet.cells import SlideOptions
    from cancernet.jobs import BatchOptions, BatchResult, Entry

__all__ = ["examine_slides"]


def examine_slides(
    paths: Sequence[Path],
    out: Path,
    *,
    options: SlideOptions,
    runtime: str,
    asked: Mapping[str, Any],
    shown: tuple[bool, bool],
) -> None:
    """Find the nuclei of slides, each in a folder of its own, say where they are, and end with 2 when one failed.

    Parameters
    ----------
    paths
        Of the slides.
    out
        Gets a folder for each.
    options
        How nuclei are found.
    runtime
        Of the engine of a bundle.
    asked
        Fields of `BatchOptions`.
    shown
        As JSON, or not at all.
    """
    from cancernet.cells import open_tools

    json, quiet = shown
    refuse_shared_mask(paths, options.mask)
    refuse_own_folders(paths, out)
    threads = max(1, processors() // max(1, asked["workers"]))
    setup = partial(open_tools, options.segmenter, types=options.types, runtime=runtime, threads=threads)
    batch = _batch_options(options, runtime=runtime, asked=asked)
    try:
        result = _run(paths, out, setup=setup, options=options, batch=batch, quiet=quiet or json)
    except KeyboardInterrupt:
        typer.echo("Interrupted: what is done stays.\n  To go on, give the same command again", err=True)
        raise typer.Exit(130) from None
    _finish(result, out, json=json, quiet=quiet)


def _batch_options(options: SlideOptions, *, runtime: str, asked: Mapping[str, Any]) -> BatchOptions:
    """Return how the batch is run; what was made with another segmenter or other options is not taken for this."""
    import hashlib
    from json import dumps

    from cancernet import __version__
    from cancernet.cells import SEGMENTERS, digest_of
    from cancernet.files import sha256
    from cancernet.jobs import BatchOptions
    from cancernet.slides import MppPolicy, read_geojson

    policy = MppPolicy.parse(options.mpp)
    if options.mask is not None:
        read_geojson(options.mask)  # refused before anything is written
    fields = options.to_dict() | {
        "mask": None if options.mask is None else sha256(options.mask),
        "mpp": "error" if policy.table else options.mpp,
        "segmenter": digest_of(options.segmenter),
        "types": None if options.types is None else digest_of(options.types),
        "runtime": "" if options.segmenter in SEGMENTERS and options.types is None else runtime,
    }
    digest = hashlib.sha256(dumps(fields, sort_keys=True).encode()).hexdigest()
    return BatchOptions(**asked, digest=digest, own=policy.line_of, versions={"cancernet": __version__})


def _run(
    paths: Sequence[Path], out: Path, *, setup: partial[Any], options: SlideOptions, batch: BatchOptions, quiet: bool
) -> BatchResult:
    """Work on all slides, with bars."""
    from cancernet.cells import cells_item
    from cancernet.jobs import Item, run_batch

    items, work = [Item(path) for path in paths], partial(cells_item, options=options)
    with watching(quiet=quiet, found=_found_in) as watcher:
        return run_batch(items, work, out=out, setup=setup, options=batch, watcher=watcher)


def _finish(result: BatchResult, out: Path, *, json: bool, quiet: bool) -> None:
    """Say what is there, and what failed."""
    failures = failures_of(result.failed)
    if json:
        slides = [{"slide": Path(one.path).name, "folder": one.key, **one.answer} for one in result.done]
        kept = sorted(one.key for one in result.done if one.key in result.kept)
        print_json({"schema": 1, "out": str(out), "slides": slides, "kept": kept, "failed": failures})
    else:
        lines = [f"  {_found_in(one)}: {out / one.key}" for one in result.done]
        said = [f"{len(result.done)} of {len(result.entries)} slides done.", "", *lines]
        say("\n".join([*said, "", "  Research use only, not a medical device."]), quiet=quiet)
    if failures:
        typer.echo(failures_in_words(failures, out / "ledger.jsonl"), err=True)
        raise typer.Exit(2)


def _found_in(entry: Entry) -> str:
    """Return what was found in a slide, in a line."""
    name, found, seconds = Path(entry.path).name, entry.answer, entry.seconds or 0
    density = "" if found["density_per_mm2"] is None else f", {found['density_per_mm2']:,.0f} per mm2"
    return f"{name}: {found['nuclei']:,} nuclei in {found['mm2']:.4g} mm2{density}; {seconds:.0f} s"
