"""`cancernet cells` on whole slides: time by the clock, megapixels per second, nuclei, and memory.

The slides are made: one piece of a real region, mirrored and repeated, and said to have the microns per pixel that
stand in the table.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from benchmarks.cost import cost_of
from benchmarks.page import table
from benchmarks.scanning import KEPT, slide_of

OUT = Path("build", "benchmarks", "wholecells")
SLIDES = {  # by the microns per pixel that they are said to have: 0.5 fits the region, and gives many nuclei to a pixel
    "11,100 x 11,868": ((11_100, 11_868), "0.25"),
    "the same at 0.5": ((11_100, 11_868), "0.5"),
    "24,000 x 27,600": ((24_000, 27_600), "0.5"),
}
HEAD = ["slide", "outlined by", "microns per pixel", "nuclei", "time", "Mpx/s by the clock", "peak MB resident"]


def measure() -> str:
    """Return the table: each slide by each segmenter."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    KEPT.mkdir(parents=True, exist_ok=True)
    names = os.environ.get("CANCERNET_BENCH_SEGMENTERS", "classical,nuclei").split(",")
    return table(HEAD, [_row(words, name) for words in SLIDES for name in names])


def _row(words: str, segmenter: str) -> list[str]:
    """Return what one slide cost."""
    size, mpp = SLIDES[words]
    slide = slide_of(size)
    shutil.rmtree(OUT, ignore_errors=True)
    said = OUT.with_suffix(".csv")  # the files say 0.5: a table may contradict them
    said.parent.mkdir(parents=True, exist_ok=True)
    said.write_text(f"slide,mpp\n{slide.name},{mpp}\n", encoding="utf-8")
    options = ["--segmenter", segmenter, "--mpp", str(said), "--quiet", "--out", str(OUT)]
    cost = cost_of([sys.executable, "-m", "cancernet", "cells", str(slide), *options])
    summary = json.loads(next(OUT.rglob("summary.json")).read_text(encoding="utf-8"))
    rate = size[0] * size[1] / 1e6 / cost.seconds
    nuclei, peak = f"{summary['nuclei']:,}", f"{cost.peaks['VmHWM']:,.0f}"
    return [words, segmenter, mpp, nuclei, f"{cost.seconds:,.0f} s", f"{rate:.2f}", peak]
