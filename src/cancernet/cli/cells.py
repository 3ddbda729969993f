"""`cancernet cells`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli import complete
from cancernet.cli.batches import bytes_of
from cancernet.cli.cellslides import examine_slides
from cancernet.cli.options import FLAG, Force, Json, Mask, MaxRam, Mpp, Quiet, Region, RetryFailed, Runtime, Workers
from cancernet.cli.show import paragraph, print_json, rows_table, say
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from cancernet.cells import CellOptions, Examined, SlideOptions

__all__ = ["cells"]

_NAMES = {
    "area_um2": "area, square microns",
    "radius_um": "radius, microns",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "haematoxylin": "haematoxylin, optical density",
    "entropy": "chromatin entropy, bits",
    "nearest_um": "nearest neighbour, microns",
}


def cells(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES",
            help="A field (PNG, JPEG, TIFF, WebP, BMP); or slides, folders of them, a CSV list with a column slide.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="The folder to make; of slides, it gets a folder for each.",
            show_default="cells/IMAGE",
        ),
    ] = None,
    mpp: Mpp = "error",
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Masks of the nuclei, PNG, TIFF or NPY: measure these.", show_default="found"
        ),
    ] = None,
    segmenter: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What outlines the nuclei: classical, or a bundle's folder or name.",
            autocompletion=complete.segmenters,
        ),
    ] = "classical",
    types: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE",
            help="What says the types of nuclei: a bundle of crops or of measurements.",
            show_default=False,
            autocompletion=complete.bundles,
        ),
    ] = None,
    cytology: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE",
            help="Of smears: what outlines cytoplasm, and nuclei unless another bundle does; adds N:C.",
            show_default=False,
        ),
    ] = None,
    grade: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BUNDLE",
            help="Of smears, with --cytology: how severe is each cell? May be repeated, to see where bundles disagree.",
            show_default=False,
            autocompletion=complete.bundles,
        ),
    ] = None,
    fna: Annotated[
        bool,
        typer.Option("--fna", metavar=FLAG, help="Ask the FNA model about the 30 features of the field; no diagnosis."),
    ] = False,
    region: Region = None,
    mask: Mask = None,
    workers: Workers = 1,
    max_ram: MaxRam = None,
    retry_failed: RetryFailed = False,
    runtime: Runtime = "openvino",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Outline and measure the nuclei of a field or of whole slides, in microns."""
    from cancernet.cells import CellOptions, SlideOptions
    from cancernet.scan import find_slides, parse_region

    box = None if region is None else parse_region(region)
    options = SlideOptions(mpp=mpp, segmenter=segmenter, types=types, region=box, mask=mask)
    paths = find_slides(images)
    if _is_one_field(paths, options, only_field=fna or labels is not None or cytology is not None or bool(grade)):
        chosen = CellOptions(mpp=mpp, segmenter=segmenter, labels=labels, types=types, runtime=runtime)
        chosen = replace(chosen, cytology=cytology, grades=tuple(grade or ()))
        _examine_field(paths[0], out, options=chosen, fna=fna, force=force, shown=(json, quiet))
        return
    asked = {"workers": workers, "max_ram": bytes_of(max_ram), "retry_failed": retry_failed, "force": force}
    examine_slides(paths, out or Path("cells"), options=options, runtime=runtime, asked=asked, shown=(json, quiet))


def _is_one_field(paths: Sequence[Path], options: SlideOptions, *, only_field: bool) -> bool:
    """Return whether one field is asked for; refuse what goes with fields only for anything else."""
    from cancernet.cells import is_field

    if only_field and (len(paths) > 1 or options.region is not None or options.mask is not None):
        raise InvalidInput(
            "--fna, --labels or --cytology for slides",
            "One field, without --region and --mask",
            "Export a region as an image",
        )
    return only_field or (len(paths) == 1 and is_field(paths[0], options))


def _examine_field(
    image: Path, out: Path | None, *, options: CellOptions, fna: bool, force: bool, shown: tuple[bool, bool]
) -> None:
    """Examine a field; shown as JSON, or not at all."""
    from contextlib import nullcontext

    from cancernet import engine
    from cancernet.cells import examine, write_examined
    from cancernet.files import refuse_existing, whole_folder

    place = out or Path("cells", image.name.partition(".")[0])
    refuse_existing(place, force=force)
    with engine.open("fna", runtime=options.runtime) if fna else nullcontext() as model:
        examined = examine(image, options=options, model=model)
    with whole_folder(place, force=force) as partial:
        write_examined(partial, examined)
    json, quiet = shown
    if json:
        print_json({**examined.summary, "out": str(place)})
    else:
        say(_in_words(examined, place), quiet=quiet)


def _in_words(examined: Examined, place: Path) -> str:
    """Return what was found, and where the files are."""
    summary = examined.summary
    lines = [paragraph(_found(summary)), ""]
    if summary["nuclei"]:
        lines += [_quantiles(summary["quantiles"]), ""]
        lines += [rows_table(_profile(summary["profile"])), ""]
    if "cells" in summary:
        lines += [paragraph(_with_cytoplasm(summary["cells"])), ""]
    if "grades" in summary:
        lines += [*_grades(summary["grades"]), ""]
    if "types" in summary:
        lines += [rows_table(_types(summary["types"])), ""]
    if "fna" in summary:
        lines += [*_asked(summary["fna"]), ""]
    lines += [paragraph(f"{_counted(count)} {words}.") for words, count in summary["notes"].items()]
    files = ", ".join(sorted(path.name for path in place.iterdir()))
    lines += [paragraph(f"{place}: {files}"), "", f"  {summary['note']}"]
    return "\n".join(lines)


