"""`cancernet data make slide`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli.options import Force, Group, Json, Layout, Quiet, Target
from cancernet.cli.show import paragraph, print_json, progress_bar, rows_table, say

if TYPE_CHECKING:
    from cancernet.patches import Pack
    from cancernet.slides.made import MadeSlide, Outlines
    from cancernet.studies import Progress

__all__ = ["app"]

_WARNINGS = {
    "tissue": "The tissue is synthetic: results on it say nothing about patients.",
    "repeat": "It is one image over and over: good for measuring speed, not for counting what is found.",
    "mosaic": "Real patches lie in places that were made up: it can tell whether a tumour is found, and no more.",
}

app = typer.Typer(help="Make data to try things on: slides of any size, with known tumours.", no_args_is_help=True)


@app.callback()
def make() -> None:
    """Make data to try things on: slides of any size, with known tumours."""
    return


@app.command("slide")
def slide(
    out: Annotated[
        Path, typer.Argument(metavar="OUT.tiff", help="The slide; its outlines lie beside it.", show_default=False)
    ],
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="In pixels.")] = "20000x15000",
    mpp: Annotated[float, typer.Option(metavar="MICRONS", help="Microns per pixel of the slide.")] = 0.5,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="The same seed makes the same slide.")] = 7,
    foci: Annotated[int, typer.Option(metavar="COUNT", help="How many tumours are drawn.")] = 3,
    focus_mm: Annotated[
        str | None,
        typer.Option(
            metavar="MM,MM,...", help="Their diameters, used in turn.", show_default="0.25 to a third of the slide"
        ),
    ] = None,
    outlines: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.geojson", help="Your own outlines, of the classes Tissue and Tumor.", show_default=False
        ),
    ] = None,
    repeat: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="Repeat an image instead.", show_default=False)
    ] = None,
    patches: Annotated[
        str | None,
        typer.Option(metavar="PATCHES", help="Lay patches instead: a folder or a manifest.", show_default=False),
    ] = None,
    layout: Layout = "auto",
    target: Target = None,
    group: Group = None,
    positive: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Of patches: the label of tumour.", show_default=False)
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME,...", help="Of patches: only those of these patients.", show_default=False),
    ] = None,
    patch_mpp: Annotated[
        float | None,
        typer.Option(
            metavar="MICRONS",
            help="Of patches: they are resampled from this to --mpp.",
            show_default="laid pixel for pixel",
        ),
    ] = None,
    quality: Annotated[int, typer.Option(metavar="1..100", help="Of the JPEG tiles.")] = 85,
    subsampling: Annotated[
        str, typer.Option(metavar="4:4:4|4:2:0", help="Resolution of the colours of the JPEG tiles.")
    ] = "4:2:0",
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make a slide of any size: synthetic tissue with known tumours, an image repeated, or a mosaic of patches.

    It opens in QuPath and OpenSlide. Beside it lie NAME.geojson (the outlines), NAME.json (what was made) and, of a
    mosaic, NAME.cells.parquet (which patch lies where).
    """
    from cancernet.slides import PyramidOptions, made

    _refuse_contradictions(repeat=repeat, patches=patches, outlines=outlines)
    made.made_places(out, force=force)  # before the work begins
    options = PyramidOptions(quality=quality, subsampling=subsampling)
    pixels = _size(size)
    known = _outlines(outlines, pixels, mpp=mpp, seed=seed, foci=foci, focus_mm=focus_mm) if repeat is None else None
    with progress_bar(quiet=quiet or json) as progress:
        if repeat is not None:
            picture = made.repeated_picture(repeat, size=pixels, mpp=mpp)
        elif patches is not None:
            pack = _pack(patches, layout=layout, target=target, group=group, groups=groups, progress=progress)
            label = _positive(positive, pack)
            picture = made.mosaic_picture(
                pack, positive=label, size=pixels, mpp=mpp, patch_mpp=patch_mpp, seed=seed, outlines=known
            )
        else:
            picture = made.tissue_picture(pixels, mpp=mpp, seed=seed, outlines=known)
        progress.begin("Making", pixels[1])
        found = made.make_slide(out, picture, options=options, progress=progress.reach, force=force)
    if json:
        print_json({"slide": str(found.path), **found.description})
    else:
        say(_in_words(found), quiet=quiet)


