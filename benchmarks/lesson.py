"""The figures of the page for students, docs/learn.md: a convolution seen at work, and what each part gives.

The first needs the data folder and Keras; the second what `python -m benchmarks ablation` has kept so far.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from benchmarks.ablation import KEPT, SEEDS, VARIANTS
from cancernet.bundle import find
from cancernet.engine import load_keras
from cancernet.estimate import Estimate
from cancernet.files import read_json
from cancernet.models import keras_library
from cancernet.report.style import INK, MUTED, class_colours, look

FOLDER = Path(__file__).parents[1] / "docs" / "_static" / "learn"
PATCH = "10253/1/10253_idx5_x501_y451_class1.png"
SHOWN = 4  # of the 32 channels


def measure() -> str:
    """Draw both figures; return what was drawn."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    FOLDER.mkdir(parents=True, exist_ok=True)
    _draw(FOLDER / "convolution.png", (9.2, 5.4), _convolution)
    _draw(FOLDER / "ablation.png", (7.6, 3.6), _ablation)
    return f"Figures in {FOLDER}"


def _draw(path: Path, size: tuple[float, float], draw: Any) -> None:
    """Write one figure."""
    with look():
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        draw(figure)
        figure.savefig(path)


def _convolution(figure: Figure) -> None:
    """Show a patch on its way through the first separable convolution of the shipped bundle."""
    patch = _patch()
    depthwise, pointwise, pooled = _steps(patch)
    channels = _unlike(pooled)
    grid = figure.subplots(4, SHOWN + 1, width_ratios=[1.25] + [1] * SHOWN)
    said = (
        ("1. the patch:\nred, green, blue", [patch[..., 0], patch[..., 1], patch[..., 2]]),
        ("2. depthwise: a 3 x 3\nfilter on each alone", list(np.moveaxis(depthwise, 2, 0))),
        ("3. pointwise: 32 mixtures\nof these three, 4 shown", [pointwise[..., k] for k in channels]),
        ("4. normalised, ReLU,\nmaximum of 2 x 2", [pooled[..., k] for k in channels]),
    )
    for row, (words, pictures) in enumerate(said):
        for axes in grid[row]:
            axes.axis("off")
        grid[row, 0].text(1.0, 0.5, words, ha="right", va="center", transform=grid[row, 0].transAxes, color=INK)
        for axes, picture in zip(grid[row, 1:], pictures, strict=False):
            axes.imshow(picture, cmap="gray", interpolation="nearest")
    grid[0, SHOWN].imshow(patch, interpolation="nearest")


def _unlike(maps: NDArray[np.float32]) -> list[int]:
    """Return channels (h, w, channels) that show different things: the busiest, then what resembles those least."""
    flat = maps.reshape(-1, maps.shape[-1])
    alive = np.flatnonzero(flat.std(axis=0) > 0)
    alike = np.abs(np.corrcoef(flat[:, alive].T))
    chosen = [int(flat[:, alive].std(axis=0).argmax())]
    while len(chosen) < SHOWN:
        chosen.append(int(alike[chosen].max(axis=0).argmin()))
    return [int(alive[place]) for place in chosen]


def _patch() -> NDArray[np.uint8]:
    """Return one patch of the data, or the first there is."""
    folder = Path(os.environ["CANCERNET_DATA"], "idc")
    path = folder / PATCH
    path = path if path.is_file() else next(iter(sorted(folder.glob("*/1/*.png"))))
    return np.asarray(Image.open(path).convert("RGB"))


def _steps(patch: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
    """Return the outputs of the depthwise part, of the separable convolution and of the pooling, (h, w, channels)."""
    keras = keras_library()
    model = load_keras(find("idc") / "model.keras")
    layer = model.get_layer("conv1_1")
    scaled = model.get_layer("rescaling").output
    alone = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
    outputs = [alone(scaled), layer.output, model.get_layer("pool1").output]
    alone.set_weights(layer.get_weights()[:1])
    found = keras.Model(model.inputs, outputs).predict(patch[None], verbose=0)
    return tuple(one[0] for one in found)


def _ablation(figure: Figure) -> None:
    """Show the AUROC of each variant, a dot with its interval for each weight seed."""
    axes = figure.subplots()
    names = list(VARIANTS)
    for place, name in enumerate(names):
        for offset, seed in zip((-0.22, 0, 0.22), SEEDS, strict=True):
            kept = KEPT / f"{name}-{seed}.json"
            if kept.is_file():
                _dot(axes, Estimate.from_dict(read_json(kept)["metrics"]["auroc"]), place + offset, name == "random")
    axes.set_yticks(range(len(names)), [VARIANTS[name].words for name in names], color=INK, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("AUROC; in the last row patients stand on both sides")
    axes.grid(axis="y", visible=False)


def _dot(axes: Any, estimate: Estimate, height: float, leaky: bool) -> None:
    """Draw one value."""
    colour = class_colours(("by patient", "by patch"))["by patch" if leaky else "by patient"]
    axes.plot([estimate.low, estimate.high], [height, height], color=MUTED, linewidth=1.2)
    axes.plot(estimate.value, height, "o", color=colour, markersize=5)
