"""`cancernet cells`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli import complete
from cancernet.cli.options import FLAG, Force, Json, Mpp, Quiet, Runtime
from cancernet.cli.show import paragraph, print_json, rows_table, say

if TYPE_CHECKING:
    from cancernet.cells import Examined

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
    image: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGE", help="A field: PNG, JPEG, TIFF, WebP, BMP, or a small slide.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.", show_default="cells/IMAGE"),
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
        typer.Option(metavar="NAME", help="What outlines the nuclei.", autocompletion=complete.segmenters),
    ] = "classical",
    fna: Annotated[
        bool,
        typer.Option("--fna", metavar=FLAG, help="Ask the FNA model about the 30 features of the field; no diagnosis."),
    ] = False,
    runtime: Runtime = "openvino",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Outline and measure the nuclei of a field, in microns."""
    from contextlib import nullcontext

    from cancernet import engine
    from cancernet.cells import CellOptions, examine, write_examined
    from cancernet.files import refuse_existing, whole_folder

    place = out or Path("cells", image.name.partition(".")[0])
    refuse_existing(place, force=force)
    options = CellOptions(mpp=mpp, segmenter=segmenter, labels=labels)
    with engine.open("fna", runtime=runtime) if fna else nullcontext() as model:
        examined = examine(image, options=options, model=model)
    with whole_folder(place, force=force) as partial:
        write_examined(partial, examined)
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
