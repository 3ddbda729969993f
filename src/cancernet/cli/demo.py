"""`cancernet demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cancernet.cli.options import Quiet
from cancernet.cli.predict import in_words
from cancernet.cli.show import progress_bar, say
from cancernet.cli.train import summary

if TYPE_CHECKING:
    from cancernet.data import Table

__all__ = ["demo"]

_ROWS = 8  # that are predicted and shown


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the results go.")] = Path("demo"),
    quiet: Quiet = False,
) -> None:
    """Train, calibrate and test on the Wisconsin table, then predict some rows. Offline, again as often as you like."""
    from cancernet import engine, studies
    from cancernet.data import load
    from cancernet.predict import predict_file

    study = studies.find_study("wdbc")
    try:
        with progress_bar(quiet=quiet) as progress:
            finished = studies.train(study, out / "wdbc", force=True, progress=progress)
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(130) from None
    cases = _some_rows(load("wdbc"), out / "new-cases.csv")
    with engine.open(out / "wdbc" / "bundle") as model:
        found = predict_file(model, cases, out=out / "predictions.csv", force=True, id="id")
        say(f"\nPredicted {cases} with the bundle of this run, without Keras", quiet=quiet)
        say("(it was trained on these rows: a demonstration, not a test):", quiet=quiet)
        say(in_words(found, model.card, out / "predictions.csv", notice=False), quiet=quiet)
    say(f"\n{summary(finished.record, out / 'wdbc')}", quiet=quiet)


def _some_rows(table: Table, path: Path) -> Path:
    """Write some rows without their labels, one of them spoilt so that it must be told apart."""
    import csv

    import numpy as np

    from cancernet.files import whole_file

    rows = np.linspace(0, len(table) - 1, _ROWS).astype(int)
    values, ids = table.values[rows].copy(), [str(name) for name in table.ids[rows]]
    values[-1, 0] *= 10  # as if the radius were given in another unit
    ids[-1] += "-radius-x10"
    with whole_file(path, force=True) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", *table.feature_names])
        writer.writerows([name, *row] for name, row in zip(ids, values.tolist(), strict=True))
    return path
