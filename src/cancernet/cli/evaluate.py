"""`cancernet evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cancernet.cli.options import FLAG, Bundle, Features, Force, Group, Id, Json, Layout, Quiet, Runtime, Target
from cancernet.cli.show import print_json, progress_bar, say
from cancernet.cli.train import summary

__all__ = ["evaluate"]


def evaluate(
    bundle: Bundle,
    rows: Annotated[
        list[Path],
        typer.Argument(
            metavar="ROWS",
            help="CSV, TSV or Parquet file, also .gz; for patches an image, a folder or a manifest; for bags a table "
            "of slides; for a fusion a file for each source, the first one with the truth.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.", show_default="runs/BUNDLE-on-ROWS"),
    ] = None,
    target: Target = None,
    group: Group = None,
    id: Id = None,
    layout: Layout = "auto",
    features: Features = None,
    allow_leak: Annotated[
        bool,
        typer.Option(
            "--allow-leak", metavar=FLAG, help="Measure on cases the model was trained on, and say so in the report."
        ),
    ] = False,
    runtime: Runtime = "openvino",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Test a bundle on other cases whose truth is known; leave metrics, predictions and a report."""
    from cancernet import studies

    place = out or Path("runs", f"{_name(bundle)}-on-{rows[0].name.partition('.')[0]}")
    options = studies.EvaluateOptions(
        target=target,
        group=group,
        id=id,
        layout=layout,
        features=None if features is None else str(features),
        allow_leak=allow_leak,
        runtime=runtime,
    )
    with progress_bar(quiet=quiet or json) as progress:
        record = studies.evaluate(bundle, rows, out=place, options=options, force=force, progress=progress)
    if json:
        tested = {name: estimate.to_dict() for name, estimate in record.metrics.items()}
        print_json({"run": str(place), "report": str(place / "report.html"), "test": tested})
    else:
        say(summary(record, place), quiet=quiet)


def _name(bundle: str) -> str:
    """Return what to call a bundle: the run's name for runs/NAME/bundle, else the name of its folder."""
    folder = Path(bundle).resolve()
    return folder.parent.name if folder.name == "bundle" else folder.name
