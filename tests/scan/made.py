"""A made slide in a plain image file, and the bundle that the tests scan it with."""

from pathlib import Path

import numpy as np
from PIL import Image

from engine.patchbundle import SIZE, tissue

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
