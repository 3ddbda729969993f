"""Options that mean the same for every verb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Bundle",
    "Force",
    "Group",
    "Id",
    "Json",
    "OutFolder",
    "Prevalence",
    "Quiet",
    "Rows",
    "Runtime",
    "Seed",
    "Setting",
    "Target",
]

Bundle = Annotated[
    str, typer.Argument(help="A bundle's folder, or the name of a shipped one (fna).", show_default=False)
]
Rows = Annotated[Path, typer.Argument(help="CSV, TSV or Parquet file, also .gz.", show_default=False)]
OutFolder = Annotated[Path | None, typer.Option("--out", "-o", help="Where the results go.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Target = Annotated[str | None, typer.Option(help="Column of the labels.", show_default=False)]
Group = Annotated[str | None, typer.Option(help='Column of the patients, or "row".', show_default=False)]
Id = Annotated[str | None, typer.Option(help="Column that names the rows.", show_default=False)]
Seed = Annotated[int | None, typer.Option(help="Of weights and training order.", show_default=False)]
Prevalence = Annotated[
    float | None, typer.Option(help="Share of the positive class where the cases are from.", show_default=False)
]
Runtime = Annotated[str, typer.Option(help="openvino or onnxruntime.")]
Setting = Annotated[
    list[str] | None, typer.Option("--set", help="Change the study: section.key=value.", show_default=False)
]
