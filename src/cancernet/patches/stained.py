"""Patches in normalised colours: what shares a fit, the fits, and a second pack beside the first."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CancerNetError, InvalidInput
from cancernet.files import exclusive, give_back_pages, read_json, whole_folder, write_json
from cancernet.patches.pack import Pack
from cancernet.patches.packfile import IMAGES, npy_header
from cancernet.patches.patchset import PatchSet
from cancernet.stain import StainFit, fit_stain, normalise

__all__ = ["Stains", "fit_stains", "stained_pack"]

_FITTED = 64  # images of a slide that its fit is made from
_TOGETHER = 512  # images of a set that the common fit is made from
_AT_ONCE = 4096
_STAINS = "stains.json"

Read = Callable[[NDArray[np.int64]], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Stains:
    """The colours of the slides of a set.

    Parameters
    ----------
    shared
        What shares a fit, in words: "slide", "patient", or "set".
    names
        Shape (n,), text: the slide of each image.
    fits
        The fit of each slide.
    borrowed
        Slides with too little tissue, or one stain only, whose fit is that of all images together.
    """

    shared: str
    names: NDArray[np.str_]
    fits: Mapping[str, StainFit]
    borrowed: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """The name of the method of normalising."""
        return next(iter(self.fits.values())).method

    def apply(self, images: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images of some rows, (m, h, w, 3) uint8, in the colours of the reference."""
        changed, names = np.empty_like(images), self.names[rows]
        for name in np.unique(names):
            own = names == name
            changed[own] = normalise(images[own], self.fits[str(name)])
        return changed

    def words(self) -> str:
        """Return one sentence for a report."""
        name = {"macenko": "Macenko", "reinhard": "Reinhard"}[self.method]
        how = "one fit for all images, taken as one slide"
        if self.shared != "set":
            how = f"one fit for each {self.shared} ({len(self.fits)})"
        rest = f"; {len(self.borrowed)} with too little tissue took the fit of all" if self.borrowed else ""
        return f"Colours were normalised by the method of {name}, {how}{rest}."

    def to_dict(self) -> dict[str, Any]:
        """Return the fits as JSON types."""
        fits = {name: fit.to_dict() for name, fit in self.fits.items()}
        return {"shared": self.shared, "fits": fits, "borrowed": list(self.borrowed)}


def fit_stains(patches: PatchSet, read: Read, *, method: str) -> Stains:
    """Return the colours of the slides of a set: of patients where slides are unknown, of all where both are.

    Parameters
    ----------
    patches
        The images; labels are not looked at.
    read
        Returns the images of some rows, (m, h, w, 3) uint8; those that cannot be read may be left out.
    method
        "macenko" or "reinhard".

    Raises
    ------
    InvalidInput
        When all images together hold too little tissue, or one stain only.
    """
    shared, names = _shared(patches)
    fits: dict[str, StainFit] = {}
    borrowed = []
    for name in np.unique(names).tolist():
        rows = np.flatnonzero(names == name)
        try:
            fits[name] = fit_stain(read(_spread(rows, _FITTED)), method=method)
        except InvalidInput:
            borrowed.append(name)
    if borrowed:
        common = _common(patches, read, method)
        fits |= dict.fromkeys(borrowed, common)
    return Stains(shared, names, fits, tuple(borrowed) if shared != "set" else ())


def stained_pack(pack: Pack, method: str, *, progress: Callable[[int], None] | None = None) -> Pack:
    """Return a pack with the colours of its images normalised; it is made once and kept beside the pack.

    Digests and perceptual hashes stay those of the images as they were: copies are copies in any colours.

    Parameters
    ----------
    pack
        The images.
    method
        "none", "macenko" or "reinhard".
    progress
        Told how many images are done while they are changed.

    Raises
    ------
    InvalidInput
        When all images together hold too little tissue, or one stain only.
    StorageFailure
        When the disk is too small or may not be written.
    """
    if method == "none":
        return pack
    stains = fit_stains(pack.patches, lambda rows: np.asarray(pack.images[rows]), method=method)
    key = f"{method}-{zlib.crc32('|'.join(stains.names.tolist()).encode()):08x}"
    folder = pack.folder.with_name(f"{pack.folder.name}-{key}")
    with exclusive(folder, wait=True):
        images = _found(folder, len(pack))
        if images is None:
            _make(folder, pack, stains, progress or (lambda done: None))
            images = np.load(folder / IMAGES, mmap_mode="r")
    noted = replace(pack.patches, notes=(*pack.patches.notes, stains.words()))
    return replace(pack, patches=noted, images=images, folder=folder, key=f"{pack.key}-{key}")


def _shared(patches: PatchSet) -> tuple[str, NDArray[np.str_]]:
    """Return what shares a fit, in words and for each image."""
    if patches.slides is not None:
        return "slide", patches.slides
    if patches.group_column not in (None, "row"):
        return str(patches.group_column), patches.groups
    return "set", np.full(len(patches), "all")


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return some of the rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]


def _common(patches: PatchSet, read: Read, method: str) -> StainFit:
    """Return the fit of all images together."""
    try:
        return fit_stain(read(_spread(np.arange(len(patches)), _TOGETHER)), method=method)
    except InvalidInput as error:
        raise InvalidInput(
            f"The colours of '{patches.name}' cannot be normalised by '{method}': {error.wrong}",
            error.expected,
            'Give more images of the slide together, or train with stain = "none"',
        ) from error


def _found(folder: Path, images: int) -> NDArray[np.uint8] | None:
    """Return the images that lie in a folder, or None when they are not there or not whole."""
    try:
        said = read_json(folder / _STAINS)
        pixels: NDArray[np.uint8] = np.load(folder / IMAGES, mmap_mode="r")
        whole = len(pixels) == images and _checksum(pixels) == said["crc32"]
    except (CancerNetError, OSError, ValueError, KeyError, TypeError):
        return None
    return pixels if whole else None


def _make(folder: Path, pack: Pack, stains: Stains, progress: Callable[[int], None]) -> None:
    """Write the images in their new colours; a mapped file would end the program on a full disk, so it is none."""
    checksum = 0
    with whole_folder(folder, force=True) as partial:
        with (partial / IMAGES).open("wb") as stream:
            stream.write(npy_header(len(pack), pack.images.shape[1]))
            for start in range(0, len(pack), _AT_ONCE):
                rows = np.arange(start, min(start + _AT_ONCE, len(pack)))
                changed = stains.apply(np.asarray(pack.images[rows]), rows)
                checksum = zlib.crc32(changed.data, checksum)
                stream.write(changed.data)
                progress(int(rows[-1]) + 1)
        write_json(partial / _STAINS, {**stains.to_dict(), "crc32": checksum})


def _checksum(images: NDArray[np.uint8]) -> int:
    """Return the CRC-32 of all pixels."""
    found = 0
    for start in range(0, len(images), _AT_ONCE):
        found = zlib.crc32(np.ascontiguousarray(images[start : start + _AT_ONCE]).data, found)
    give_back_pages(images)
    return found
