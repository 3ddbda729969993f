"""Nuclei of the colon learnt first on another set: what pre-training gives to `crchisto` and `crchisto-types`.

Crops of CoNSeP (40x, brought to 20x) around the centre of each nucleus, as large as those of `crchisto`, are learnt by
type; the network of that bundle then is the start of both studies. Both sets come from one hospital and neither says
which patients it holds, so the benchmark measures first whether any cell stands in both.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.page import table
from benchmarks.patches import COMPARED
from cancernet import studies
from cancernet.estimate import Estimate
from cancernet.files import read_json

KEPT = Path("build", "benchmarks", "transfer")
SIDE = 27  # pixels of the crops of crchisto
TYPES = {
    1: "other",
    2: "inflammatory",
    3: "healthy epithelial",
    4: "malignant epithelial",
    5: "fibroblast",
    6: "muscle",
    7: "other",
}
SMALLEST = 60  # pixels at 40x: smaller pieces are fragments of overlaps
EPOCHS = {"crchisto": 15, "crchisto-types": 30}  # fewer than from random weights


def measure() -> str:
    """Return both studies from random weights and from the pre-trained network, and how alike the two sets are."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    folder = _crops(Path(os.environ["CANCERNET_DATA"], "nuclei", "consep"))
    start = _pretrained(folder)
    return "\n\n".join([_likeness(folder), *(_compared(name, start) for name in EPOCHS)])


def _crops(source: Path) -> Path:
    """Cut out all nuclei as PNG files with a manifest, once, and return the folder."""
    folder = KEPT / "nuclei"
    if (folder / "manifest.csv").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("path", "type", "image")]
    for name, kind, crop in _nuclei(source):
        rows.append((f"{len(rows):05d}.png", kind, name))
        Image.fromarray(crop).save(folder / rows[-1][0])
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


def _nuclei(source: Path) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Yield for each nucleus the image it lies in, its type, and a crop at 20x around its centre."""
    half = SIDE // 2
    with (source / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        image = Image.open(source / row["path"]).convert("RGB")
        small = np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX))
        around = np.pad(small, ((half, half), (half, half), (0, 0)), mode="reflect")
        labels = np.asarray(Image.open(source / row["labels_approx"]))
        kinds = np.asarray(Image.open(source / row["type_map"]))
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            inside = labels[box] == number if box else np.zeros(1, dtype=bool)
            counts = np.bincount(kinds[box][inside], minlength=8) if inside.sum() >= SMALLEST else np.zeros(8)
            if not counts[1:].any():
                continue
            y, x = (int((part.start + place) / 2) for part, place in zip(box, _centre(inside), strict=True))
            yield row["image"], TYPES[1 + int(counts[1:].argmax())], around[y : y + SIDE, x : x + SIDE]


def _centre(inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the centre of mass of a mask."""
    rows, columns = np.nonzero(inside)
    return float(rows.mean()), float(columns.mean())


def _pretrained(folder: Path) -> Path:
    """Train on the types of the crops, split by image, once, and return the bundle."""
    place = KEPT / "colon-nuclei"
    if not place.is_dir():
        study = studies.study_from(
            {
                "name": "colon-nuclei",
                "title": "Types of nuclei in H&E crops of the colon",
                "data": {
                    **{"kind": "patches", "source": str(folder.resolve()), "layout": "manifest", "target": "type"},
                    **{"group": "image", "copies": "join", "mpp": 0.5, "mpp_how": "40x, brought to 20x"},
                },
                "split": {"test": 0.1, "validation": 0.1},
                "task": {"kind": "multiclass"},
                "model": {"name": "cancernet8", "block_dropout": 0.0, "dropout": 0.2},
                "training": {"epochs": 25, "augmentation": {"stain_scale": 0.2, "stain_shift": 0.1}},
            }
        )
        studies.train(study, place, resume=True)
    return place / "bundle"


def _compared(name: str, start: Path) -> str:
    """Return the metrics of a study from random weights, from the pre-trained ones, and of its baselines."""
    alone = _metrics(KEPT.parent / f"{name}-0", name, {})
    begun = _metrics(
        KEPT / f"{name}-0",
        name,
        {"model": {"backbone": str(start.resolve()), "dropout": 0.1}, "training": {"epochs": EPOCHS[name]}},
    )
    rows = [
        [metric, *(Estimate.from_dict(run["test"][metric]).format(4) for run in (alone, begun))]
        for metric in (*COMPARED, "ece")
        if metric in alone["test"]
    ]
    return f"### {name}\n\n" + table(["metric", "from random weights", "pre-trained on nuclei of CoNSeP"], rows)


def _metrics(place: Path, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Train a study with changes, once, and return what its `metrics.json` holds."""
    if not place.is_dir():
        fields = studies.find_study(f"studies/{name}.toml").to_dict()
        model = changes.get("model", fields["model"])
        training = {**fields["training"], **changes.get("training", {})}
        studies.train(studies.study_from({**fields, "model": model, "training": training}), place, resume=True)
    found: dict[str, Any] = read_json(place / "metrics.json")
    print(place, {key: found["test"][key]["value"] for key in COMPARED if key in found["test"]}, flush=True)
    return found


def _likeness(folder: Path) -> str:
    """Return in a sentence how well any crop of one set matches one of the other, shifted by up to 3 pixels."""
    ours = np.stack([_grey(path) for path in sorted(Path(os.environ["CANCERNET_DATA"], "crchisto").rglob("*.png"))])
    theirs = np.stack([_grey(path) for path in sorted(folder.glob("*.png"))])
    inner, best = _standardised(ours[:, 3:-3, 3:-3]), np.full(len(ours), -1.0)
    for down in range(7):
        for right in range(7):
            shifted = _standardised(theirs[:, down : down + SIDE - 6, right : right + SIDE - 6])
            for start in range(0, len(inner), 1024):
                rows = slice(start, start + 1024)
                best[rows] = np.maximum(best[rows], (inner[rows] @ shifted.T).max(axis=1))
    return (
        f"{len(ours):,} crops of crchisto against {len(theirs):,} of CoNSeP, {SIDE - 6} x {SIDE - 6} pixels, grey, "
        f"shifted by up to 3: the largest correlation of any two is {best.max():.3f}, the median of the best "
        f"{np.median(best):.3f}. The same cell twice would be near 1."
    )


def _grey(path: Path) -> NDArray[np.float32]:
    """Return a crop as grey values."""
    grey: NDArray[np.float32] = np.asarray(Image.open(path).convert("L"), dtype=np.float32)
    return grey


def _standardised(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images as rows of mean 0 and norm 1."""
    rows = images.reshape(len(images), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    standardised: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return standardised
