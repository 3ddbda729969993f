"""One answer for a slide from the map of its tiles: which number tells best whether there is cancer on it at all.

Each patient that the bundle has never seen (see `finding`) gives one small slide of real `idc` patches: every second
one with a tumour of 0.8 mm, the others with other tissue only. All are scanned, and each aggregation of the map goes
through a study of a table of one column by a linear network: calibrated and tested across folds by slide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.finding import MPP, finished_run, tested_patches
from benchmarks.page import table
from cancernet import engine, scan, studies
from cancernet.data import Feature, Table
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.files import read_json
from cancernet.patches import PatchSet, open_pack
from cancernet.scan import ScanOptions
from cancernet.slides import PyramidOptions
from cancernet.slides.made import draw_outlines, make_slide, mosaic_picture, of_groups

KEPT = Path("build", "benchmarks", "aggregation")
SIZE, DIAMETER = (1200, 1000), 0.8  # pixels of 4 microns: 4.8 x 4 mm; mm
COLUMNS = ("maximum", "quantile_0.99", "quantile_0.9", "positive_fraction", "largest_focus_mm2")
METRICS = ("auroc", "accuracy", "brier", "ece")


def measure() -> str:
    """Return the metrics of each aggregation with their intervals over slides."""
    run = finished_run()
    patches = tested_patches(run)
    patients = enumerate(sorted(set(patches.groups.tolist())))
    slides = [made for number, group in patients for made in _made(patches, group, number)]
    with engine.open(run / "bundle") as model:
        summaries = [_scanned(model, path) for path, _ in slides]
    values = np.array([[_value(summary, name) for name in COLUMNS] for summary in summaries])
    labels = np.array(["tumour" if tumour else "none" for _, tumour in slides])
    rows = [[name, *_cells(values[:, [place]], labels, (name,))] for place, name in enumerate(COLUMNS)]
    head = ["aggregation", *METRICS]
    return f"{len(slides)} slides, {int((labels == 'tumour').sum())} with a tumour.\n\n{table(head, rows)}"


def _made(patches: PatchSet, group: str, number: int) -> list[tuple[Path, bool]]:
    """Return the slide of a patient, made once, and whether there is a tumour on it; nothing without both classes."""
    own, tumour = of_groups(patches, [group]), number % 2 == 0
    path = KEPT / "slides" / f"patient-{group}.tiff"
    if len(set(own.target.tolist())) < 2:  # type: ignore[union-attr]
        return []
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        outlines = draw_outlines(SIZE, mpp=MPP, seed=number, foci=1, diameters_mm=(DIAMETER,))
        outlines = outlines if tumour else replace(outlines, tumour=())
        try:
            picture = mosaic_picture(
                open_pack(own), positive="1", size=SIZE, mpp=MPP, patch_mpp=MPP, seed=number, outlines=outlines
            )
        except InvalidInput as error:
            print(group, error)
            return []
        make_slide(path, picture, options=PyramidOptions(compression="jpeg"))
    return [(path, tumour)]


def _scanned(model: engine.Model, path: Path) -> dict:
    """Return the summary of a scanned slide."""
    out = KEPT / "out" / path.stem
    if not (out / "summary.json").is_file():
        out.mkdir(parents=True, exist_ok=True)
        scan.scan_slide(model, path, folder=out, options=ScanOptions())
    return read_json(out / "summary.json")


def _value(summary: dict, name: str) -> float:
    """Return one number of a slide; 0 where nothing was found."""
    found = summary["slide_score"].get(name, summary.get(name))
    return 0.0 if found is None else float(found)


def _cells(values: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[str]:
    """Return the metrics of a linear network on these columns."""
    names_of = np.array([f"slide-{number}" for number in range(len(labels))])
    slides = Table(
        name="scans",
        features=tuple(Feature(name) for name in names),
        values=values,
        ids=names_of,
        groups=names_of,
        target=labels,
        target_column="label",
        group_column="row",
    )
    fields = {"name": "aggregation", "data": {"source": "-", "target": "label", "group": "row"}}
    study = studies.study_from(
        {
            **fields,
            "task": {"kind": "binary", "positive": "tumour"},
            "model": {"name": "linear"},
            "report": {"coverage": 0.9},
        }
    )
    metrics = studies.run(study, slides).record.metrics
    return [_cell(metrics[name]) for name in METRICS]


def _cell(estimate: Estimate) -> str:
    """Return a number with its interval."""
    return estimate.format(3)
