"""Reading tiles: a slide is read once, in large blocks by threads, and cut into the tiles that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import several_ahead
from cancernet.scan.grid import Grid
from cancernet.slides import Slide
from cancernet.stain import StainFit, normalise

__all__ = ["Block", "Describe", "Tiles", "blocks_of", "in_batches", "read_tiles"]

Describe = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

_PX_BLOCK = 1536  # pixels of a block's side, about: 7 MB, and the tiles at its edges are read twice if they overlap


@dataclass(frozen=True)
class Block:
    """Neighbouring tiles that are read at once: from a column and a row on, so many to the right and below."""

    column: int
    row: int
    columns: int
    rows: int


@dataclass(frozen=True, eq=False)
class Tiles:
    """Some tiles of a slide.

    Parameters
    ----------
    images
        Shape (n, px, px, 3), uint8, C-contiguous.
    columns, rows
        Where they lie in the grid, (n,) each.
    values
        What tells a tile unlike the training patches, (n, k) float64; k is 0 where that is not asked for.
    """

    images: NDArray[np.uint8]
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.images)

    def take(self, part: slice) -> Tiles:
        """Return some of them; a view of the same memory."""
        return Tiles(self.images[part], self.columns[part], self.rows[part], self.values[part])


def blocks_of(grid: Grid, wanted: NDArray[np.bool_]) -> Iterator[Block]:
    """Yield the blocks that hold wanted tiles, row by row, each no larger than its wanted tiles need.

    Parameters
    ----------
    grid
        Of the slide.
    wanted
        Shape (rows, columns): which tiles are asked for.
    """
    side = max(1, _PX_BLOCK // grid.px_stride)
    for row in range(0, grid.rows, side):
        for column in range(0, grid.columns, side):
            part = wanted[row : row + side, column : column + side]
            if part.any():
                yield _around(part, column, row)


def read_tiles(
    slide: Slide,
    grid: Grid,
    wanted: NDArray[np.bool_],
    *,
    describe: Describe,
    stain: StainFit | None = None,
    threads: int = 2,
) -> Generator[Tiles, None, None]:
    """Yield the wanted tiles of a slide, a block at a time in a fixed order; the next blocks are read meanwhile.

    Parameters
    ----------
    slide
        Open.
    grid
        Where its tiles lie.
    wanted
        Shape (rows, columns): which of them are asked for.
    describe
        Returns the values (n, k) of images (n, px, px, 3); called in the threads.
    stain
        The colours of the slide, where they are to be normalised.
    threads
        That read; one block more than these is held in memory.

    Raises
    ------
    CorruptFile
        When a block cannot be decoded.
    """
    blocks = blocks_of(grid, wanted)
    yield from several_ahead(
        blocks, _reader(slide, grid, wanted, describe=describe, stain=stain), threads=threads, ahead=threads
    )


def in_batches(parts: Iterable[Tiles], size: int) -> Iterator[Tiles]:
    """Yield the same tiles in the same order, `size` at a time; only the last batch may be smaller.

    Batches are views of what is given; one that lies across two parts is copied.
    """
    rest: Tiles | None = None
    for part in parts:
        start = 0
        if rest is not None:
            start = size - len(rest)
            rest = _joined(rest, part.take(slice(0, start)))
            if len(rest) < size:
                continue
            yield rest
        while len(part) - start >= size:
            yield part.take(slice(start, start + size))
            start += size
        rest = part.take(slice(start, None)) if start < len(part) else None
    if rest is not None:
        yield rest


def _around(part: NDArray[np.bool_], column: int, row: int) -> Block:
    """Return the smallest block around the wanted tiles of a part, whose first tile is given."""
    columns, rows = (np.flatnonzero(part.any(axis=axis)) for axis in (0, 1))
    left, top = int(columns[0]), int(rows[0])
    return Block(column + left, row + top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def _reader(
    slide: Slide, grid: Grid, wanted: NDArray[np.bool_], *, describe: Describe, stain: StainFit | None
) -> Callable[[Block], Tiles]:
    """Return what reads one block, cuts it and describes its tiles."""

    def read(block: Block) -> Tiles:
        box = grid.box(block.column, block.row, columns=block.columns, rows=block.rows)
        pixels = slide.read(box, px_size=grid.px_size(block.columns, block.rows))
        pixels = pixels if stain is None else normalise(pixels, stain)
        rows, columns = np.nonzero(
            wanted[block.row : block.row + block.rows, block.column : block.column + block.columns]
        )
        images = _cut(pixels, grid.px_tile, grid.px_stride)[rows, columns]
        return Tiles(images, columns + block.column, rows + block.row, describe(images))

    return read


def _cut(pixels: NDArray[np.uint8], px_tile: int, px_stride: int) -> NDArray[np.uint8]:
    """Return all tiles of a block, (rows, columns, px, px, 3): a view of its memory."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (px_tile, px_tile), axis=(0, 1))
    return windows[::px_stride, ::px_stride].transpose(0, 1, 3, 4, 2)


def _joined(first: Tiles, second: Tiles) -> Tiles:
    """Return tiles of two parts as one."""
    return Tiles(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.columns, second.columns]),
        np.concatenate([first.rows, second.rows]),
        np.concatenate([first.values, second.values]),
    )
