"""A made slide in a plain image file, scans in processes of their own, and what these leave."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from engine.patchbundle import SIZE, tissue

ROOT = Path(__file__).resolve().parents[2]
MPP = 0.5  # of the bundle `engine.patchbundle.patch_bundle`


def write_slide(path: Path, *, width: int = 400, height: int = 300, seed: int = 0) -> np.ndarray:
    """Write a PNG of pink tissue with blue blobs, with the resolution of the bundle; return its pixels."""
    pieces = tissue(1, seed=seed, size=-(-max(width, height) // 8) * 8)[0]
    pixels = np.ascontiguousarray(pieces[:height, :width])
    per_inch = 25_400 / MPP
    Image.fromarray(pixels).save(path, dpi=(per_inch, per_inch))
    return pixels


def tiles_of(pixels: np.ndarray, stride: int, *, size: int = SIZE) -> np.ndarray:
    """Return all tiles of an image, row by row, (n, size, size, 3), the image continued in white: a plain loop."""
    height, width = pixels.shape[:2]
    columns, rows = (1 + max(0, -(-(extent - size) // stride)) for extent in (width, height))
    canvas = np.full((rows * stride + size, columns * stride + size, 3), 255, dtype=np.uint8)
    canvas[:height, :width] = pixels
    corners = [(row * stride, column * stride) for row in range(rows) for column in range(columns)]
    return np.stack([canvas[y : y + size, x : x + size] for y, x in corners])


def start_scan(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """Start `cancernet scan` in a process and a session of its own."""
    command = [sys.executable, "-m", "cancernet", "scan", *map(str, arguments)]
    places = os.pathsep.join([str(ROOT / "src"), *sys.path])
    # A shell that starts tests in the background lets its children ignore Ctrl-C; here it counts again.
    return subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": places},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def found_in(out: Path) -> dict[str, object]:
    """Return what a scan left of each slide, by path, without times: the records and the seconds."""
    found: dict[str, object] = {
        str(path.relative_to(out)): path.read_bytes() for path in out.glob("[!.]*/*") if path.name != "job.json"
    }
    for path in out.glob("[!.]*/summary.json"):
        found[str(path.relative_to(out))] = {**json.loads(path.read_text()), "seconds": None}
    if (out / "summary.csv").exists():
        with (out / "summary.csv").open(newline="") as stream:
            found["summary.csv"] = [{**row, "seconds": None} for row in csv.DictReader(stream)]
    return found
