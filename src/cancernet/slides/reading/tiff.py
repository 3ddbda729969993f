"""TIFF slides read directly: Aperio, OME, plain and pyramidal ones, seven times as fast as by OpenSlide."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CancerNetError, CorruptFile, InvalidInput
from cancernet.files import storage_errors
from cancernet.patches import LARGEST_PIXELS
from cancernet.slides.reading.blocks import BlockSlide, Grid, OpenFile
from cancernet.slides.reading.colours import rgb_of
from cancernet.slides.reading.pitch import from_aperio, from_dots, from_ome
from cancernet.slides.reading.tiffpages import is_aperio, pyramid_of, vendor_of
from cancernet.slides.slide import Pitch

__all__ = ["TiffSlide"]

_SEPARATE = 2  # planar configuration: red, green and blue lie in blocks of their own
_UNCOMPRESSED = 1
_PIECE_BYTES = 2**18  # into which uncompressed strips are cut, however long they are


@dataclass(frozen=True)
class _Coded:
    """The blocks of one level as they lie in the file.

    Parameters
    ----------
    grid
        How they lie in the level.
    starts, lengths
        Place and length of each in the file, in bytes; a length of 0 is a block without pixels.
    planes
        1, or 3 when each colour has blocks of its own, all red ones first.
    decode
        Turns bytes and the number of a block into samples (h, w, samples).
    extra
        What a fourth sample is.
    """

    grid: Grid
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    planes: int
    decode: Callable[[bytes, int], NDArray[Any]]
    extra: int | None


class TiffSlide(BlockSlide):
    """A TIFF of tiles or strips, with or without a pyramid.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    NeedsOpenSlide
        When it is of a format that is not read directly.
    InvalidInput
        When it holds no colours, or several images of a size.
    CorruptFile
        When it is damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        with _opened(path) as tiff:
            pages = pyramid_of(tiff, str(path))
            levels = [_coded(page, path) for page in pages]
            vendor = vendor_of(tiff) if len(pages) == 1 or vendor_of(tiff) != "plain TIFF" else "pyramidal TIFF"
            pitch = _pitch(tiff, pages[0])
        super().__init__(path, vendor=vendor, grids=[level.grid for level in levels], pitch=pitch)
        self._coded = levels
        self._file = OpenFile(path)
        self._refuse_truncated()

    def _refuse_truncated(self) -> None:
        """Raise when a block lies beyond the end of the file."""
        end = max(int((level.starts + level.lengths).max()) for level in self._coded)
        if end > self._file.length:
            self._file.close()
            raise CorruptFile(
                f"'{self.path}' is cut off: it has {self._file.length:,} bytes and its pixels reach to byte {end:,}",
                "Expected the whole file",
                "Copy it again",
            )

    def _block(self, number: int, index: int) -> NDArray[np.uint8] | None:
        """Return a tile or strip as RGB."""
        level = self._coded[number]
        numbers = [index + plane * level.grid.count for plane in range(level.planes)]
        if any(level.lengths[number] == 0 for number in numbers):
            return None
        parts = [level.decode(self._bytes(level, number), number) for number in numbers]
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        return rgb_of(samples, extra=level.extra)

    def _bytes(self, level: _Coded, number: int) -> bytes:
        """Return the bytes of a block."""
        return self._file.read(int(level.starts[number]), int(level.lengths[number]))

    def _release(self) -> None:
        """Close the file."""
        self._file.close()
        self._recent.clear()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield an open TIFF; whatever is wrong with its structure is put into words."""
    from tifffile import TiffFile

    _quieten()
    try:
        with storage_errors(path), TiffFile(path) as tiff:
            yield tiff
    except (CancerNetError, MemoryError):
        raise
    except Exception as error:
        raise CorruptFile(
            f"'{path}' is damaged: its list of images cannot be read ({error})",
            "Expected a whole TIFF",
            "Copy it again",
        ) from error


def _quieten() -> None:
    """Keep what tifffile logs of damaged files off the terminal, unless a program listens: our errors say it."""
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _coded(page: Any, path: Path) -> _Coded:
    """Return how the blocks of a page lie and are decoded."""
    width, height = int(page.imagewidth), int(page.imagelength)
    if _is_raw(page):
        return _pieces(page, path)
    stated = (page.tilewidth, page.tilelength) if page.is_tiled else (width, min(page.rowsperstrip, height))
    size = int(stated[0]), int(stated[1])
    if size[0] * size[1] > LARGEST_PIXELS:
        raise InvalidInput(
            f"'{path}' is compressed in one piece of {size[0]}x{size[1]} pixels, which each region would decode again",
            f"Expected tiles, or strips of at most {LARGEST_PIXELS:,} pixels",
            "Convert it to a tiled TIFF",
        )
    planes = page.samplesperpixel if page.planarconfig == _SEPARATE else 1
    starts, lengths = _places(page)
    grid = Grid(width, height, *size)
    if len(starts) < grid.count * planes or len(lengths) != len(starts):
        raise CorruptFile(
            f"'{path}' names {len(starts)} blocks of {grid.count * planes}", "Expected all", "Copy it again"
        )
    return _Coded(grid, starts, lengths, planes, _decoder(page), _extra(page))


def _places(page: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the blocks of a page lie and how long they are."""
    starts = np.asarray(page.dataoffsets, dtype=np.int64)
    lengths = np.asarray(page.databytecounts, dtype=np.int64)
    return starts, np.where(starts > 0, lengths, 0) if len(starts) == len(lengths) else lengths