def _found(summary: Mapping[str, Any]) -> str:
    """Return the first sentence."""
    if not summary["nuclei"]:
        return f"{summary['reason']} ({summary['found_by']})."
    size = f"{summary['mm2']:.4g} mm2 at {summary['mpp']:.4g} microns per pixel ({summary['resolution']['source']})"
    density = f"{summary['density_per_mm2']:,.0f} per mm2, {summary['covered']:.0%} of the area"
    return (
        f"{summary['nuclei']} nuclei in {size}: {density}; {summary['cut_by_border']} cut by the border. "
        f"Outlined by {summary['found_by']}."
    )


def _profile(found: Mapping[str, float | None]) -> list[list[str]]:
    """Return growth and structure as lines of cells."""
    from cancernet.cells import PROFILE

    return [[words, _digits(found[name])] for name, words in PROFILE.items()]


def _with_cytoplasm(found: Mapping[str, Any]) -> str:
    """Return what was found of cytoplasm."""
    share = found["median_nucleus_share"]
    middle = "" if share is None else f"; the nucleus takes {share:.2f} of a cell in the median"
    return (
        f"Cytoplasm by {found['by']} around {_counted(found['with_cytoplasm'])}, none around "
        f"{found['without_cytoplasm']}{middle}. The border cuts {found['cut_by_border']} cells."
    )


def _grades(found: Mapping[str, Any]) -> list[str]:
    """Return the grades of cells as lines, and where bundles disagree."""
    rows = [[name, *map(str, counts.values())] for name, counts in found["counts"].items()]
    lines = [rows_table([["grades, cells", *next(iter(found["counts"].values()))], *rows])]
    if "most_apart" in found:
        named = ", ".join(map(str, found["most_apart"]))
        words = f"The bundles are a grade or more apart in {found['a_grade_or_more_apart']} of {found['cells']} cells"
        lines += ["", paragraph(f"{words}{': ' if named else ''}{named}.")]
    return lines


def _types(found: Mapping[str, Any]) -> list[list[str]]:
    """Return the types of nuclei as lines of cells."""
    shares = {name: "-" if share is None else f"{share:.0%}" for name, share in found["shares"].items()}
    rows = [[name, str(count), shares[name]] for name, count in found["counts"].items()]
    return [[f"types, by {found['by']}", "nuclei", "share"], *rows, ["left open", str(found["abstained"]), ""]]


def _digits(value: float | None) -> str:
    """Return a number in three digits."""
    if value is None:
        return "too few nuclei"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _counted(count: int) -> str:
    """Return '1 nucleus' or '2 nuclei'."""
    return f"{count} {'nucleus' if count == 1 else 'nuclei'}"


def _asked(found: Mapping[str, Any]) -> list[str]:
    """Return what the FNA model says, and how it moves when the size of a unit is off."""
    lines = [paragraph(found["says"])]
    if "off_by" not in found:
        return lines
    positive = next(name for name in found if name.startswith("p_"))
    rows = [
        [f"{row['factor']:g} x {found['um_per_unit']:g}", f"{row[positive]:.3f}", _distance(row), _answer(row)]
        for row in found["off_by"]
    ]
    lines += ["", rows_table([["microns per unit", positive, "distance", "answer"], *rows])]
    lines += ["", *_fewer(found, positive)] if found["fewer_nuclei"] else []
    chief = "cause_the_distance" if found["unlike_training_rows"] else "drove_the_answer"
    named = ", ".join(str(one["nucleus"]) for one in found[chief])
    return [*lines, "", paragraph(f"Nuclei that {chief.replace('_', ' ')}: {named}.")] if named else lines


def _fewer(found: Mapping[str, Any], positive: str) -> list[str]:
    """Return what the model says about fewer of the nuclei."""
    rows = [
        [str(row["nuclei"]), f"{row[f'median_{positive}']:.3f}", f"{row['share_abstained']:.0%}"]
        for row in found["fewer_nuclei"]
    ]
    head = ["nuclei, drawn 100 times", f"median {positive}", "abstained"]
    last = [f"{found['nuclei']}, all", f"{found[positive]:.3f}", "yes" if found["abstained"] else "no"]
    return [rows_table([head, *rows, last])]


def _distance(row: Mapping[str, Any]) -> str:
    """Return a distance, or a dash."""
    return "-" if row["distance"] is None else f"{row['distance']:.1f}"


def _answer(row: Mapping[str, Any]) -> str:
    """Return the answer of a row in a word or two."""
    return "abstains" if row["abstained"] else f"resembles {row['resembles']} aspirates"


def _quantiles(found: Mapping[str, Mapping[str, float] | None]) -> str:
    """Return a table of quantiles."""
    head = ["", "5 %", "25 %", "median", "75 %", "95 %"]
    known = [(name, values) for name, values in found.items() if values is not None]
    body = [[_NAMES[name], *(f"{value:.3g}" for value in values.values())] for name, values in known]
    return rows_table([head, *body])
