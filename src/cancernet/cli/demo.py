"""`cancernet demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cancernet.cli.options import Quiet
from cancernet.cli.predict import in_words
from cancernet.cli.scan import scan
from cancernet.cli.show import paragraph, progress_bar, rows_table, say
from cancernet.cli.train import summary

if TYPE_CHECKING:
    from cancernet.data import Table

__all__ = ["demo"]

_ROWS = 8  # that are predicted and shown
_BUNDLE = "idc"  # that scans the slide
_PX, _MPP, _SEED, _FOCI = (3200, 2400), 1.0, 7, 2  # of the slide: 3.2 x 2.4 mm, made in seconds
_FIELD = (1300, 1000, 400, 300)  # of the slide, base-level pixels: where its nuclei are looked at
_DRAWN = (
    "The tissue is drawn, and the bundle cannot know: whatever it calls cancer here says nothing about patients. It "
    "was trained on H&E of the breast, and should be asked about nothing else."
)


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the results go.")] = Path("demo"),
    quiet: Quiet = False,
) -> None:
    """Train, calibrate and test on the Wisconsin table, predict some rows, make a slide, scan it, measure its nuclei.

    Offline, and again as often as you like.
    """
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
    say(f"\n{scan_made_slide(out, quiet=quiet)}", quiet=quiet)
    say(f"\n{cells_of_made_slide(out)}", quiet=quiet)
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


def scan_made_slide(out: Path, *, quiet: bool) -> str:
    """Make a slide of synthetic tissue, scan it with a shipped bundle, and return what came of it in words."""
    slide, scans = _made_slide(out / "slide.tiff", quiet=quiet), out / "scans"
    scan(_BUNDLE, [slide], scans, force=True, quiet=True)
    folder = scans / slide.stem
    places = [["heat map", str(folder / "heatmap.png")], ["overview", str(scans / "report.html")]]
    head = f"Made {slide}, a slide of synthetic tissue, and scanned it with the shipped bundle {_BUNDLE}:"
    areas = rows_table(_areas(folder / "summary.json"))
    return f"{head}\n{areas}\n\n{paragraph(_DRAWN)}\n\n{rows_table(places)}"


def cells_of_made_slide(out: Path) -> str:
    """Outline and measure the nuclei of a part of the made slide, and return what came of it in words."""
    from cancernet.cells import CellOptions, examine, write_examined
    from cancernet.files import whole_file, whole_folder

    with whole_file(out / "field.png", force=True) as partial:
        _cut_field(out / "slide.tiff", partial)
    examined = examine(out / "field.png", options=CellOptions(mpp=str(_MPP)))
    with whole_folder(out / "cells", force=True) as folder:
        write_examined(folder, examined)
    profile = examined.summary["profile"]
    lines = [
        ["nuclei", f"{len(examined.measured)} in {examined.measured.mm2:.2f} mm2"],
        ["median area", f"{profile['median_area_um2']:.0f} square microns"],
        ["overlay", str(out / "cells" / "overlay.png")],
        ["profile", str(out / "cells" / "profile.png")],
    ]
    return (
        f"Outlined and measured the nuclei of {out / 'field.png'}, a part of it (drawn as well):\n{rows_table(lines)}"
    )


def _cut_field(slide: Path, path: Path) -> None:
    """Write a part of a slide as PNG."""
    from PIL import Image

    from cancernet.geometry import Box
    from cancernet.slides import open_slide

    with open_slide(slide) as opened:
        Image.fromarray(opened.read(Box(*_FIELD), px_size=_FIELD[2:])).save(path, "PNG")


def _made_slide(path: Path, *, quiet: bool) -> Path:
    """Make the slide."""
    from cancernet.slides.made import make_slide, tissue_picture

    with progress_bar(quiet=quiet) as progress:
        progress.begin("Making a slide", _PX[1])
        picture = tissue_picture(_PX, mpp=_MPP, seed=_SEED, foci=_FOCI)
        return make_slide(path, picture, progress=progress.reach, force=True).path


def _areas(summary: Path) -> list[list[str]]:
    """Return how much tissue a scan found, and what it says of it."""
    from cancernet.files import read_json

    found = read_json(summary)
    return [
        ["tissue", f"{found['tissue_mm2']:.2f} mm2 in {found['tiles']['scored']} tiles"],
        ["called cancer", f"{found['positive_mm2']:.2f} mm2"],
        ["no answer", f"{found['unknown_mm2']:.2f} mm2"],
    ]
