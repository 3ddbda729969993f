"""Writing slides: a tiled TIFF with smaller and smaller levels, of any size, while memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet import __version__
from cancernet.ahead import processors
from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.files import whole_file
from cancernet.slides.writing.levels import Encoder, Level, base_tiles
from cancernet.slides.writing.strips import Block, as_jobs

__all__ = ["PyramidOptions", "write_pyramid"]

_COMPRESSIONS, _SUBSAMPLINGS = ("jpeg", "deflate"), {"4:2:0": (2, 2), "4:4:4": (1, 1)}
_LARGEST_SIDE = 2**31 - 1
_CLASSIC_BYTES = 2**32 - 2**25  # pixels that surely fit a classic TIFF, with 32 MB for its tables
_MOST_WORKERS = 8
_UM_PER_CM = 10_000


@dataclass(frozen=True)
class PyramidOptions:
    """How a pyramid is stored.

    Parameters
    ----------
    tile
        Pixels of a tile's side, a multiple of 16, as the format asks for; 256 is what most scanners write.
    compression
        "jpeg" for tissue; "deflate" keeps every value, for heat maps and masks.
    quality
        Of JPEG, 1 to 100. 85 keeps nuclei sharp at about a tenth of the bytes.
    subsampling
        Of JPEG: "4:2:0" stores colours at half the resolution, "4:4:4" in full.
    channels
        3 for RGB, 1 for grey.
    description
        Text for the file, ASCII.
    workers
        Threads that make and compress blocks; None: one for each processor, at most 8.

    Raises
    ------
    InvalidInput
        When a value cannot be used.
    """

    tile: int = 256
    compression: str = "jpeg"
    quality: int = 85
    subsampling: str = "4:2:0"
    channels: int = 3
    description: str = ""
    workers: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no reader could open."""
        one_of(self.compression, _COMPRESSIONS, "compression")
        one_of(self.subsampling, tuple(_SUBSAMPLINGS), "subsampling")
        _refuse(self.tile < 16 or self.tile % 16 != 0, f"tile = {self.tile}", "a multiple of 16 pixels", "256")
        _refuse(not 1 <= self.quality <= 100, f"quality = {self.quality}", "1 to 100", "85")
        _refuse(self.channels not in (1, 3), f"channels = {self.channels}", "1 (grey) or 3 (RGB)", "3")
        _refuse(not self.description.isascii(), f"description = '{self.description}'", "ASCII", "English letters")


