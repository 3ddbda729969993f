"""What a segmenter learns of each pixel: the classes it belongs to, and how far from the edge of its thing it lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["edge_distance", "make_targets"]

_FULL = 255  # of a target: 1


def make_targets(classes: NDArray[np.integer], things: NDArray[np.int32], *, count: int) -> NDArray[np.uint8]:
    """Return the maps that a network should give.

    Parameters
    ----------
    classes
        Shape (h, w), class code of each pixel, 0 background; a code of `count` or more is taken as background.
    things
        Shape (h, w), numbers of the things of the last class (nuclei), 0 elsewhere.
    count
        How many classes there are, background included.

    Returns
    -------
    Shape (h, w, count), uint8, 255 for 1: a map for each class but the background, and the distance to the edge.
    """
    maps = [np.where(classes == code, _FULL, 0).astype(np.uint8) for code in range(1, count)]
    distance = np.rint(edge_distance(things) * _FULL).astype(np.uint8)
    return np.stack([*maps, distance], axis=-1)


def edge_distance(things: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return how far each pixel lies from the edge of its thing, as a share of the largest distance in that thing.

    Where two things touch, both have an edge. All things are measured at once.

    Parameters
    ----------
    things
        Shape (h, w), numbers, 0 background; gaps are allowed.

    Returns
    -------
    Shape (h, w), float32: 0 outside, above 0 to 1 inside.
    """
    from scipy import ndimage
    from skimage.segmentation import find_boundaries

    if not things.any():
        return np.zeros(things.shape, np.float32)
    there = things > 0
    edges = find_boundaries(things, mode="inner", connectivity=1)  # type: ignore[no-untyped-call]
    framed = np.pad(there & ~edges, 1, constant_values=True)
    if framed.all():  # one thing fills the image: no edge is in sight
        return np.ones(things.shape, np.float32)
    inner = ndimage.distance_transform_edt(framed)[1:-1, 1:-1]  # the frame of the image is no edge
    depth = np.where(there, inner + 0.5, 0).astype(np.float32)  # a pixel at the edge lies half a pixel in
    numbers = np.unique(things[there])
    deepest = np.ones(int(things.max()) + 1, np.float32)
    deepest[numbers] = ndimage.maximum(depth, things, numbers)
    share: NDArray[np.float32] = depth / deepest[things]
    return share
