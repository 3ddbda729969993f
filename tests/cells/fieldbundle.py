"""A bundle that outlines, with random weights, and images of drawn nuclei."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from bundle.made import made_card
from cancernet.bundle import Execution, FieldInput, Outlining, PixelSize, Task, write
from cancernet.engine import export_onnx
from cancernet.models import Segmenter, build_segmenter

TILE, MARGIN, MPP = 128, 24, 0.5
NETWORK = Segmenter(widths=(4, 8))
TASK = Task(kind="segmentation", classes=("background", "nucleus"))


@cache
def field_files(size: int = TILE) -> tuple[Path, Path]:
    """Return the `.keras` and the `.onnx` file of a small segmenter; they live as long as the session."""
    import keras

    keras.utils.set_random_seed(5)
    folder = Path(mkdtemp(prefix="cancernet-tests-"))
    model = build_segmenter(size, 2, options=NETWORK)
    model.save(folder / "model.keras")
    export_onnx(model, folder / "model.onnx")
    return folder / "model.keras", folder / "model.onnx"


def field_card(size: int = TILE, **changes):
    """Return the card of such a bundle."""
    parts = {
        "task": TASK,
        "input": FieldInput(size=size, margin=MARGIN, pixel_size=PixelSize(status="known", mpp=MPP)),
        "engine": Execution(),
        "decision": {"outlining": Outlining(rows="made")},
        "prior": {"background": 0.8, "nucleus": 0.2},
    }
    return made_card(**{**parts, **changes})


def field_bundle(folder: Path, size: int = TILE) -> Path:
    """Write the bundle."""
    keras_file, onnx_file = field_files(size)
    write(folder, field_card(size), keras_file=keras_file, onnx_file=onnx_file)
    return folder


def drawn_nuclei(height: int, width: int, *, count: int, seed: int = 0, radius: float = 6.0):
    """Return labels (h, w) of discs that may touch, and the maps that a perfect network would give of them."""
    from cancernet.training import edge_distance

    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.int32)
    for number in range(1, count + 1):
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        disc = np.hypot(rows - row, columns - column) < radius * rng.uniform(0.7, 1.3)
        labels[disc & (labels == 0)] = number
    return labels, (labels > 0).astype(np.float32), edge_distance(labels)
