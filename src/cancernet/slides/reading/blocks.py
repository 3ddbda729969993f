"""Files whose levels are grids of encoded blocks (TIFF tiles and strips, DICOM frames): a window from its blocks."""

from __future__ import annotations

import os
import weakref
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CancerNetError, CorruptFile
from cancernet.files import storage_errors
from cancernet.slides.reading.levelled import WHITE, LevelledSlide
from cancernet.slides.reading.levels import Level, Window, level_of
from cancernet.slides.reading.recent import Recent
from cancernet.slides.slide import Pitch

__all__ = ["BlockSlide", "Grid", "OpenFile"]

_KEPT_BYTES = 32 * 2**20  # of decoded blocks; a row of tiles of 256 pixels, 40,000 pixels long


@dataclass(frozen=True)
class Grid:
    """How the blocks of a level lie: row by row, the last of a row or column may reach over the edge.

    Parameters
    ----------
    width, height
        Of the level.
    block_width, block_height
        Of each block.
    """

    width: int
    height: int
    block_width: int
    block_height: int

    @property
    def across(self) -> int:
        """Blocks in a row."""
        return -(-self.width // self.block_width)

    @property
    def count(self) -> int:
        """Blocks in all."""
        return self.across * -(-self.height // self.block_height)

    def touched(self, window: Window) -> Iterator[tuple[int, int, int]]:
        """Yield number, left and top of each block that a window touches."""
        right, bottom = window.left + window.width, window.top + window.height
        for row in range(window.top // self.block_height, -(-bottom // self.block_height)):
            for column in range(window.left // self.block_width, -(-right // self.block_width)):
                yield row * self.across + column, column * self.block_width, row * self.block_height

    def cuts(self, window: Window, index: int) -> bool:
        """Tell whether a block that a window touches reaches beyond it, within the level."""
        row, column = divmod(index, self.across)
        left, top = column * self.block_width, row * self.block_height
        right, bottom = min(left + self.block_width, self.width), min(top + self.block_height, self.height)
        before = left < window.left or top < window.top
        return before or right > window.left + window.width or bottom > window.top + window.height


class OpenFile:
    """A file that threads read at once, each at its own place.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    StorageFailure
        When it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage_errors(path):
            self._number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.length = os.fstat(self._number).st_size
        self._lock = Lock()
        self._end = weakref.finalize(self, os.close, self._number)  # a copy in a worker is dropped, not closed

    def read(self, start: int, count: int) -> bytes:
        """Return bytes of the file.

        Raises
        ------
        CorruptFile
            When the file ends before.
        StorageFailure
            When the system cannot read it.
        """
        with storage_errors(self.path):
            found = self._read(start, count)
        if len(found) < count:
            raise CorruptFile(
                f"'{self.path}' ends at byte {start + len(found):,}, before a block of its pixels",
                "Expected the whole file",
                "Copy it again",
            )
        return found

    def _read(self, start: int, count: int) -> bytes:
        """Return what there is of the bytes asked for."""
        if hasattr(os, "pread"):
            return os.pread(self._number, count, start)
        with self._lock:  # Windows has one place per file
            os.lseek(self._number, start, os.SEEK_SET)
            return os.read(self._number, count)

    def close(self) -> None:
        """Let go of it; closing twice does nothing."""
        self._end()


class BlockSlide(LevelledSlide):
    """A slide whose levels are grids of blocks; only those that a region touches are read and decoded.

    Parameters
    ----------
    path
        The file or folder.
    vendor
        In words.
    grids
        From the base level downwards.
    pitch
        None when the file does not say it.
    """

    def __init__(self, path: Path, *, vendor: str, grids: Sequence[Grid], pitch: Pitch | None) -> None:
        super().__init__(path, vendor=vendor, levels=_levels(grids), pitch=pitch)
        self._grids = tuple(grids)
        self._recent = Recent(max(_KEPT_BYTES, *(3 * grid.block_width * grid.block_height for grid in grids)))

    @abstractmethod
    def _block(self, number: int, index: int) -> NDArray[np.uint8] | None:
        """Return block `index` of a level as RGB (h, w, 3), or None for one without pixels: it is white."""

    def _window(self, number: int, window: Window) -> NDArray[np.uint8]:
        """Return a window of a level, pasted from its blocks."""
        canvas = np.empty((window.height, window.width, 3), dtype=np.uint8)
        for index, left, top in self._grids[number].touched(window):
            _paste(self._part(number, index, window), canvas, (left - window.left, top - window.top))
        return canvas

    def _part(self, number: int, index: int, window: Window) -> NDArray[np.uint8]:
        """Return a block that a window touches; one that it cuts is kept, as its neighbour will need the rest."""
        if self._grids[number].cuts(window, index):
            return self._recent.get((number, index), lambda: self._decoded(number, index))
        return self._decoded(number, index)

    def _decoded(self, number: int, index: int) -> NDArray[np.uint8]:
        """Return a block; whatever a decoder raises is put into words."""
        try:
            block = self._block(number, index)
        except (CancerNetError, MemoryError):
            raise
        except Exception as error:
            raise self._damaged(number, index, str(error)) from error
        return self._checked(number, index, block)

    def _checked(self, number: int, index: int, block: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """Return the block when it holds all the pixels that its level needs of it."""
        grid = self._grids[number]
        row, column = divmod(index, grid.across)
        height = min(grid.block_height, grid.height - row * grid.block_height)
        width = min(grid.block_width, grid.width - column * grid.block_width)
        if block is None:
            return np.full((height, width, 3), WHITE, dtype=np.uint8)
        if block.ndim != 3 or block.shape[2] != 3 or block.shape[0] < height or block.shape[1] < width:
            raise self._damaged(number, index, f"it holds pixels of shape {block.shape}")
        return block[:height, :width]

    def _damaged(self, number: int, index: int, why: str) -> CorruptFile:
        """Return the error for a block that cannot be decoded."""
        grid, factor = self._grids[number], self.downsamples[number]
        row, column = divmod(index, grid.across)
        x, y = round(column * grid.block_width * factor), round(row * grid.block_height * factor)
        return CorruptFile(
            f"'{self.path}' is damaged at x {x}, y {y} of level {number} ({why})",
            "Expected a whole file",
            "Copy it again",
        )


def _levels(grids: Sequence[Grid]) -> list[Level]:
    """Return the levels of grids, of which the first is the base."""
    base = grids[0].width, grids[0].height
    return [level_of((grid.width, grid.height), base) for grid in grids]


def _paste(block: NDArray[np.uint8], canvas: NDArray[np.uint8], corner: tuple[int, int]) -> None:
    """Copy a block to its corner (left, top) of the canvas; what lies outside is left out."""
    left, top = corner
    from_x, from_y = max(-left, 0), max(-top, 0)
    to_x, to_y = max(left, 0), max(top, 0)
    part = block[from_y : canvas.shape[0] - top, from_x : canvas.shape[1] - left]
    canvas[to_y : to_y + part.shape[0], to_x : to_x + part.shape[1]] = part