def _refuse_contradictions(*, repeat: Path | None, patches: str | None, outlines: Path | None) -> None:
    """Raise when two ways to fill a slide were named, or outlines for a repeated image."""
    from cancernet.errors import InvalidInput

    if repeat is not None and patches is not None:
        raise InvalidInput("Both --repeat and --patches were named", "Expected one of them", "Leave one out")
    if repeat is not None and outlines is not None:
        raise InvalidInput("--outlines with --repeat", "A repeated image has no outlines", "Leave one out")


def _size(text: str) -> tuple[int, int]:
    """Return width and height."""
    from cancernet.errors import InvalidInput

    found = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", text.strip().lower())
    if found is None:
        raise InvalidInput(f"--size '{text}'", "Expected WIDTHxHEIGHT in pixels", "Say --size 20000x15000, for example")
    return int(found[1]), int(found[2])


def _outlines(
    path: Path | None, size: tuple[int, int], *, mpp: float, seed: int, foci: int, focus_mm: str | None
) -> Outlines:
    """Return the outlines of a file, or drawn ones."""
    from cancernet.slides.made import draw_outlines, read_outlines

    if path is not None:
        return read_outlines(path)
    return draw_outlines(size, mpp=mpp, seed=seed, foci=foci, diameters_mm=_numbers(focus_mm))


def _numbers(text: str | None) -> tuple[float, ...]:
    """Return the numbers between commas."""
    from cancernet.errors import InvalidInput

    try:
        return tuple(float(part) for part in (text or "").split(",") if part.strip())
    except ValueError as error:
        raise InvalidInput(f"--focus-mm '{text}'", "Expected numbers", "Say --focus-mm 0.5,2, for example") from error


def _pack(
    source: str, *, layout: str, target: str | None, group: str | None, groups: str | None, progress: Progress
) -> Pack:
    """Return the whole patches of the wanted groups, decoded."""
    from cancernet.patches import PatchOptions, open_pack, read_patches
    from cancernet.slides.made import of_groups, whole_patches

    found = read_patches(source, options=PatchOptions(layout=layout, target=target, group=group))
    if groups is not None:
        found = of_groups(found, [name.strip() for name in groups.split(",") if name.strip()])
    whole = whole_patches(found)
    progress.begin("Packing", len(whole))
    return open_pack(whole, progress=progress.reach)


def _positive(label: str | None, pack: Pack) -> str:
    """Return the label of tumour, or raise when it was not said."""
    from cancernet.checks import listed
    from cancernet.errors import InvalidInput

    if label is not None:
        return label
    known = listed(pack.patches.classes) or "none; name their column with --target"
    raise InvalidInput("The label of tumour is not known", f"Labels are: {known}", "Say --positive LABEL")


def _in_words(made: MadeSlide) -> str:
    """Return what was made, as lines."""
    facts = made.description
    width, height = facts["size"]
    lines = [
        ["size", f"{width:,} x {height:,} pixels, {len(facts['levels'])} levels"],
        ["resolution", f"{facts['mpp']:g} microns per pixel: {_mm(facts, 0)} x {_mm(facts, 1)} mm"],
    ]
    if "tissue_mm2" in facts:
        tumours = ", ".join(f"{area:.3g}" for area in facts["tumour_mm2"]) or "none"
        lines += [["tissue", f"{sum(facts['tissue_mm2']):.3g} mm2"], ["tumours", f"{tumours} mm2"]]
    lines += [["beside", ", ".join(path.name for path in made.beside)]]
    return f"Wrote {made.path}\n{rows_table(lines)}\n\n{paragraph(_WARNINGS[facts['kind']], first='', indent='')}"


def _mm(facts: dict[str, Any], axis: int) -> str:
    """Return a side of the slide in millimetres."""
    return f"{facts['size'][axis] * facts['mpp'] / 1000:.3g}"
