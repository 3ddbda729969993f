"""Files of features as TRIDENT, STAMP and CLAM write them: HDF5 with a dataset of features and one of coordinates.

| | features | encoder | coordinates | resolution |
|---|---|---|---|---|
| TRIDENT | `features` | attribute `encoder` of it | `coords`, pixels of the base level | attributes of `coords` |
| STAMP | `feats` | attribute `extractor` of the file | `coords`, microns | `tile_size_um`, `tile_size_px` of the file |
| CLAM | `features` | not there | `coords`, pixels of the base level | not there |

Each may have a leading dimension of length 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bags.bag import Bag, check_features
from cancernet.bundle import PixelSize
from cancernet.checks import listed, require
from cancernet.errors import CorruptFile
from cancernet.files import storage_errors

__all__ = ["SUFFIXES", "read_hdf5"]

SUFFIXES = (".h5", ".hdf5")
_NAMES = ("features", "feats")
_UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError)  # what h5py raises for a damaged file
# Microns per pixel from which and below which TRIDENT calls the base level of a slide by this magnification.
_MAGNIFICATIONS = {80: (0.1, 0.16), 60: (0.16, 0.2), 40: (0.2, 0.3), 20: (0.3, 0.6), 10: (0.6, 1.2), 5: (1.2, 2.4)}

Attributes = Mapping[str, Any]


def read_hdf5(path: Path) -> Bag:
    """Return the bag of a file that TRIDENT, STAMP or CLAM wrote.

    Raises
    ------
    CorruptFile
        When it is damaged, lacks a dataset, or reaches into other files.
    InvalidInput
        When it holds no tile or numbers that cannot be.
    MissingExtra
        When h5py, which comes with Keras, is not installed.
    StorageFailure
        When it cannot be read.
    """
    h5py = require("h5py", "train")
    with storage_errors(path):
        path.open("rb").close()
    try:
        with h5py.File(path, "r") as file:
            name = next((name for name in _NAMES if name in file), None)
            if name is None:
                raise _wrong(path, f"holds {listed(sorted(file)) or 'nothing'}")
            features, own = _dataset(h5py, file, name, path=path)
            coords, of_coords = _dataset(h5py, file, "coords", path=path) if "coords" in file else (None, {})
            of_file = _plain(file.attrs)
    except _UNREADABLE as error:
        if isinstance(error, CorruptFile):
            raise
        raise _wrong(path, f"cannot be read ({error})") from error
    checked = check_features(features, f"'{path}'")
    if name == "feats" or "tile_size_um" in of_file:
        return _of_stamp(path, checked, coords, of_file)
    return _of_trident(path, checked, coords, encoder=_text(own.get("encoder")), known=of_coords)


def _dataset(h5py: Any, file: Any, name: str, *, path: Path) -> tuple[NDArray[Any], Attributes]:
    """Return an array of the file itself with its attributes: links out of the file are not followed."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise _wrong(path, f"holds a link in the place of '{name}'")
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise _wrong(path, f"does not hold the numbers of '{name}' itself")
    return np.asarray(found[()]), _plain(found.attrs)


def _plain(attributes: Any) -> dict[str, Any]:
    """Return attributes as a dictionary, bytes as text."""
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for name, value in attributes.items()
    }


def _of_trident(
    path: Path, features: NDArray[np.float32], coords: NDArray[Any] | None, *, encoder: str, known: Attributes
) -> Bag:
    """Return the bag of a file of TRIDENT or CLAM: the size of a tile in pixels of the base level may be absent."""
    side = _number(known.get("patch_size_level0"))
    return Bag(features, encoder, _pixel_size_of(known), _places(path, features, coords, side=side))


def _pixel_size_of(known: Attributes) -> PixelSize:
    """Return microns per pixel by the magnifications that TRIDENT states, and how far it may be off.

    TRIDENT rounds the microns per pixel of a slide to a magnification and keeps only that.
    """
    base, seen = (_number(known.get(name)) for name in ("level0_magnification", "target_magnification"))
    if not seen:
        return PixelSize()
    low, high = _MAGNIFICATIONS.get(round(base), (None, None)) if base else (None, None)
    factor = (base or seen) / seen
    return PixelSize(
        status="estimated",
        mpp=10 / seen,
        low=None if low is None else low * factor,
        high=None if high is None else high * factor,
        how=f"from the magnification {seen:g} that TRIDENT states",
    )


def _of_stamp(path: Path, features: NDArray[np.float32], coords: NDArray[Any] | None, known: Attributes) -> Bag:
    """Return the bag of a file of STAMP; before version 2.1 it called the size of a tile in microns `tile_size`."""
    old = known.get("tile_size") if known.get("unit") == "um" else None
    side, pixels = _number(known.get("tile_size_um", old)), _number(known.get("tile_size_px"))
    size = PixelSize(status="known", mpp=side / pixels, how="tile_size_um / tile_size_px") if side and pixels else None
    in_microns = side is not None
    places = _places(path, features, coords if in_microns else None, side=side)
    return Bag(features, _text(known.get("extractor")), size or PixelSize(), places, "um" if in_microns else "l0_px")


def _places(
    path: Path, features: NDArray[np.float32], coords: NDArray[Any] | None, *, side: float | None
) -> NDArray[np.float64] | None:
    """Return left, top, width and height of square tiles; None when corners or size are unknown."""
    if coords is None or side is None:
        return None
    corners = np.asarray(coords[0] if coords.ndim == 3 and len(coords) == 1 else coords, dtype=np.float64)
    if corners.shape != (len(features), 2):
        raise _wrong(path, f"has coordinates of shape {coords.shape} for {len(features)} tiles")
    return np.concatenate([corners, np.full((len(features), 2), side)], axis=1)


def _text(value: Any) -> str:
    """Return a name; TRIDENT writes the text 'None' where it knows none."""
    return "" if value is None or str(value) == "None" else str(value)


def _number(value: Any) -> float | None:
    """Return a number above zero, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and number > 0 else None


def _wrong(path: Path, detail: str) -> CorruptFile:
    """Return the error for a file that is not as it should be."""
    return CorruptFile(
        f"'{path}' {detail}",
        "HDF5 with the datasets 'features' (or 'feats') and 'coords', as TRIDENT, STAMP and CLAM write it",
        "Make the features of this slide again",
    )
