"""Where the pixels of a new slide come from: a function of the place, or strips from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

__all__ = ["Block", "Job", "as_jobs"]

Block = Callable[[int, int, int, int], NDArray[np.uint8]]
"""Returns the pixels at x, y (upper left corner), width, height: shape (height, width, 3), or (height, width)."""

_TILES = 4  # of a job, side by side: 1,024 x 256 pixels, enough work for a thread and little to wait for


@dataclass(frozen=True)
class Job:
    """A block of the base level, some tiles wide and one high, and the function that makes it."""

    x: int
    y: int
    width: int
    height: int
    last: bool  # of its row
    channels: int
    block: Block

    def pixels(self) -> NDArray[np.uint8]:
        """Return shape (height, width, channels), or raise when the function returned anything else."""
        found = np.asarray(self.block(self.x, self.y, self.width, self.height))
        shape = (self.height, self.width, 3) if self.channels == 3 else (self.height, self.width)
        if found.shape != shape or found.dtype != np.uint8:
            place = f"the block at x = {self.x}, y = {self.y}"
            raise InvalidInput(
                f"The pixels of {place} have the shape {found.shape} and the type {found.dtype}",
                f"Expected {shape} and uint8",
                "Correct what makes the blocks",
            )
        return found.reshape(self.height, self.width, self.channels)


def as_jobs(
    pixels: Block | Iterable[NDArray[np.uint8]], size: tuple[int, int], *, tile: int, channels: int
) -> Iterator[Job]:
    """Yield the blocks of the base level, row by row of tiles, each row from left to right.

    Raises
    ------
    InvalidInput
        When strips have another width or type than the slide, or their rows are too few or too many.
    """
    width, _ = size
    for y, rows, block in _tile_rows(pixels, size, tile=tile, channels=channels):
        for x in range(0, width, tile * _TILES):
            across = min(tile * _TILES, width - x)
            yield Job(x, y, across, rows, x + across == width, channels, block)


def _tile_rows(
    pixels: Block | Iterable[NDArray[np.uint8]], size: tuple[int, int], *, tile: int, channels: int
) -> Iterator[tuple[int, int, Block]]:
    """Yield top, height and pixels of each row of tiles."""
    if callable(pixels):
        yield from ((y, min(tile, size[1] - y), pixels) for y in range(0, size[1], tile))
        return
    for number, strip in enumerate(_regular(pixels, size, rows=tile, channels=channels)):
        yield number * tile, len(strip), _cutting(strip, number * tile)


def _cutting(strip: NDArray[np.uint8], top: int) -> Block:
    """Return the function that cuts blocks out of a strip whose first row is `top`."""

    def block(x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        return strip[y - top : y - top + height, x : x + width]

    return block


def _regular(
    strips: Iterable[NDArray[np.uint8]], size: tuple[int, int], *, rows: int, channels: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield the same pixels in strips of `rows` rows, the last one lower."""
    seen, held, waiting = 0, 0, list[NDArray[np.uint8]]()
    for strip in strips:
        _check_strip(strip, size, channels=channels, seen=seen)
        seen, held = seen + len(strip), held + len(strip)
        waiting.append(strip)
        if held >= rows:
            joined = np.concatenate(waiting)
            whole = held // rows * rows
            yield from (joined[top : top + rows] for top in range(0, whole, rows))
            waiting, held = [joined[whole:].copy()], held - whole
    if seen < size[1]:
        raise InvalidInput(f"The strips hold {seen:,} rows", f"Expected {size[1]:,}", "Correct the size")
    if held:
        yield np.concatenate(waiting)


def _check_strip(strip: NDArray[np.uint8], size: tuple[int, int], *, channels: int, seen: int) -> None:
    """Raise when a strip does not belong to the slide, or reaches beyond its lower edge."""
    width, height = size
    shape = (width, 3) if channels == 3 else (width,)
    if strip.shape[1:] != shape or strip.dtype != np.uint8:
        raise InvalidInput(
            f"A strip has the shape {strip.shape} and the type {strip.dtype}",
            f"Expected {('rows', *shape)} and uint8",
            "Correct what makes the strips",
        )
    if seen + len(strip) > height:
        raise InvalidInput(f"The strips hold more than {height:,} rows", f"Expected {height:,}", "Correct the size")
