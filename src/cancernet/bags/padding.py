"""Bags of different length as one array: padded, with a last column that says what is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["pad_bags", "sample_bag"]


def pad_bags(features: Sequence[NDArray[np.float32]], length: int | None = None) -> NDArray[np.float32]:
    """Return bags as the network takes them.

    Parameters
    ----------
    features
        Of each bag, (n, width), n at least 1.
    length
        Tiles of each padded bag, at least those of the longest; None: as many.

    Returns
    -------
    Shape (bags, length, width + 1), float32. The last column is 1 for a tile; padding is 0 throughout.
    """
    longest = max(len(bag) for bag in features) if length is None else length
    padded = np.zeros((len(features), longest, features[0].shape[1] + 1), dtype=np.float32)
    for row, bag in zip(padded, features, strict=True):
        row[: len(bag), :-1] = bag
        row[: len(bag), -1] = 1
    return padded


def sample_bag(features: NDArray[np.float32], most: int, *, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return `most` tiles of a bag, drawn without repetition; the bag itself when it has no more."""
    if len(features) <= most:
        return features
    return features[np.sort(generator.choice(len(features), most, replace=False))]