def _extra(page: Any) -> int | None:
    """Return what a fourth sample of a page is."""
    return int(page.extrasamples[0]) if page.extrasamples else None


def _decoder(page: Any) -> Callable[[bytes, int], NDArray[Any]]:
    """Return the decoder of a page's blocks; it knows the colour space that the page states for its JPEG streams."""
    decode, tables = page.decode, page.jpegtables

    def samples(data: bytes, index: int) -> NDArray[Any]:
        block = decode(data, index, jpegtables=tables)[0]  # (depth, h, w, samples)
        return np.asarray(block[0])

    return samples


def _is_raw(page: Any) -> bool:
    """Tell whether a page is uncompressed strips of whole bytes, which may be cut anywhere."""
    plain = page.compression == _UNCOMPRESSED and page.predictor == 1 and page.fillorder == 1
    return plain and not page.is_tiled and page.planarconfig != _SEPARATE and page.bitspersample in (8, 16)


def _pieces(page: Any, path: Path) -> _Coded:
    """Return uncompressed strips as short ones: of a strip as long as the image, a region needs a few rows."""
    width, height, samples = int(page.imagewidth), int(page.imagelength), page.samplesperpixel
    row = width * samples * page.bitspersample // 8
    per_strip = min(int(page.rowsperstrip), height)
    if row * height > page.parent.filehandle.size or len(page.dataoffsets) * per_strip < height:
        raise CorruptFile(
            f"'{path}' is smaller than its {width}x{height} pixels", "Expected the whole file", "Copy it again"
        )
    rows = next(n for n in range(min(max(_PIECE_BYTES // row, 1), per_strip), 0, -1) if per_strip % n == 0)
    first = np.arange(0, height, rows)
    starts = _places(page)[0][first // per_strip] + first % per_strip * row
    lengths = np.minimum(rows, height - first) * row
    kind = np.dtype(f"{page.parent.byteorder}u{page.bitspersample // 8}")

    def decode(data: bytes, _: int) -> NDArray[Any]:
        return np.frombuffer(data, kind).reshape(-1, width, samples).astype(kind.newbyteorder("="), copy=False)

    return _Coded(Grid(width, height, width, rows), starts, lengths, 1, decode, _extra(page))


def _pitch(tiff: Any, base: Any) -> Pitch | None:
    """Return what a file says about the size of its pixels, the most trustworthy first."""
    said = None
    if is_aperio(tiff):
        said = from_aperio(tiff.pages.first.description)
    elif tiff.is_ome:
        said = from_ome(tiff.ome_metadata or "", (base.imagewidth, base.imagelength))
    return said or _resolution(base)


def _resolution(base: Any) -> Pitch | None:
    """Return what the resolution tags of a page say."""
    dots = [_quotient(base.tags.valueof(tag)) for tag in ("XResolution", "YResolution")]
    return from_dots(dots[0], dots[1], unit=int(base.tags.valueof("ResolutionUnit", default=2)))


def _quotient(value: Any) -> float:
    """Return a rational number of a TIFF, or 0 where there is none."""
    return value[0] / value[1] if isinstance(value, tuple) and len(value) == 2 and value[1] else 0.0
