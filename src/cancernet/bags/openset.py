"""The features of a set of bags: read and checked once, summed up, and kept in memory as far as they fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cancernet.bags.bag import Bag
from cancernet.bags.bagset import BagSet
from cancernet.bags.read import read_bag
from cancernet.bundle import PixelSize
from cancernet.checks import listed
from cancernet.errors import CancerNetError, InvalidInput, MissingExtra

__all__ = ["OpenBags", "open_bags", "said_of"]

_KEPT = 2**31  # bytes of features in memory; the others are read anew whenever they are asked for


@dataclass(frozen=True, eq=False)
class OpenBags:
    """Bags that were found fit, all of one encoder and width.

    Parameters
    ----------
    bags
        Slides, files, labels and patients.
    encoder
        What made all of the features; empty when nobody says it.
    pixel_size
        Microns per pixel over all slides.
    counts
        Shape (n,), int64: tiles of each slide.
    means, squares, maxima
        Shape (n, width), float64: mean, mean square and maximum of each feature over the tiles of each slide.
    """

    bags: BagSet
    encoder: str
    pixel_size: PixelSize
    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    squares: NDArray[np.float64]
    maxima: NDArray[np.float64]
    kept: dict[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of slides."""
        return len(self.counts)

    @property
    def width(self) -> int:
        """How many numbers describe a tile."""
        return int(self.means.shape[1])

    def features(self, row: int) -> NDArray[np.float32]:
        """Return the features of a slide, (tiles, width) float32, from memory or from its file."""
        found = self.kept.get(row)
        return read_bag(self.bags.paths[row]).features if found is None else found


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is known of one file after it was read."""

    encoder: str
    pixel_size: PixelSize
    tiles: int
    width: int
    sums: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def open_bags(bags: BagSet, *, progress: Callable[[int], None] | None = None, most: int = _KEPT) -> OpenBags:
    """Read all files once, check them, and keep what fits into memory.

    Parameters
    ----------
    bags
        From `read_bags`.
    progress
        Called with the number of slides done.
    most
        Bytes of features to keep.

    Raises
    ------
    InvalidInput
        When a slide has no file, or one that cannot be read or is empty or holds NaN: all are counted, ten are named.
        When encoders or widths are mixed: each is named.
    MissingExtra
        When a file is HDF5 and h5py is not installed.
    """
    bags.refuse_missing()
    seen, kept = _read_all(bags, progress or (lambda done: None), most)
    _refuse_mixed([str(one.width) for one in seen], bags, "width of the features")
    _refuse_mixed([one.encoder or "(not stated)" for one in seen], bags, "encoder")
    means, squares, maxima = (np.stack([one.sums[place] for one in seen]) for place in range(3))
    return OpenBags(
        bags,
        seen[0].encoder,
        _together([one.pixel_size for one in seen]),
        np.array([one.tiles for one in seen], dtype=np.int64),
        means,
        squares,
        maxima,
        kept,
    )


def said_of(bag: Bag, bags: BagSet) -> tuple[str, PixelSize]:
    """Return encoder and pixel size of a bag: what its file says, else what the options say."""
    mpp = bags.options.mpp
    stated = PixelSize() if mpp is None else PixelSize(status="known", mpp=mpp, how="as the study states it")
    return bag.encoder or bags.options.encoder, bag.pixel_size if bag.pixel_size.mpp else stated


def _read_all(
    bags: BagSet, progress: Callable[[int], None], most: int
) -> tuple[list[_Seen], dict[int, NDArray[np.float32]]]:
    """Return what is known of each file, and the features that fit into memory."""
    seen, kept, wrong, size = list[_Seen](), dict[int, NDArray[np.float32]](), dict[str, str](), 0
    for row, path in enumerate(bags.paths):
        try:
            bag = read_bag(path)
        except MissingExtra:
            raise
        except CancerNetError as error:
            wrong[str(bags.ids[row])] = error.wrong
            continue
        seen.append(_seen(bag, bags))
        if size + bag.features.nbytes <= most:
            kept[row], size = bag.features, size + bag.features.nbytes
        progress(row + 1)
    if wrong:
        raise _unusable(wrong, len(bags))
    return seen, kept


def _seen(bag: Bag, bags: BagSet) -> _Seen:
    """Return what is known of one file."""
    features = bag.features.astype(np.float64)
    sums = (features.mean(axis=0), np.square(features).mean(axis=0), features.max(axis=0))
    return _Seen(*said_of(bag, bags), len(bag), bag.width, sums)


def _unusable(wrong: dict[str, str], slides: int) -> InvalidInput:
    """Return the error for slides whose files cannot be used."""
    shown = "; ".join(f"'{name}': {reason}" for name, reason in list(wrong.items())[:10])
    more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
    return InvalidInput(
        f"{len(wrong)} of {slides} slides cannot be used: {shown}{more}",
        "Finite features of one tile at least for each slide",
        "Make their features again, or take these slides out of the table",
    )


def _refuse_mixed(said: list[str], bags: BagSet, what: str) -> None:
    """Raise when the slides do not agree in something, with the names."""
    names, first, counts = np.unique(said, return_index=True, return_counts=True)
    if len(names) > 1:
        trios = zip(names.tolist(), counts.tolist(), first.tolist(), strict=True)
        shown = ", ".join(f"{name}: {count} slides, for example '{bags.ids[row]}'" for name, count, row in trios)
        raise InvalidInput(
            f"The slides of '{bags.name}' do not have the same {what} ({shown})",
            "Features of one encoder for all slides",
            'Make them by the same one; of files that do not say theirs, name it: encoder = "..."',
        )


def _together(sizes: list[PixelSize]) -> PixelSize:
    """Return microns per pixel over all slides: the median with the range; unknown when one of them is."""
    values = [size.mpp for size in sizes if size.mpp is not None]
    if len(values) < len(sizes):
        return PixelSize()
    lows = [size.low or size.mpp for size in sizes]
    highs = [size.high or size.mpp for size in sizes]
    status = "estimated" if any(size.status == "estimated" for size in sizes) else "known"
    how = listed(sorted({size.how for size in sizes if size.how}), 3).replace("'", "")
    fields = {"status": status, "mpp": float(np.median(values)), "how": how}
    return PixelSize.model_validate({**fields, "low": min(filter(None, lows)), "high": max(filter(None, highs))})
