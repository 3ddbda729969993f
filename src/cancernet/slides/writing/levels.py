"""The levels of a new slide: tiles are compressed, and each level halves the one before, while rows stream through."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.writing.strips import Job

__all__ = ["Encoder", "Level", "base_tiles", "halve"]

_DEFLATE_LEVEL = 6
_AHEAD = 3  # jobs for each thread that wait or are done while one row is written

Item = TypeVar("Item")


@dataclass(frozen=True)
class Encoder:
    """Compresses tiles; see `PyramidOptions` for the parameters."""

    tile: int
    compression: str
    quality: int
    subsampling: str

    def row(self, pixels: NDArray[np.uint8]) -> list[bytes]:
        """Return the tiles of pixels (h, w, channels), h at most one tile, from left to right."""
        return [self.encode(pixels[:, x : x + self.tile]) for x in range(0, pixels.shape[1], self.tile)]

    def encode(self, pixels: NDArray[np.uint8]) -> bytes:
        """Return one tile; where it reaches over the edge of the level, the last pixels are repeated."""
        import imagecodecs

        height, width, channels = pixels.shape
        if (height, width) != (self.tile, self.tile):
            pixels = np.pad(pixels, ((0, self.tile - height), (0, self.tile - width), (0, 0)), mode="edge")
        pixels = np.ascontiguousarray(pixels if channels == 3 else pixels[:, :, 0])
        if self.compression == "deflate":
            return bytes(imagecodecs.zlib_encode(pixels.tobytes(), level=_DEFLATE_LEVEL))
        colours: dict[str, Any] = {}
        if channels == 3:
            sampled = self.subsampling.replace(":", "")
            colours = {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": sampled}
        return bytes(imagecodecs.jpeg8_encode(pixels, level=self.quality, **colours))


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return half the width and height, rounded up: the mean of two by two pixels, of what there is at an odd edge.

    A mean that lies between two values is rounded up in even columns and down in odd ones: always up would make each
    level brighter by an eighth of a grey level.

    Parameters
    ----------
    pixels
        Shape (h, w, channels), uint8.
    """
    height, width, channels = pixels.shape
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    pairs = pixels[0::2].astype(np.uint16)
    pairs += pixels[1::2]
    flat = pairs.reshape(len(pairs), -1)
    sums = np.empty((len(pairs), (width + 1) // 2, channels), dtype=np.uint16)
    for channel in range(channels):  # long strides, not short axes: twice as fast
        np.add(flat[:, channel :: 2 * channels], flat[:, channel + channels :: 2 * channels], out=sums[:, :, channel])
    sums[:, 0::2] += 2
    sums[:, 1::2] += 1
    return (sums >> 2).astype(np.uint8)


class Level:
    """A level below the base: takes halves of the one before, and keeps its tiles in a file without a name.

    Parameters
    ----------
    size
        Width and height.
    encoder
        Compresses its tiles.
    channels
        Of a pixel.
    folder
        Where the tiles wait until the levels before are written.
    """

    def __init__(self, size: tuple[int, int], encoder: Encoder, channels: int, folder: Path) -> None:
        width, height = size
        self._rows = np.empty((min(encoder.tile, height), width, channels), dtype=np.uint8)
        self._held, self._missing = 0, height
        self._encoder = encoder
        self._lengths: list[int] = []
        self._waiting = TemporaryFile(dir=folder)  # noqa: SIM115  (closed by __exit__)

    def __enter__(self) -> Level:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._waiting.close()

    def put(self, x: int, half: NDArray[np.uint8]) -> None:
        """Take pixels of the rows that are being filled."""
        self._rows[self._held : self._held + len(half), x : x + half.shape[1]] = half

    def advance(self, rows: int) -> NDArray[np.uint8] | None:
        """Count rows that are filled; return a whole row of tiles once there is one, after writing it."""
        self._held, self._missing = self._held + rows, self._missing - rows
        if self._missing and self._held < len(self._rows):
            return None
        done = self._rows[: self._held]
        self._held = 0
        for tile in self._encoder.row(done):
            self._waiting.write(tile)
            self._lengths.append(len(tile))
        return done

    def encoded(self) -> Iterator[bytes]:
        """Yield the tiles, row by row."""
        self._waiting.seek(0)
        for length in self._lengths:
            yield self._waiting.read(length)


@dataclass(frozen=True)
class _Done:
    """A job that is done: its tiles, and its pixels at half the size."""

    job: Job
    tiles: list[bytes]
    half: NDArray[np.uint8]


def base_tiles(
    jobs: Iterable[Job],
    levels: list[Level],
    *,
    encoder: Encoder,
    workers: int,
    progress: Callable[[int], None],
) -> Generator[bytes, None, None]:
    """Yield the tiles of the base level in order; on the way, fill the levels below it."""

    def work(job: Job) -> _Done:
        pixels = job.pixels()
        return _Done(job, encoder.row(pixels), halve(pixels))

    for done in _in_order(work, jobs, workers=workers):
        if levels:
            levels[0].put(done.job.x // 2, done.half)
        if levels and done.job.last:
            _pass_down(levels, len(done.half))
        if done.job.last:
            progress(done.job.y + done.job.height)
        yield from done.tiles  # last of all: who takes the last tile does not come back


def _pass_down(levels: list[Level], rows: int) -> None:
    """Count rows of the first level; what becomes a whole row of tiles is halved into the next, and so on."""
    whole = levels[0].advance(rows)
    if whole is None or len(levels) == 1:
        return
    half = halve(whole)
    levels[1].put(0, half)
    _pass_down(levels[1:], len(half))


def _in_order(work: Callable[[Job], Item], jobs: Iterable[Job], *, workers: int) -> Iterator[Item]:
    """Yield what becomes of each job, in order; a few are worked on ahead, so that memory stays flat."""
    waiting: deque[Future[Item]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
