"""Draw the pictures of docs/cells.md about types, ratios and grades, from what the benchmarks left.

Run `python -m benchmarks.typefigure BUNDLE` after `python -m benchmarks ratio grades`; BUNDLE is that of
`studies/consep-types.toml`. It writes into docs/_static/cells. The field of the types is of dsb2018 (CC0).
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.cells import dsb2018
from benchmarks.grades import ANSWERS, NAMES
from benchmarks.ratio import CELLS
from cancernet.cells import CellOptions, examine, write_examined
from cancernet.report.style import INK, NETWORK, Drawing, render

FOLDER = Path(__file__).parents[1] / "docs" / "_static" / "cells"
SHOWN_FIELD = 7  # of dsb2018, by its manifest
FIRST, SECOND = "chosen inside", "CancerNet alone"


def main() -> None:
    """Write types.jpg, ratio.png and grades.png, as far as there is what they show."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 1:
        _types(sys.argv[1])
    if CELLS.is_file():
        _write("ratio", (10.5, 4.4), _ratio)
    if ANSWERS.is_file():
        _write("grades", (6.4, 5.4), _grades)


def _write(name: str, size: tuple[float, float], draw) -> None:
    """Write a drawing."""
    (FOLDER / f"{name}.png").write_bytes(render(Drawing(name, "", "", "", "", size, draw)).png)


def _types(bundle: str) -> None:
    """Write the overlay of a field, as the program leaves it."""
    case = list(dsb2018())[SHOWN_FIELD]
    with TemporaryDirectory() as folder:
        path = Path(folder, "field.png")
        Image.fromarray(case.image).save(path)
        write_examined(Path(folder), examine(path, options=CellOptions(mpp="0.25", types=bundle)))
        overlay = Image.open(Path(folder, "overlay.png"))
        overlay.resize((overlay.width // 2, overlay.height // 2)).save(FOLDER / "types.jpg", quality=88)


def _ratio(figure: Figure) -> None:
    """Draw the ratio found beside that of the masks, and both by grade."""
    rows = pd.read_csv(CELLS)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=INK, linewidth=1)
    for grade in range(len(NAMES)):
        part = rows[rows["grade"] == grade]
        left.plot(part["given"], part["share"], "o", color=_shade(grade), markersize=3.5, label=NAMES[grade])
    left.set(xlabel="share of the nucleus by the masks", ylabel="found by the network", xlim=(0, 1), ylim=(0, 1))
    left.legend(loc="lower right")
    _boxes(right, rows)


def _boxes(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the shares by grade: those found, and those of the masks."""
    for offset, column, colour in ((-0.18, "given", "#9aa0b4"), (0.18, "share", NETWORK)):
        values = [rows.loc[rows["grade"] == grade, column].dropna() for grade in range(len(NAMES))]
        places = np.arange(len(NAMES)) + offset
        boxes = axes.boxplot(values, positions=places, widths=0.3, patch_artist=True, showfliers=False)
        for box in boxes["boxes"]:
            box.set(facecolor=colour, alpha=0.8)
        for line in boxes["medians"]:
            line.set_color(INK)
    axes.set(xticks=range(len(NAMES)), xticklabels=NAMES, ylabel="share of the nucleus; grey: masks, violet: found")


def _shade(grade: int) -> str:
    """Return the colour of a grade."""
    return ("#3b6fb6", "#4aa7a0", "#d9b23a", "#dd7a33", "#b3262e")[grade]


def _grades(figure: Figure) -> None:
    """Draw how many cells get which grade by measurements and by CancerNet."""
    answers = pd.read_csv(ANSWERS)
    axes = figure.subplots()
    counts = np.zeros((len(NAMES), len(NAMES)), int)
    np.add.at(counts, (answers[FIRST], answers[SECOND]), 1)
    axes.imshow(counts, cmap="Purples")
    for row, column in np.ndindex(*counts.shape):
        dark = counts[row, column] > counts.max() / 2
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color="white" if dark else INK)
    ticks = range(len(NAMES))
    axes.set(xticks=ticks, xticklabels=NAMES, yticks=ticks, yticklabels=NAMES)
    axes.set(xlabel="grade by CancerNet", ylabel="grade by measurements", title="Where the two agree, and where not")
    axes.grid(visible=False)


if __name__ == "__main__":
    main()
