"""A bundle for patches with random weights, made by Keras and exported once in a test session."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from bundle.made import made_card
from cancernet.bundle import Conformal, Decision, Execution, PatchInput, PixelSize, Task, write
from cancernet.engine import export_onnx
from cancernet.models import CancerNet, build_cancernet
from cancernet.patches import STATISTICS, image_statistics
from cancernet.predict import fit_novelty

SIZE = 32
TASKS = {
    "binary": Task(kind="binary", classes=("benign", "cancer"), positive="cancer"),
    "multiclass": Task(kind="multiclass", classes=("a", "b", "c")),
    "ordinal": Task(kind="ordinal", classes=("0", "1", "2", "3")),
}


def tissue(rows: int, seed: int = 0, size: int = SIZE) -> np.ndarray:
    """Return pink patches with blue blobs, (rows, size, size, 3) uint8."""
    rng = np.random.default_rng(seed)
    fine = rng.normal(0, 12, (rows, size, size, 3))
    coarse = np.kron(rng.random((rows, size // 8, size // 8)) < 0.3, np.ones((8, 8)))[..., None]
    colour = np.array([225, 170, 200]) * (1 - coarse) + np.array([120, 90, 170]) * coarse
    return (colour + fine + rng.normal(0, 10, (rows, 1, 1, 1))).clip(0, 255).astype(np.uint8)


@cache
def patch_files(kind: str) -> tuple[Path, Path]:
    """Return the `.keras` and the `.onnx` file of a small CancerNet; they live as long as the session."""
    import keras

    keras.utils.set_random_seed(3)
    folder = Path(tempfile.mkdtemp(prefix="cancernet-tests-"))
    options = CancerNet(name="cancernet8", width=0.125)
    model = build_cancernet(SIZE, len(TASKS[kind].classes), kind=kind, options=options)
    model.save(folder / "model.keras")
    export_onnx(model, folder / "model.onnx")
    return folder / "model.keras", folder / "model.onnx"


def patch_bundle(
    folder: Path, kind: str = "binary", *, test_time: str = "none", fit: str = "refuse", stain: str = "none"
) -> Path:
    """Write a bundle for patches, float32, whose limit was drawn around `tissue`."""
    task = TASKS[kind]
    novelty = fit_novelty(image_statistics(tissue(200, seed=9)), rows="200 made patches")
    novelty = novelty.model_copy(update={"limit": 2 * novelty.limit})
    card = made_card(
        task=task,
        input=PatchInput(
            size=SIZE,
            fit=fit,
            pixel_size=PixelSize(status="known", mpp=0.5),
            statistics=STATISTICS,
            stain=stain,
        ),
        engine=Execution(test_time=test_time),
        decision=Decision(conformal=Conformal(quantile=0.6, coverage=0.9, rows="made"), novelty=novelty),
        prior=dict.fromkeys(task.classes, 1 / len(task.classes)),
    )
    keras_file, onnx_file = patch_files(kind)
    write(folder, card, keras_file=keras_file, onnx_file=onnx_file)
    return folder
