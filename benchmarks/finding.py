"""Finding cancer on slides: mosaics of real `idc` patches of patients that the bundle has never seen.

A bundle is trained on half of the patients and calibrated on a fifth. Patches of the others are laid on slides, cancer
inside drawn outlines and other tissue around them, three patients on a slide, and scanned. A focus counts as a hit on
the outline that holds its highest place, else as false. CANCERNET_BENCH_HALF names a finished run of that study.
"""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely

from benchmarks.page import table
from cancernet import engine, scan, studies
from cancernet.metrics import Marks, free_response
from cancernet.patches import PatchOptions, PatchSet, open_pack, read_patches
from cancernet.scan import ScanOptions
from cancernet.slides import PyramidOptions
from cancernet.slides.made import draw_outlines, make_slide, mosaic_picture, of_groups, whole_patches

KEPT = Path("build", "benchmarks", "finding")
MPP, SIZE = 4.0, (4000, 3200)  # microns per pixel, pixels: 16 x 12.8 mm
DIAMETERS = (3.0, 1.6, 0.8, 0.4)  # mm, of circles of the same area; one of each on a slide
PATIENTS = 3  # on a slide
OVERLAPS = (0.0, 0.5)
ALLOWED = (1, 4)


def measure() -> str:
    """Return sensitivity at 1 and 4 false foci for a slide, by the size of the focus."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    run = finished_run()
    slides = _slides(run)
    rows = []
    for overlap in OVERLAPS:
        found = [_scanned(run, slide, overlap) for slide in slides]
        rows += [[f"{overlap:g}", *cells] for cells in _rows(found)]
    head = ["overlap", "size of the focus", "foci", *(f"sensitivity at {allowed} false" for allowed in ALLOWED)]
    return f"{len(slides)} slides, {PATIENTS} patients on each.\n\n{table([*head, 'found at all'], rows)}"


def finished_run() -> Path:
    """Return the run whose test patients are laid on slides."""
    given = os.environ.get("CANCERNET_BENCH_HALF")
    place = Path(given) if given else KEPT / "run"
    if not place.is_dir():
        fields = studies.find_study("studies/idc.toml").to_dict()
        split = {"test": 0.3, "validation": 0.2, "seed": 7}
        studies.train(studies.study_from({**fields, "name": "idc-half", "split": split}), place, resume=True)
    return place


def _slides(run: Path) -> list[Path]:
    """Return mosaics of the test patients, made once."""
    folder = KEPT / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    patches = tested_patches(run)
    groups = sorted(set(patches.groups.tolist()))
    order = np.random.default_rng(7).permutation(len(groups))
    paths = []
    for number in range(len(groups) // PATIENTS):
        paths.append(folder / f"mosaic-{number:02d}.tiff")
        if not paths[-1].is_file():
            some = [groups[place] for place in order[number * PATIENTS : (number + 1) * PATIENTS]]
            _make(paths[-1], of_groups(patches, some), seed=number)
    return [path for path in paths if path.is_file()]


def tested_patches(run: Path) -> PatchSet:
    """Return the whole patches of the patients that the run tested."""
    with (run / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        tested = {row["group"] for row in csv.DictReader(stream) if row["split"] == "test"}
    found = whole_patches(read_patches(Path(os.environ["CANCERNET_DATA"], "idc"), options=PatchOptions(layout="idc")))
    return of_groups(found, sorted(tested))


def _make(path: Path, patches: PatchSet, *, seed: int) -> None:
    """Write one mosaic, unless its patients lack a class."""
    if len(set(patches.target.tolist())) < 2:  # type: ignore[union-attr]
        return
    outlines = draw_outlines(SIZE, mpp=MPP, seed=seed, foci=len(DIAMETERS), diameters_mm=DIAMETERS)
    picture = mosaic_picture(
        open_pack(patches), positive="1", size=SIZE, mpp=MPP, patch_mpp=MPP, seed=seed, outlines=outlines
    )
    make_slide(path, picture, options=PyramidOptions(compression="jpeg"))  # as scanners write


def _scanned(run: Path, slide: Path, overlap: float) -> tuple[list[shapely.Polygon], list[dict]]:
    """Return the true outlines of a slide, and the foci that a scan found."""
    out = KEPT / f"out-{overlap:g}" / slide.stem
    if not (out / "summary.json").is_file():
        out.mkdir(parents=True, exist_ok=True)
        with engine.open(run / "bundle") as model:
            scan.scan_slide(model, slide, folder=out, options=ScanOptions(overlap=overlap))
    drawn = json.loads(slide.with_suffix(".geojson").read_text())["features"]
    truth = [
        shapely.from_geojson(json.dumps(one["geometry"]))
        for one in drawn
        if one["properties"]["classification"]["name"] == "Tumor"
    ]
    foci = json.loads((out / "regions.geojson").read_text())["features"]
    return truth, [one["properties"]["measurements"] for one in foci]


def _rows(found: Sequence[tuple[list[shapely.Polygon], list[dict]]]) -> list[list[str]]:
    """Return a line for each size of focus, and one for all."""
    sizes, scores, on, false, false_on = [], [], [], [], []
    for slide, (truth, foci) in enumerate(found):
        marks = [(focus["Maximum"], shapely.Point(focus["Peak x"], focus["Peak y"])) for focus in foci]
        for outline in truth:
            inside = [score for score, place in marks if outline.contains(place)]
            scores.append(max(inside, default=-np.inf))
            sizes.append(min(DIAMETERS, key=lambda mm: abs(mm - _diameter(outline))))
            on.append(slide)
        outside = [score for score, place in marks if not any(outline.contains(place) for outline in truth)]
        false += outside
        false_on += [slide] * len(outside)
    arrays = np.array(scores), np.array(on), np.array(sizes)
    lines = [_line("all", *arrays[:2], false, false_on, len(found))]
    for mm in DIAMETERS:
        chosen = arrays[2] == mm
        lines.append(_line(f"{mm:g} mm", arrays[0][chosen], arrays[1][chosen], false, false_on, len(found)))
    return lines


def _diameter(outline: shapely.Polygon) -> float:
    """Return the diameter of the circle of the same area, mm."""
    return 2 * float(np.sqrt(outline.area / np.pi)) * MPP / 1000


def _line(words: str, scores, on, false, false_on, slides: int) -> list[str]:
    """Return the cells of one line."""
    marks = Marks(scores, on, np.array(false, dtype=float), np.array(false_on, dtype=int), slides)
    found = free_response(marks, at=ALLOWED)
    return [words, str(len(scores)), *(found[at].format(2) for at in ALLOWED), f"{np.isfinite(scores).mean():.2f}"]
