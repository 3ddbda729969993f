"""Options that mean the same for every verb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cancernet.cli import complete

__all__ = [
    "FLAG",
    "Bundle",
    "Features",
    "Force",
    "Group",
    "Id",
    "Json",
    "Layout",
    "Mask",
    "MaxRam",
    "Mpp",
    "Prevalence",
    "Quiet",
    "Region",
    "RetryFailed",
    "Rows",
    "Runtime",
    "Setting",
    "Target",
    "Workers",
]

FLAG = ""  # what the help shows beside an option without a value

Bundle = Annotated[
    str,
    typer.Argument(
        metavar="BUNDLE",
        help="A bundle's folder, or the name of a shipped one (fna, idc, lung, cytology-grade, recurrence).",
        show_default=False,
        autocompletion=complete.bundles,
    ),
]
Rows = Annotated[
    Path,
    typer.Argument(
        metavar="ROWS",
        help="CSV, TSV or Parquet file, also .gz; for patches an image, a folder or a manifest; "
        "for bags a table of slides.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", metavar=FLAG, help="Replace what is there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar=FLAG, help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print the result as JSON.")]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the labels.", show_default=False)]
Group = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Column of the patients, or 'row': each row is one patient.", show_default=False
    ),
]
Id = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column that names the rows.", show_default=False)]
Layout = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Of images: auto, manifest, folders, idc, breakhis or files.",
        autocompletion=complete.layouts,
    ),
]
Features = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Of slides: the files of features (.npz, .h5).",
        show_default="a column 'features', or the folder 'features' beside the table",
    ),
]
Mpp = Annotated[
    str,
    typer.Option(
        "--mpp",
        metavar="MPP",
        help="Microns per pixel: a number, a CSV of slide,mpp, or assume:0.25; without, the file must say it.",
        show_default=False,
    ),
]
Prevalence = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the positive class where the cases are from, for example 0.01.",
        show_default=False,
    ),
]
Runtime = Annotated[
    str, typer.Option(metavar="NAME", help="openvino or onnxruntime.", autocompletion=complete.runtimes)
]
Setting = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change the study, for example training.epochs=10; may be repeated.",
        show_default=False,
    ),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="X,Y,W,H", help="Only this part, in base-level pixels.", show_default=False),
]
Mask = Annotated[
    Path | None,
    typer.Option("--mask", metavar="FILE", help="GeoJSON: these polygons instead of the tissue.", show_default=False),
]
Workers = Annotated[int, typer.Option("--workers", metavar="N", help="Slides at once, each in a process of its own.")]
MaxRam = Annotated[
    str | None,
    typer.Option("--max-ram", metavar="SIZE", help="Memory of one worker, for example 2G.", show_default=False),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", metavar=FLAG, help="Try again what failed before.")]
