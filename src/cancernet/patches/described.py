"""The statistics of all images of a pack: computed once, and kept beside the pixels."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CorruptFile, StorageFailure
from cancernet.files import give_back_pages, read_arrays, write_arrays
from cancernet.patches.compress import JPEG_DRAWS, as_any_jpeg
from cancernet.patches.pack import Pack
from cancernet.patches.statistics import STATISTICS, image_statistics

__all__ = ["pack_statistics"]

_VERSION = 2  # to be raised when `image_statistics` gives other numbers
_AT_ONCE = 4096  # patches


def pack_statistics(
    pack: Pack, *, jpeg: bool = False, progress: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """Return the statistics of the images, (n, len(STATISTICS)), from the folder of the pack where they are there.

    A file that is missing or damaged is written anew; where nothing may be written, nothing is kept.

    Parameters
    ----------
    pack
        The images.
    jpeg
        Describe each image as some scanner may have written it, see `as_any_jpeg`; always the same way.
    progress
        Told how many images are done while they are computed.
    """
    names = zlib.crc32(" ".join(STATISTICS).encode())
    kept = pack.folder / f"statistics{'-jpeg' if jpeg else ''}-{_VERSION}-{names:08x}.npz"
    values = _kept(kept, len(pack))
    if values is None:
        values = _computed(pack, jpeg, progress or (lambda done: None))
        with suppress(StorageFailure):
            write_arrays(kept, {"values": values})
    return values


def _kept(path: Path, images: int) -> NDArray[np.float64] | None:
    """Return what a file holds, or None when it is not there or not whole."""
    if not path.is_file():
        return None
    try:
        values = read_arrays(path).get("values")
    except (CorruptFile, StorageFailure):
        return None
    fits = values is not None and values.dtype == np.float64 and values.shape == (images, len(STATISTICS))
    return values if fits else None


def _computed(pack: Pack, jpeg: bool, progress: Callable[[int], None]) -> NDArray[np.float64]:
    """Describe all images, a few thousand at a time."""
    values, rng = np.empty((len(pack), len(STATISTICS))), np.random.default_rng(0)
    for start in range(0, len(pack), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        images = pack.images[part]
        if jpeg:
            draws = rng.random((len(images), JPEG_DRAWS)).tolist()
            images = np.stack([as_any_jpeg(image, draw) for image, draw in zip(images, draws, strict=True)])
        values[part] = image_statistics(images)
        give_back_pages(pack.images)
        progress(min(start + _AT_ONCE, len(pack)))
    return values
