"""A file of features, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

from cancernet.bags import hdf5, stored
from cancernet.bags.bag import Bag
from cancernet.errors import InvalidInput

__all__ = ["BAG_SUFFIXES", "read_bag"]

BAG_SUFFIXES = (stored.SUFFIX, *hdf5.SUFFIXES)


def read_bag(path: str | Path) -> Bag:
    """Return the features of the tiles of one slide.

    Parameters
    ----------
    path
        Ends in .npz (`write_bag`), or in .h5 or .hdf5 (TRIDENT, STAMP, CLAM).

    Raises
    ------
    InvalidInput
        When the name ends otherwise, there is no tile, or a number is missing or infinite.
    CorruptFile
        When the file is damaged or not what its name says.
    MissingExtra
        When it is HDF5 and h5py is not installed.
    StorageFailure
        When it cannot be read.
    """
    path = Path(path)
    if path.suffix == stored.SUFFIX:
        return stored.read_stored(path)
    if path.suffix in hdf5.SUFFIXES:
        return hdf5.read_hdf5(path)
    raise InvalidInput(f"'{path}' is no file of features", f"A name that ends in {', '.join(BAG_SUFFIXES)}")
