"""Our own files of features: one NPZ for each slide, which NumPy alone can read, whole or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from cancernet.bags.bag import Bag, check_features
from cancernet.bundle import PixelSize
from cancernet.checks import refuse_future
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import read_arrays, refuse_existing, write_arrays

__all__ = ["BAG_SCHEMA", "SUFFIX", "read_stored", "write_bag"]

BAG_SCHEMA = 1
SUFFIX = ".npz"
_PLACES = ("l0_x", "l0_y", "l0_width", "l0_height")
_AGAIN = "Make the features of this slide again"
_EXPECTED = "features (n, width), l0_x, l0_y, l0_width, l0_height (n,) and the text 'about', as write_bag makes them"


def write_bag(path: Path, bag: Bag, *, force: bool = False) -> None:
    """Write the features of one slide, whole or not at all.

    The file holds the arrays `features` (n, width) float32; `l0_x`, `l0_y`, `l0_width`, `l0_height` (n,) float64, in
    pixels of the base level; and the text `about`, JSON with the keys `schema` (1), `encoder` and `pixel_size`.

    Parameters
    ----------
    path
        Ends in .npz.
    bag
        With places in pixels of the base level.
    force
        Replace an existing file.

    Raises
    ------
    InvalidInput
        When the file exists, the name ends otherwise, or the bag cannot be stored.
    """
    if path.suffix != SUFFIX:
        raise InvalidInput(f"'{path}' is no name for a file of features", f"A name that ends in {SUFFIX}")
    features = check_features(bag.features, f"'{path}'")
    if bag.places is None or bag.unit != "l0_px" or bag.places.shape != (len(bag), len(_PLACES)):
        raise InvalidInput(
            f"The tiles of '{path}' have no places in pixels of the base level", f"(n, 4): {', '.join(_PLACES)}"
        )
    refuse_existing(path, force=force)
    about = {"schema": BAG_SCHEMA, "encoder": bag.encoder, "pixel_size": bag.pixel_size.model_dump(mode="json")}
    places = dict(zip(_PLACES, np.asarray(bag.places, dtype=np.float64).T, strict=True))
    write_arrays(path, {"features": features, **places, "about": np.array(json.dumps(about))})


def read_stored(path: Path) -> Bag:
    """Return the bag of a file that `write_bag` made.

    Raises
    ------
    CorruptFile
        When it is damaged or no such file.
    InvalidInput
        When it holds no tile or numbers that cannot be, or a newer version of this package wrote it.
    StorageFailure
        When it cannot be read.
    """
    try:
        arrays = read_arrays(path)
    except CorruptFile as error:
        raise CorruptFile(error.wrong, _EXPECTED, _AGAIN) from error
    about = _about(arrays, path)
    refuse_future(about.get("schema"), BAG_SCHEMA, where=str(path), error=InvalidInput)
    features = check_features(arrays["features"], f"'{path}'")
    try:
        places = np.stack([np.asarray(arrays[name], dtype=np.float64) for name in _PLACES], axis=1)
        pixel_size = PixelSize.model_validate(about["pixel_size"])
        encoder = str(about["encoder"])
    except (KeyError, ValueError, ValidationError) as error:
        raise _damaged(path, str(error)) from error
    if len(places) != len(features):
        raise _damaged(path, f"{len(places)} places for {len(features)} tiles")
    return Bag(features, encoder, pixel_size, places)


def _about(arrays: Mapping[str, NDArray[Any]], path: Path) -> dict[str, Any]:
    """Return what the file says of itself."""
    missing = {"features", "about"} - set(arrays)
    if missing:
        raise _damaged(path, f"it lacks {', '.join(sorted(missing))}")
    try:
        about = json.loads(str(arrays["about"]))
    except (json.JSONDecodeError, RecursionError) as error:
        raise _damaged(path, f"its text 'about' is no JSON: {error}") from error
    if not isinstance(about, dict):
        raise _damaged(path, "its text 'about' is no JSON object")
    return about


def _damaged(path: Path, detail: str) -> CorruptFile:
    """Return the error for a file that is not what its name says."""
    return CorruptFile(
        f"'{path}' is no file of features of this package ({detail})",
        _EXPECTED,
        _AGAIN,
    )
