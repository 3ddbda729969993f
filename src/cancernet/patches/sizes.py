"""The sizes of images, from their headers."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from cancernet.errors import CancerNetError, InvalidInput
from cancernet.patches.images import image_size
from cancernet.patches.patchset import PatchSet

__all__ = ["common_size", "other_sizes"]

_SHOWN = 8  # sizes in a message


def common_size(patches: PatchSet, *, fit: str, workers: int) -> int:
    """Return the side of the patches in pixels, when the user did not say it.

    With `fit` "refuse" it is that of the first image, and packing finds those that differ; else the smaller side of the
    most frequent size.

    Raises
    ------
    InvalidInput
        When images are not square and `fit` is "refuse".
    """
    if fit != "refuse":
        counts = _sizes(patches, workers)
        return min(counts[0][0]) if counts else 1
    first = next((size for row in range(len(patches)) if (size := _size(patches, row))), (1, 1))
    if first[0] != first[1]:
        raise other_sizes(patches, None, workers=workers)
    return first[0]


def other_sizes(patches: PatchSet, size: int | None, *, workers: int) -> InvalidInput:
    """Return the error for images of other sizes than `size` x `size` pixels, with the count of each size."""
    counts = _sizes(patches, workers)
    named = ", ".join(f"{width}x{height} ({count:,})" for (width, height), count in counts[:_SHOWN])
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    several = f"have {len(counts)} sizes: {named}{more}" if len(counts) > 1 else f"have {named} pixels"
    best = min(counts[0][0])
    return InvalidInput(
        f"The images of '{patches.name}' {several}",
        "Expected all square and of one size" if size is None else f"Expected {size}x{size} for all",
        f'Say fit = "resize" or fit = "crop", and the size, for example size = {size or best}',
    )


def _sizes(patches: PatchSet, workers: int) -> list[tuple[tuple[int, int], int]]:
    """Return width and height of the images that can be read, with their counts, the most frequent first."""
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda row: _size(patches, row), range(len(patches)))
        counts = Counter(size for size in found if size is not None)
    return sorted(counts.items(), key=lambda pair: (-pair[1], -pair[0][0], -pair[0][1]))


def _size(patches: PatchSet, row: int) -> tuple[int, int] | None:
    """Return width and height of an image; None when its header cannot be read."""
    try:
        return image_size(patches.path(row))
    except CancerNetError:
        return None
