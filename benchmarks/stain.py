"""Normalising stains on one core: a fit that is applied as a fixed map, against the usual NumPy, image by image.

Both run turn by turn in one process of its own, with one thread on one core. The time is that of the processor, so that
other work on the machine counts little; of all turns the fastest is taken.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.page import table
from cancernet.stain import MACENKO_TARGET, REINHARD_TARGET, combine, fit_macenko, fit_reinhard, normalise

TILES, SIZE, TURNS = 64, 256, 15
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
TO_LAB = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])

Images = NDArray[np.uint8]
Way = Callable[[Images], Images]


def measure() -> str:
    """Return one table: method, ours, the usual way, ratio, difference."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.stain"], env=os.environ | ALONE, stdout=subprocess.PIPE, check=True
    )
    head = [
        f"{TILES} tiles of {SIZE} px, one core",
        "cancernet",
        "plain NumPy, tile by tile",
        "ratio",
        "largest difference",
    ]
    return table(head, json.loads(done.stdout))


def main() -> None:
    """Print the rows of the table as JSON, measured on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    tiles = _tissue(np.random.default_rng(0))
    macenko, reinhard = fit_macenko(tiles), fit_reinhard(tiles)
    vectors, amounts = macenko.vectors[:2], np.array(macenko.amounts)

    def ours(images: Images) -> Images:
        return normalise(images, macenko)

    def known(images: Images) -> Images:
        return np.stack([_painted(_density(tile), vectors, amounts).reshape(tile.shape) for tile in images])

    def anew(images: Images) -> Images:
        return np.stack([_painted(_density(tile), *_stains(_density(tile))).reshape(tile.shape) for tile in images])

    rows = [
        _row("Macenko, plain way with the same fit", tiles, ours, known),
        _row("Macenko, plain way fits each tile", tiles, ours, anew),
        _row(
            "Reinhard, plain way with the same fit", tiles, lambda images: normalise(images, reinhard), _reinhard(tiles)
        ),
    ]
    rows[1][-1] = "-"  # the fits differ
    print(json.dumps(rows))


def _row(what: str, tiles: Images, ours: Way, usual: Way) -> list[str]:
    """Return a row of the table."""
    seconds = np.array([[_seconds(way, tiles) for way in (ours, usual)] for _ in range(TURNS)]).min(axis=0)
    speeds = tiles.size / 3 / seconds / 1e6
    apart = np.abs(ours(tiles).astype(np.int64) - usual(tiles)).max()
    return [what, *(f"{speed:.1f} Mpx/s" for speed in speeds), f"{speeds[0] / speeds[1]:.1f}", f"{apart} grey level"]


def _seconds(way: Way, tiles: Images) -> float:
    """Return the time of the processor that one call takes."""
    started = time.process_time()
    way(tiles)
    return time.process_time() - started


def _tissue(rng: np.random.Generator) -> Images:
    """Return made tissue, (TILES, SIZE, SIZE, 3): blobs of two stains and noise."""
    coarse = rng.gamma(2.0, 0.3, (TILES, SIZE // 8, SIZE // 8, 3)) * [1, 1, 0]
    amounts = coarse.repeat(8, axis=1).repeat(8, axis=2)
    return combine(amounts + rng.normal(0, 0.02, amounts.shape))


def _density(tile: Images) -> NDArray[np.float64]:
    """Return the optical density, (n, 3)."""
    return -np.log((tile.reshape(-1, 3).astype(np.float64) + 1) / 256)


def _stains(density: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return stain vectors and 99th percentiles, after the paper."""
    dense = density[(density > 0.15).all(axis=1)]
    plane = np.linalg.svd(dense.T @ dense)[0][:, :2]
    plane *= np.where(plane.sum(axis=0) < 0, -1, 1)
    along, across = (dense @ plane).T
    angles = np.percentile(np.arctan2(across, along), [1, 99])
    vectors = (plane @ [np.cos(angles), np.sin(angles)]).T
    vectors = vectors[np.argsort(-vectors[:, 0])]
    return vectors, np.percentile(np.linalg.lstsq(vectors.T, density.T, rcond=None)[0], 99, axis=1)


def _painted(
    density: NDArray[np.float64], vectors: NDArray[np.float64], amounts: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the colours of the reference, (n, 3)."""
    found = np.linalg.lstsq(vectors.T, density.T, rcond=None)[0]
    found *= (np.array(MACENKO_TARGET.amounts) / amounts)[:, None]
    light = 256 * np.exp(-MACENKO_TARGET.vectors[:2].T @ found) - 1
    return np.rint(np.clip(light, 0, 255)).astype(np.uint8).T


def _reinhard(tiles: Images) -> Way:
    """Return the plain way to the reference of Reinhard's method."""
    fit, target = fit_reinhard(tiles), REINHARD_TARGET

    def coloured(tile: Images) -> Images:
        lab = np.log((tile.reshape(-1, 3) + 1.0) / 256 @ TO_LMS.T) @ TO_LAB.T
        lab = (lab - fit.mean) / fit.deviation * target.deviation + target.mean
        light = 256 * np.exp(lab @ np.linalg.inv(TO_LAB).T) @ np.linalg.inv(TO_LMS).T - 1
        return np.rint(np.clip(light, 0, 255)).astype(np.uint8).reshape(tile.shape)

    return lambda images: np.stack([coloured(tile) for tile in images])


if __name__ == "__main__":
    main()
