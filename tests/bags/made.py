"""Slides with made features, and the files that other programs would write of them."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np

from cancernet.bags import Bag, write_bag
from cancernet.bundle import PixelSize

WIDTH = 6
MPP = PixelSize(status="known", mpp=0.5, how="from the slide")


def made_features(tiles: int, width: int = WIDTH, *, seed: int = 0) -> np.ndarray:
    """Return features (tiles, width) float32."""
    return np.random.default_rng(seed).normal(size=(tiles, width)).astype(np.float32)


def made_places(tiles: int, side: float = 256) -> np.ndarray:
    """Return left, top, width and height of tiles in a row."""
    return np.stack([side * np.arange(tiles), np.full(tiles, 512.0), *np.full((2, tiles), side)], axis=1)


def write_slide(folder: Path, slide: str, features: np.ndarray, *, encoder: str = "made") -> Path:
    """Write one of our own files."""
    path = folder / f"{slide}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    write_bag(path, Bag(features, encoder, MPP, made_places(len(features))), force=True)
    return path


def write_table(path: Path, rows: list[tuple[str, str, str]], head=("slide", "label", "patient")) -> Path:
    """Write the table of slides."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([head, *rows])
    return path


def write_trident(path: Path, features: np.ndarray, *, batch: bool = False, encoder: str | None = "uni_v1") -> Path:
    """Write HDF5 as TRIDENT does: chunked by row, attributes beside each dataset, a None as text."""
    corners = made_places(len(features))[:, :2].astype(np.int64)
    with h5py.File(path, "w") as file:
        for name, values in (("features", features), ("coords", corners)):
            values = values[None] if batch else values
            file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), chunks=(1, *values.shape[1:]))
        file["features"].attrs.update({"name": path.stem, "savetodir": "x", "encoder": str(encoder)})
        file["coords"].attrs.update(
            {
                **{"patch_size": 256, "patch_size_level0": 512, "level0_magnification": 40},
                **{"target_magnification": 20, "overlap": 0, "name": path.stem, "savetodir": "x"},
                **{"level0_width": 9000, "level0_height": 8000},
            }
        )
    return path


def write_stamp(path: Path, features: np.ndarray, *, batch: bool = False, version: str = "2.3.0") -> Path:
    """Write HDF5 as STAMP does: half precision, microns, attributes of the file; before 2.1 other names."""
    corners = made_places(len(features), side=112.0)[:, :2].astype(np.float32)
    size = {"tile_size_um": 112.0, "tile_size_px": 224} if version >= "2.1" else {"tile_size": 112.0}
    with h5py.File(path, "w") as file:
        file["coords"] = corners[None] if batch else corners
        file["feats"] = (features[None] if batch else features).astype(np.float16)
        file.attrs.update({"stamp_version": version, "extractor": "mahmood-uni", "unit": "um", **size})
    return path


def write_needles(
    folder: Path, *, slides: int = 120, tiles: int = 50, width: int = 16, strength: float = 2.5, seed: int = 0
) -> dict[str, int]:
    """Write slides of two classes: a tumour has one tile that stands out in half of the features.

    Return the number of that tile by slide; -1 for a normal one. Two slides of each class share a patient.
    """
    rng, rows, keys = np.random.default_rng(seed), [], {}
    for number in range(slides):
        count, tumour = int(rng.integers(tiles // 2, tiles + 1)), number % 2
        features = rng.normal(size=(count, width)).astype(np.float32)
        key = int(rng.integers(count)) if tumour else -1
        if tumour:
            features[key, : width // 2] += strength
        slide = f"s{number:03d}"
        write_slide(folder / "features", slide, features)
        keys[slide] = key
        rows.append((slide, ("normal", "tumour")[tumour], f"p{number // 4}-{tumour}"))
    write_table(folder / "slides.csv", rows)
    return keys
