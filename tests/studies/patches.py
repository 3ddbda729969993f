"""Small sets of made images and studies of them, for the tests of this room."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from cancernet.studies import PatchStudy, study_from
from engine.patchbundle import tissue

SIZE = 32


def write_patches(
    folder: Path, *, patients: int = 24, each: int = 3, classes=("benign", "cancer"), seed: int = 0, copies: int = 0
) -> Path:
    """Write a manifest and its images: the later the class, the darker. `copies` patients share an image with another.

    A patient has one class; the column `share` rises with it.
    """
    rng = np.random.default_rng(seed)
    images = tissue(patients * each, seed=seed).astype(int)
    (folder / "tiles").mkdir(parents=True)
    rows = []
    for number, image in enumerate(images):
        patient = number // each
        code = patient % len(classes)
        pixels = (image - 30 * code).clip(0, 255).astype(np.uint8)
        if number % each == 0 and 0 < patient <= copies:  # the image of the patient of the same class before
            other = folder / "tiles" / f"{patient - len(classes)}-0.png" if patient >= len(classes) else None
            pixels = np.rot90(np.asarray(Image.open(other))) if other is not None else pixels
        name = f"tiles/{patient}-{number % each}.png"
        Image.fromarray(pixels).save(folder / name)
        share = code + rng.normal(0, 0.3)
        rows.append(
            {
                "path": name,
                "kind": classes[code],
                "patient": f"p{patient}",
                "site": f"s{patient % 3 // 2}",
                "share": share,
            }
        )
    with (folder / "manifest.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def patch_study(source: Path, **sections) -> PatchStudy:
    """Return a study that takes seconds; sections are merged into it."""
    fields = {
        "name": "made-patches",
        "data": {"kind": "patches", "source": str(source / "manifest.csv"), "target": "kind", "group": "patient"},
        "split": {"folds": 3},
        "task": {"kind": "binary", "positive": "cancer"},
        "model": {"name": "cancernet8", "width": 0.125},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "inner_folds": 2},
        "report": {"draws": 200, "coverage": 0.8, "prevalence": [0.1]},
    }
    return study_from({**fields, **{name: {**fields[name], **section} for name, section in sections.items()}})
