"""`cancernet data crops` and `cancernet data cells`: sets to learn from, made of images with masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cancernet.cli.options import Force, Json, Quiet
from cancernet.cli.show import paragraph, print_json, progress_bar, rows_table, say
from cancernet.errors import InvalidInput

__all__ = ["crops", "measured_cells"]

Manifest = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="A table with a row for each image.", show_default=False)
]
_SHOWN = 5  # cells that were left out, named


def crops(
    manifest: Manifest,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.", show_default=False)],
    labels: Annotated[
        str, typer.Option(metavar="COLUMN", help="Of the images with the number of the nucleus at each pixel.")
    ] = "labels",
    types: Annotated[
        str, typer.Option(metavar="COLUMN", help="Of the images with the code of the type at each pixel.")
    ] = "types",
    names: Annotated[
        str | None,
        typer.Option(
            metavar="CODE=NAME,...", help="Names of the codes; several may have one.", show_default="the codes"
        ),
    ] = None,
    group: Annotated[str, typer.Option(metavar="COLUMN", help="Of the patients, or 'row'.")] = "row",
    mpp: Annotated[str, typer.Option(metavar="MPP", help="Of the images: a number, or the column of it.")] = "mpp",
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Side of a crop.")] = 48,
    crop_mpp: Annotated[float, typer.Option(metavar="MICRONS", help="Microns per pixel of the crops.")] = 0.5,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Cut a crop around each outlined nucleus: a set to learn types of nuclei from.

    OUT/manifest.csv has a row for each nucleus with its type and its measurements.
    """
    from cancernet.cells import CropOptions, make_crops
    from cancernet.files import refuse_existing

    refuse_existing(out, force=force)
    options = CropOptions(
        size=size, crop_mpp=crop_mpp, mpp=_number(mpp), labels=labels, types=types, group=group, names=_names(names)
    )
    with progress_bar(quiet=quiet or json) as progress:
        progress.begin("Cutting", _rows_of(manifest))
        made = make_crops(manifest, out, options=options, progress=progress.reach, force=force)
    if json:
        counts = {"counts": dict(made.counts), "left_out": made.left_out}
        print_json({"out": str(out), "images": made.images, **counts})
        return
    lines = [[name, f"{count:,}"] for name, count in made.counts.items()]
    without = f" {made.left_out:,} nuclei without a type were left out." if made.left_out else ""
    words = f"{sum(made.counts.values()):,} nuclei of {made.images} images in {out}.{without}"
    say(f"{paragraph(words)}\n\n{rows_table(lines)}", quiet=quiet)


def measured_cells(
    manifest: Manifest,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The table, CSV.", show_default=False)],
    labels: Annotated[str, typer.Option(metavar="COLUMN", help="Of the masks.")] = "mask",
    nucleus: Annotated[int, typer.Option(metavar="CODE", help="Of the nucleus in the masks.")] = 2,
    cytoplasm: Annotated[int, typer.Option(metavar="CODE", help="Of the cytoplasm.")] = 1,
    target: Annotated[str, typer.Option(metavar="COLUMN", help="Of the grades; it is kept.")] = "grade",
    group: Annotated[str, typer.Option(metavar="COLUMN", help="Of the patients; it is kept.")] = "group",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Measure single cells by their masks: a table to learn grades from."""
    from cancernet.cells import CellSetOptions, cell_table
    from cancernet.files import refuse_existing, whole_file

    refuse_existing(out, force=force)
    options = CellSetOptions(labels=labels, nucleus=nucleus, cytoplasm=cytoplasm, target=target, group=group)
    with progress_bar(quiet=quiet) as progress:
        progress.begin("Measuring", _rows_of(manifest))
        table, said = cell_table(manifest, options=options, progress=progress.reach)
    with whole_file(out, force=force) as partial:
        table.to_csv(partial, index=False)
    left = [f"Left out: {words}" for words in said[:_SHOWN]]
    more = [f"and {len(said) - _SHOWN} more"] if len(said) > _SHOWN else []
    say("\n".join([f"{len(table):,} cells in {out}.", *left, *more]), quiet=quiet)


def _rows_of(manifest: Path) -> int:
    """Return how many images there are."""
    from cancernet.patches import PatchOptions, read_patches

    return len(read_patches(manifest, options=PatchOptions(layout="manifest", group="row")))


def _number(text: str) -> str | float:
    """Return a number, or the name of a column."""
    try:
        return float(text)
    except ValueError:
        return text


def _names(given: str | None) -> dict[int, str]:
    """Return the names of codes from '1=other,2=inflammatory'."""
    pairs = [part.partition("=") for part in (given or "").split(",") if part]
    wrong = ["".join(pair) for pair in pairs if not (pair[0].strip().isdecimal() and pair[2].strip())]
    if wrong:
        raise InvalidInput(f"--names with '{wrong[0]}'", "CODE=NAME,CODE=NAME", "For example --names 1=other,2=spindle")
    return {int(code): name.strip() for code, _, name in pairs}
