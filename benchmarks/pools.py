"""A batch of slides in one process, in two local ones, and on Ray with two workers: the whole command by the clock.

The slides and the network are those of `benchmarks.scanning`, each slide a quarter of its smaller one; ways turn by
turn. The same command once more, with nothing left to do, tells what a way costs before and after the work.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import scanning
from benchmarks.page import table

SLIDES, SIZE, TURNS = 12, (5_550, 5_934), 3
WAYS = {
    "one process": ("--workers", "1"),
    "two local workers": ("--workers", "2"),
    "Ray on this machine, two workers": ("--ray", "local", "--workers", "2"),
}


def measure() -> str:
    """Return the seconds of each way, with work and without."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    folder = scanning.KEPT / "pools"
    slides = _slides(folder / "slides")
    bundle = scanning.bundles()["plain"]
    times: dict[str, list[tuple[float, float]]] = {words: [] for words in WAYS}
    for turn in range(TURNS):
        for words, options in WAYS.items():
            out = folder / f"out-{turn}-{options[-1]}-{options[0].strip('-')}"
            shutil.rmtree(out, ignore_errors=True)
            command = [sys.executable, "-m", "cancernet", "scan", str(bundle), str(slides), "--out", str(out), *options]
            times[words].append((_seconds(command), _seconds(command)))
            print(words, times[words][-1], flush=True)
            shutil.rmtree(out)
    return _table(times)


def _slides(folder: Path) -> Path:
    """Return a folder of equal slides, made once."""
    first = scanning.slide_of(SIZE)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(SLIDES):
        if not (copy := folder / f"slide{number:02}.tiff").exists():
            os.link(first, copy)
    return folder


def _seconds(command: list[str]) -> float:
    """Return how long a command takes; end when it fails."""
    started = time.perf_counter()
    subprocess.run([*command, "--quiet"], check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    return time.perf_counter() - started


def _table(times: dict[str, list[tuple[float, float]]]) -> str:
    """Return the table, with each way's time as a share of that of one process."""
    one = np.median([work for work, _ in times["one process"]])
    rows = []
    for words, found in times.items():
        work, nothing = (np.array(part) for part in zip(*found, strict=True))
        rows.append(
            [
                words,
                f"{np.median(work):.1f} s ({work.min():.1f} to {work.max():.1f})",
                f"{np.median(work) / one:.2f}",
                f"{np.median(nothing):.1f} s",
            ]
        )
    first = f"{SLIDES} slides of {SIZE[0]:,} x {SIZE[1]:,} pixels"
    return table([first, f"median of {TURNS} turns (lowest to highest)", "of one process", "nothing left to do"], rows)
