"""Whole slides: tiles per second beside the engine alone and beside TIAToolbox; memory as the slide grows.

The network is an untrained `cancernet19` for tiles of 96 pixels at 0.5 microns per pixel, all tiles, no overlap, on a
JPEG pyramid of 11,100 x 11,868 pixels that is made of a real region, repeated. CANCERNET_BENCH_TIATOOLBOX names an
interpreter that has TIAToolbox and torch; without it that line is left out. Slides are kept in build/benchmarks/scan.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.cost import COLUMNS, cost_of
from benchmarks.page import table
from cancernet import bundle, engine
from cancernet.bundle import Card, DataSource, Decision, Execution, PatchInput, PixelSize, Task, Training
from cancernet.geometry import Box
from cancernet.models import CancerNet, build_cancernet
from cancernet.patches import STATISTICS, image_statistics
from cancernet.predict import fit_novelty
from cancernet.scan.blocks import Tiles, read_tiles
from cancernet.scan.grid import Grid, grid_of
from cancernet.scan.score import score_tiles
from cancernet.slides import Slide, open_slide, resolve_pitch, thumbnail, tissue_mask
from cancernet.slides.made import make_slide, repeated_picture

KEPT = Path("build", "benchmarks", "scan")
REGION = "wsi/TCGA-CR-7395-01A-01-TS1.svs"  # of which a piece is repeated
SIZE, MPP, TURNS = 96, 0.5, 3
SLIDES = {"11,100 x 11,868": (11_100, 11_868), "44,400 x 47,472": (44_400, 47_472)}
TIATOOLBOX = os.environ.get("CANCERNET_BENCH_TIATOOLBOX")


def measure() -> str:
    """Return the tables of speed and of memory."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    KEPT.mkdir(parents=True, exist_ok=True)
    slides = {words: slide_of(size) for words, size in SLIDES.items()}
    first, *_ = slides.values()
    return "\n\n".join([_speed(first), _looks(list(slides.values())[-1]), _memory(slides)])


def slide_of(size: tuple[int, int]) -> Path:
    """Return a JPEG pyramid of so many pixels, made once."""
    path = KEPT / f"repeated-{size[0]}.tiff"
    if not path.is_file():
        region = KEPT / "region.png"
        if not region.is_file():
            _cut(Path(os.environ["CANCERNET_DATA"], REGION), region)
        make_slide(path, repeated_picture(region, size=size, mpp=MPP))
    return path


def _cut(source: Path, target: Path) -> None:
    """Write a piece full of tissue as a PNG."""
    from PIL import Image

    slide = open_slide(source)
    Image.fromarray(slide.read(Box(1200, 900, 1600, 1600), px_size=(1600, 1600))).save(target)
    slide.close()


def bundles() -> dict[str, Path]:
    """Return two untrained bundles: one that knows no training patches, and one that compares each tile with some."""
    network = build_cancernet(SIZE, 2, kind="binary", options=CancerNet(name="cancernet19"))
    network.save(KEPT / "untrained.keras")
    engine.export_onnx(network, KEPT / "untrained.onnx", force=True)
    patches = np.random.default_rng(0).integers(0, 256, (200, SIZE, SIZE, 3), dtype=np.uint8)
    novelty = fit_novelty(image_statistics(patches), rows="noise")
    found = {}
    for name, decision in (("plain", Decision()), ("checked", Decision(novelty=novelty))):
        card = Card(
            name=f"untrained-{name}",
            task=Task(kind="binary", classes=("a", "b"), positive="b"),
            input=PatchInput(size=SIZE, pixel_size=PixelSize(status="known", mpp=MPP), statistics=STATISTICS),
            engine=Execution(precision="bf16", tolerance=5e-2),
            decision=decision,
            prior={"a": 0.5, "b": 0.5},
            training=Training(versions={}, backend="none", seed=0, epochs=0, date="2026-01-01", rows=0, groups=0),
            data=DataSource(name="none", source="random weights", licence="none", synthetic=True),
            weights_licence="none",
            intended_use="A benchmark of speed",
            limits=("It was not trained.",),
        )
        found[name] = KEPT / f"{name}.bundle"
        files = {"keras_file": KEPT / "untrained.keras", "onnx_file": KEPT / "untrained.onnx"}
        bundle.write(found[name], card, **files, force=True)
    return found