def write_pyramid(
    path: str | Path,
    pixels: Block | Iterable[NDArray[np.uint8]],
    *,
    size: tuple[int, int],
    mpp: float | tuple[float, float] | None,
    options: PyramidOptions | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> tuple[tuple[int, int], ...]:
    """Write a slide that OpenSlide, QuPath and tifffile read: a tiled TIFF, BigTIFF where it may exceed 4 GB.

    Each level has half the width and height of the one before, rounded up; a pixel of it is the mean of the two by two
    pixels below. The last one fits into a tile. Levels are made while the base level streams through, so memory holds a
    few rows of tiles per level, however high the slide is. The file appears when it is complete, or not at all.

    Parameters
    ----------
    path
        The file.
    pixels
        Either a function `block(x, y, width, height)` that returns (height, width, 3) uint8, or (height, width) of one
        channel; several threads call it at once. Or strips of the full width and of any height, from top to bottom.
    size
        Width and height in pixels.
    mpp
        Microns per pixel, or those of width and height; None: unknown, and the file says nothing.
    options
        How it is stored.
    progress
        Told how many rows of the base level are done.
    force
        Replace a file that is there.

    Returns
    -------
    Width and height of each level, the base first.

    Raises
    ------
    InvalidInput
        When size or mpp cannot be, blocks or strips have another shape or type, there are too few or too many rows, or
        the file exists and `force` is not set.
    StorageFailure
        When the disk is full or the place cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> def block(x, y, width, height):
    ...     return np.full((height, width, 3), (230, 190, 210), dtype=np.uint8)
    >>> with TemporaryDirectory() as folder:
    ...     write_pyramid(Path(folder, "pink.tiff"), block, size=(1000, 600), mpp=0.5)
    ((1000, 600), (500, 300), (250, 150))
    """
    options, pitch = options or PyramidOptions(), _checked_pitch(mpp)
    _check_size(size)
    sizes = _level_sizes(size, options.tile)
    encoder = Encoder(options.tile, options.compression, options.quality, options.subsampling)
    with whole_file(Path(path), force=force) as partial, _opened(partial, sizes, options) as tiff, ExitStack() as stack:
        levels = [stack.enter_context(Level(each, encoder, options.channels, partial.parent)) for each in sizes[1:]]
        jobs = as_jobs(pixels, size, tile=options.tile, channels=options.channels)
        workers = options.workers or min(processors(), _MOST_WORKERS)
        with closing(base_tiles(jobs, levels, encoder=encoder, workers=workers, progress=progress or _ignore)) as tiles:
            tiff.write(tiles, **_tags(sizes, 0, pitch, options))
        for number, level in enumerate(levels, start=1):
            tiff.write(level.encoded(), **_tags(sizes, number, pitch, options))
    return sizes


def _level_sizes(size: tuple[int, int], tile: int) -> tuple[tuple[int, int], ...]:
    """Return width and height of each level, until one fits into a tile.

    Halves are rounded up, so that a level never holds less than 1 / 2^k of the base level: readers that look for the
    smallest level with enough detail find it.
    """
    sizes = [size]
    while max(sizes[-1]) > tile:
        width, height = sizes[-1]
        sizes.append(((width + 1) // 2, (height + 1) // 2))
    return tuple(sizes)


@contextmanager
def _opened(partial: Path, sizes: tuple[tuple[int, int], ...], options: PyramidOptions) -> Iterator[Any]:
    """Yield the TIFF to write to."""
    from tifffile import TiffWriter

    raw = sum(width * height for width, height in sizes) * options.channels
    with TiffWriter(partial, bigtiff=raw > _CLASSIC_BYTES) as tiff:
        yield tiff


def _tags(
    sizes: tuple[tuple[int, int], ...], number: int, pitch: tuple[float, float] | None, options: PyramidOptions
) -> dict[str, Any]:
    """Return what tifffile is to write about a level; a level below the base is marked as reduced."""
    width, height = sizes[number]
    colours = options.channels == 3
    tags: dict[str, Any] = {
        "shape": (height, width, 3) if colours else (height, width),
        "dtype": "uint8",
        "tile": (options.tile, options.tile),
        "photometric": "rgb" if colours else "minisblack",
        "compression": "jpeg" if options.compression == "jpeg" else "zlib",
        "subfiletype": 1 if number else 0,
        "software": f"cancernet {__version__}",
        "description": options.description,
        "metadata": None,
    }
    if options.compression == "jpeg" and colours:
        tags["subsampling"] = _SUBSAMPLINGS[options.subsampling]
    if pitch is not None:
        tags["resolution"] = tuple(_UM_PER_CM / (each * 2**number) for each in pitch)
        tags["resolutionunit"] = "CENTIMETER"
    return tags


def _checked_pitch(mpp: float | tuple[float, float] | None) -> tuple[float, float] | None:
    """Return microns per pixel of width and height, or raise when they cannot be."""
    if mpp is None:
        return None
    pitch: tuple[float, ...] = (mpp, mpp) if isinstance(mpp, int | float) else tuple(mpp)
    usable = len(pitch) == 2 and all(isfinite(each) and each > 0 for each in pitch)
    _refuse(not usable, f"mpp = {mpp}", "microns per pixel, above 0", "mpp = 0.5, or None when it is unknown")
    return float(pitch[0]), float(pitch[1])


def _check_size(size: tuple[int, int]) -> None:
    """Raise when no slide can have the size."""
    usable = all(1 <= side <= _LARGEST_SIDE for side in size)
    _refuse(not usable, f"size = {size}", "width and height in pixels, from 1", "(20000, 15000)")


def _ignore(rows: int) -> None:
    """Tell nobody."""
    del rows


def _refuse(wrong: bool, what: str, expected: str, example: str) -> None:
    """Raise when an option is wrong."""
    if wrong:
        raise InvalidInput(what, f"Expected {expected}", f"Say {example}, for example")
