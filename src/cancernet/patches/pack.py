"""A pack: all images of a set, decoded once into one memory-mapped array, and kept in a cache by their content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import processors
from cancernet.checks import one_of
from cancernet.errors import CorruptFile, InvalidInput, StorageFailure
from cancernet.files import exclusive, storage_errors
from cancernet.patches.images import FITS
from cancernet.patches.packfile import IMAGES, Contents, Index, read_contents
from cancernet.patches.packing import Order, content_key, listing_key, make_pack
from cancernet.patches.patchset import Fault, PatchSet
from cancernet.patches.sizes import common_size

__all__ = ["Pack", "cache_folder", "open_pack"]

_MOST_THREADS = 8
_SMALLEST, _LARGEST = 10, 4096  # pixels of a side; image statistics need 10


@dataclass(frozen=True, eq=False)
class Pack:
    """Images of one size, ready to be read at the speed of memory.

    Parameters
    ----------
    patches
        The images that are in, in the order of the rows; files that were set aside are among its faults.
    images
        Shape (n, size, size, 3), uint8, RGB, read-only, memory-mapped.
    digests
        Shape (n,), text: `pixel_digest` of each image at the size of the pack.
    perceptual
        Shape (n, 12), uint64: `perceptual_hash` of each.
    native_sizes
        Shape (n, 2), int64: width and height of the files in pixels.
    key
        Stands for names and contents of all files, the size and `fit`.
    folder
        Where it lies.
    fit
        What became of images of another size: "refuse", "resize" or "crop".
    """

    patches: PatchSet
    images: NDArray[np.uint8]
    digests: NDArray[np.str_]
    perceptual: NDArray[np.uint64]
    native_sizes: NDArray[np.int64]
    key: str
    folder: Path
    fit: str = "refuse"

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


def cache_folder() -> Path:
    """Return where packs lie: CANCERNET_CACHE, or the system's place for caches."""
    from cancernet.fetch.trust import cache_folder as shared

    return shared()


def open_pack(
    patches: PatchSet,
    *,
    size: int | None = None,
    fit: str = "refuse",
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
    workers: int | None = None,
) -> Pack:
    """Return the pack of a set of patches; it is made when there is none, and made anew when it is damaged.

    The pack is found by the content of the files, so a changed file makes another, and the same files in another folder
    share it. It appears complete or not at all. When the making is interrupted, the next call goes on; when another
    process makes the same pack, this one waits for it.

    Parameters
    ----------
    patches
        The images.
    size
        Pixels of a side; None: the size that all have, or with another `fit` the most frequent one.
    fit
        What becomes of images of another size: "refuse", "resize" or "crop", see `fit_image`.
    cache
        Instead of `cache_folder()`.
    progress
        Told how many images are done while the pack is made.
    workers
        Threads that read and decode; None: one for each processor, at most 8.

    Raises
    ------
    InvalidInput
        When there is no image, sizes differ and `fit` is "refuse" (all sizes are counted), no image can be decoded, or
        more than 20 % cannot (ten are named).
    StorageFailure
        When the disk is too small, which is told before the work begins, or may not be written.
    """
    if not len(patches):
        raise InvalidInput(f"'{patches.name}' holds no image", "Expected at least one", "Check the folder")
    one_of(fit, FITS, "fit")
    threads = workers or min(processors(), _MOST_THREADS)
    side = common_size(patches, fit=fit, workers=threads) if size is None else _checked(size)
    order = Order(patches, side, fit, threads, progress or _ignore)
    packs = (cache_folder() if cache is None else Path(cache)) / "packs"
    listing = listing_key(order)
    pack, _ = _found(order, packs, listing)
    return pack or _made(order, packs, listing)


def _made(order: Order, packs: Path, listing: str) -> Pack:
    """Return the pack, made by this process or by the one that it waited for."""
    with exclusive(packs / listing, wait=True):
        pack, note = _found(order, packs, listing)
        if pack is not None:
            return pack
        key = make_pack(order, packs / f".{listing}.partial", final=lambda key: packs / f"{listing}-{key}")
    return _opened(packs / f"{listing}-{key}", order, key, notes=(note,) if note else ())


def _found(order: Order, packs: Path, listing: str) -> tuple[Pack | None, str]:
    """Return the pack when it is there and whole, else why it is not; files are read only when there may be one."""
    if not any(packs.glob(f"{listing}-*")):
        return None, ""
    key = content_key(order)
    folder = packs / f"{listing}-{key}"
    if not folder.is_dir():
        return None, ""
    try:
        return _opened(folder, order, key), ""
    except (CorruptFile, StorageFailure) as error:
        return None, f"{error.wrong}. It was made anew."


def _opened(folder: Path, order: Order, key: str, *, notes: tuple[str, ...] = ()) -> Pack:
    """Return a pack after all of it was compared with its checksums."""
    contents, index = read_contents(folder, key=key, workers=order.workers)
    with storage_errors(folder):
        images = np.load(folder / IMAGES, mmap_mode="r")
    patches = _kept(order.patches, contents, index, notes)
    digests, perceptual, native_sizes = map(_fixed, (index.digests, index.perceptual, index.native_sizes))
    return Pack(patches, images, digests, perceptual, native_sizes, key, folder, contents.fit)


def _kept(patches: PatchSet, contents: Contents, index: Index, notes: tuple[str, ...]) -> PatchSet:
    """Return the patches that are in the pack; the others become faults."""
    aside = {fault.id: fault.reason for fault in contents.faults}
    rows = np.flatnonzero(~np.isin(patches.ids, list(aside))) if aside else np.arange(len(patches))
    if not np.array_equal(patches.ids[rows], index.ids):
        raise CorruptFile("A pack is damaged: it holds other images than its name says", "A whole pack", "Remove it")
    faults = tuple(Fault(patches.folder / name, reason) for name, reason in aside.items())
    return replace(patches.take(rows), faults=(*patches.faults, *faults), notes=(*patches.notes, *notes))


def _checked(size: int) -> int:
    """Return the size, or raise when no patch can have it."""
    if not _SMALLEST <= size <= _LARGEST:
        raise InvalidInput(f"size = {size}", f"Expected {_SMALLEST} to {_LARGEST} pixels", "Try size = 50")
    return size


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array, read-only from now on."""
    array.flags.writeable = False
    return array


def _ignore(done: int) -> None:
    """Tell nobody."""
    del done