def _speed(path: Path) -> str:
    """Return tiles per second: the engine alone, reading alone, scanning, and TIAToolbox."""
    slide, rows = open_slide(path), []
    grid = grid_of(
        Box(0, 0, *slide.l0_size), resolve_pitch(slide), px_tile=SIZE, mpp=MPP, downsamples=slide.downsamples
    )
    untrained = bundles()
    with engine.open(untrained["plain"]) as plain, engine.open(untrained["checked"]) as checked:
        tiles = np.concatenate([part.images for part in _read(slide, grid, rows=12)])
        ways: dict[str, Callable[[], int]] = {
            "the engine alone, tiles in memory": lambda: len(plain.run(tiles)),
            "reading and cutting alone": lambda: sum(len(part) for part in _read(slide, grid)),
            "scanning": lambda: _scan(plain, slide, grid),
            "scanning, each tile compared with training patches": lambda: _scan(checked, slide, grid),
        }
        rates = {words: [_rate(way) for _ in range(TURNS)] for words, way in ways.items()}
    slide.close()
    if TIATOOLBOX:
        rates["TIAToolbox, PatchPredictor"] = [_tiatoolbox(path)]
    alone = float(np.median(rates["the engine alone, tiles in memory"]))
    for words, found in rates.items():
        middle = float(np.median(found))
        rows.append([words, f"{middle:,.0f} ({min(found):,.0f} to {max(found):,.0f})", f"{middle / alone:.2f}"])
    return table([f"{len(grid):,} tiles", "tiles/s, median of turns (lowest to highest)", "of the engine's rate"], rows)


def _read(slide: Slide, grid: Grid, rows: int | None = None) -> Iterator[Tiles]:
    """Yield the tiles of the first rows, or all of them."""
    wanted = np.ones((grid.rows, grid.columns), dtype=bool)
    wanted[rows or grid.rows :] = False
    return read_tiles(slide, grid, wanted, describe=lambda images: np.empty((len(images), 0)))


def _scan(model: engine.Model, slide: Slide, grid: Grid) -> int:
    """Score all tiles; return how many there were."""
    return len(score_tiles(model, slide, grid=grid, wanted=np.ones((grid.rows, grid.columns), dtype=bool)))


def _rate(way: Callable[[], int]) -> float:
    """Return tiles per second of one turn."""
    started = time.perf_counter()
    count = way()
    rate = count / (time.perf_counter() - started)
    print(f"{rate:,.0f} tiles/s", flush=True)
    return rate


def _tiatoolbox(path: Path) -> float:
    """Return the tiles per second of TIAToolbox with the same layers in torch, in its own interpreter."""
    script = Path(__file__).with_name("plain_tiatoolbox.py")
    command = [str(TIATOOLBOX), str(script), str(path.resolve()), str(SIZE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rate = float(done.stdout.strip().splitlines()[-1])
    print(f"TIAToolbox {rate:,.0f} tiles/s", flush=True)
    return rate


def _looks(path: Path) -> str:
    """Return how long the tissue mask and the grid of the large slide take."""
    slide = open_slide(path)
    pitch = resolve_pitch(slide)
    started = time.perf_counter()
    pixels = thumbnail(slide, mpp=8.0)
    read = time.perf_counter()
    mask = tissue_mask(pixels, (8.0, 8.0))
    grid_of(Box(0, 0, *slide.l0_size), pitch, px_tile=SIZE, mpp=MPP, downsamples=slide.downsamples)
    ended = time.perf_counter()
    slide.close()
    words = f"{pixels.shape[1]:,} x {pixels.shape[0]:,} pixels, {mask.mean():.0%} tissue"
    rows = [[words, f"{read - started:.2f} s", f"{ended - read:.2f} s", f"{ended - started:.2f} s"]]
    return table(["thumbnail of the large slide at 8 microns", "reading", "tissue mask and grid", "both"], rows)


def _memory(slides: dict[str, Path]) -> str:
    """Return time and memory of `cancernet scan` as the slide grows."""
    rows = []
    for words, path in slides.items():
        out = KEPT / f"out-{path.stem}"
        scan = [sys.executable, "-m", "cancernet", "scan", str(KEPT / "plain.bundle"), str(path)]
        rows.append([words, *cost_of([*scan, "--quiet", "--force", "--out", str(out)]).cells])
    return table(["`cancernet scan`, pixels", *COLUMNS], rows)
