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
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Of survival: the time.", show_default="as in the training data"),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Of survival: what happened then.", show_default="as in the training data"),
    ] = None,
    codes: Annotated[
        str | None,
        typer.Option(
            metavar="CODES",
            help="Of survival: what the entries of that column mean, such as alive=0,dead=1.",
            show_default="as in the training data",
        ),
    ] = None,
    time_unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT", help="Of these times: days, weeks, months or years.", show_default="that of the bundle"
        ),
    ] = None,
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
    from cancernet.cli.curves import parse_codes

    place = out or Path("runs", f"{_name(bundle)}-on-{rows[0].name.partition('.')[0]}")
    options = studies.EvaluateOptions(
        target=target,
        group=group,
        id=id,
        time=time,
        event=event,
        codes=None if codes is None else parse_codes(codes),
        unit=time_unit,
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
