"""Memory and time with 277,524 made patches of 50 x 50 pixels: as many as the full IDC set has.

Each step is a process of its own, whose memory is watched. CANCERNET_BENCH_MADE names a folder that keeps the made
patches and their pack.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.cost import COLUMNS, cost_of
from benchmarks.page import table
from cancernet.stain import combine

PATCHES = int(os.environ.get("CANCERNET_BENCH_PATCHES", "277524"))
PATIENTS, SIZE = 279, 50
STUDY = """
name = "made"
[data]
kind = "patches"
source = "{source}"
layout = "idc"
size = 50
[split]
test = 0.2
validation = 0.2
[task]
kind = "binary"
positive = "1"
[model]
name = "cancernet8"
[training]
epochs = 1
test_time = "none"
"""
PLAN = """
import sys
from cancernet.studies import find_study
from cancernet.studies.train import make_plan
make_plan(find_study(sys.argv[1]))
"""
TRAIN = """
import sys
import numpy as np
from cancernet.models import CancerNet
from cancernet.training import Known, PatchLearner, PatchTraining
images = np.load(sys.argv[1], mmap_mode="r")
known = Known(np.random.default_rng(0).integers(0, 2, len(images)))
options = PatchTraining(epochs=1)
model = CancerNet(name="cancernet8")
learner = PatchLearner(images, known, kind="binary", classes=2, model=model, options=options)
learner.fit(np.arange(len(images)), seed=0)
"""


def measure() -> str:
    """Return one table: step, time, memory."""
    kept = os.environ.get("CANCERNET_BENCH_MADE")
    with tempfile.TemporaryDirectory() as name:
        place = Path(kept or name)
        os.environ["CANCERNET_CACHE"] = str(place / "cache")
        source, study, run = place / "idc", Path(name, "made.toml"), Path(name, "run")
        if not source.is_dir():
            _make(source)
        study.write_text(STUDY.format(source=source), encoding="utf-8")
        plan = [sys.executable, "-c", PLAN, str(study)]
        rows = [
            ["reading, packing, statistics, looking for copies", *cost_of(plan).cells],
            ["the same again, from the pack", *cost_of(plan).cells],
            ["one epoch of cancernet8 from the pack", *cost_of([sys.executable, "-c", TRAIN, str(_pack(place))]).cells],
            ["all of `cancernet train`", *cost_of(_command(study, run)).cells],
        ]
    return table([f"{PATCHES:,} made patches, 50 px", *COLUMNS], rows)


def _command(study: Path, run: Path) -> list[str]:
    """Return the command line of a whole study."""
    return [sys.executable, "-m", "cancernet", "train", str(study), "--out", str(run), "--quiet"]


def _pack(place: Path) -> Path:
    """Return the pixels of the pack that the plan has made."""
    return next((place / "cache" / "packs").glob("*/images.npy"))


def _make(folder: Path) -> None:
    """Write the patches as PNG files, in the layout of the IDC set."""
    rng = np.random.default_rng(0)
    for patient, rows in enumerate(np.array_split(np.arange(PATCHES), PATIENTS)):
        codes = rng.integers(0, 2, len(rows))
        for code in (0, 1):
            (folder / str(patient) / str(code)).mkdir(parents=True)
        for row, (code, image) in enumerate(zip(codes.tolist(), _tissue(codes, rng), strict=True)):
            name = f"{patient}_idx5_x{row + 1}_y1_class{code}.png"
            Image.fromarray(image).save(folder / str(patient) / str(code) / name, compress_level=1)


def _tissue(codes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return made patches, (n, SIZE, SIZE, 3): blobs of stain and a little noise, class 1 darker."""
    coarse = rng.gamma(2.0, 0.15, (len(codes), 13, 13, 3)) * (1 + 0.5 * codes[:, None, None, None])
    coarse[..., 2] = 0  # haematoxylin and eosin only
    amounts = coarse.repeat(4, axis=1).repeat(4, axis=2)[:, :SIZE, :SIZE]
    return combine(amounts + rng.normal(0, 0.02, amounts.shape))
