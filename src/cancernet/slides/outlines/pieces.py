"""Outlines of a mask along the edges of its pixels: exact, with holes, and valid however its pixels touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Piece", "pieces_of"]

Ring = NDArray[np.intp]  # (n, 2): x, y of corners in pixels, not closed

_RIGHT, _DOWN, _LEFT, _UP = range(4)


@dataclass(frozen=True)
class Piece:
    """Pixels that share edges: the outline around them, and one around each hole. Pixels that only touch are two.

    Parameters
    ----------
    shell
        Corners of the outline.
    holes
        Corners of each hole; a hole may touch the shell or another hole in a point, which is valid.
    """

    shell: Ring
    holes: tuple[Ring, ...]


@dataclass(frozen=True)
class _Sides:
    """Straight sides of outlines, directed so that the mask lies to the right.

    Parameters
    ----------
    start, end
        Corner where a side begins and ends: row times (width + 1) plus column.
    direction
        0 to 3: right, down, left, up.
    piece
        Number of the piece that the side belongs to.
    """

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    direction: NDArray[np.intp]
    piece: NDArray[np.intp]


def pieces_of(mask: NDArray[np.bool_]) -> list[Piece]:
    """Return the pieces of a mask, (h, w) bool, in the order of their first pixels."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    shells: list[Ring] = [np.empty((0, 2), np.intp)] * (count + 1)
    holes: list[list[Ring]] = [[] for _ in range(count + 1)]
    sides = _sides(mask, labels)
    for ring in _rings(sides):
        corners = np.stack(np.divmod(sides.start[ring], mask.shape[1] + 1)[::-1], axis=1)
        piece = int(sides.piece[ring[0]])
        if _turns_right(corners):
            shells[piece] = corners
        else:
            holes[piece].append(corners)
    return [Piece(shell, tuple(own)) for shell, own in zip(shells[1:], holes[1:], strict=True)]


def _turns_right(corners: Ring) -> bool:
    """Say whether a ring goes with the clock as seen (rows count downwards), as shells do."""
    x, y = corners[:, 0], corners[:, 1]
    return bool((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0)


def _sides(mask: NDArray[np.bool_], labels: NDArray[Any]) -> _Sides:
    """Return all straight sides between the mask and what is not of it."""
    padded = np.pad(mask, 1)
    here = padded[1:-1, 1:-1]
    parts = [
        _runs(here & ~padded[:-2, 1:-1], _RIGHT),
        _runs((here & ~padded[1:-1, 2:]).T, _DOWN),
        _runs(here & ~padded[2:, 1:-1], _LEFT),
        _runs((here & ~padded[1:-1, :-2]).T, _UP),
    ]
    rows, columns, directions, pixels = (np.concatenate(part) for part in zip(*parts, strict=True))
    start, end = (rows * (mask.shape[1] + 1) + columns).T
    return _Sides(start, end, directions, labels[pixels[:, 0], pixels[:, 1]])


def _runs(edges: NDArray[np.bool_], direction: int) -> tuple[NDArray[np.intp], ...]:
    """Return runs of pixel edges along rows (of the transposed mask for down and up) as sides.

    Returns
    -------
    Rows and columns of the corners, (n, 2) each: begin and end; direction, (n,); row and column of one pixel, (n, 2).
    """
    steps = np.diff(np.pad(edges.view(np.int8), ((0, 0), (1, 1))), axis=1)
    line, first = np.nonzero(steps == 1)
    last = np.nonzero(steps == -1)[1]  # one beyond
    across = line + (direction in (_DOWN, _LEFT))
    along = np.stack([first, last] if direction in (_RIGHT, _DOWN) else [last, first], axis=1)
    fixed = np.stack([across, across], axis=1)
    transposed = direction in (_DOWN, _UP)
    rows, columns = (along, fixed) if transposed else (fixed, along)
    pixels = np.stack([first, line] if transposed else [line, first], axis=1)
    return rows, columns, np.full(len(line), direction), pixels


def _rings(sides: _Sides) -> Iterator[list[int]]:
    """Yield the numbers of the sides of each ring, in order; one that meets itself in a corner is cut in two there."""
    following, pinched = _following(sides)
    starts = sides.start.tolist()
    seen = bytearray(len(starts))
    for first in range(len(starts)):
        ring: list[int] = []
        met: dict[int, int] = {}
        side = first
        while not seen[side]:
            seen[side] = True
            if pinched[side]:
                yield from _cut(ring, met, starts, starts[side])
                met[starts[side]] = len(ring)
            ring.append(side)
            side = following[side]
        if ring:
            yield ring


def _cut(ring: list[int], met: dict[int, int], starts: list[int], corner: int) -> Iterator[list[int]]:
    """Cut off and yield what lies between two visits of a corner, when this is the second one."""
    if corner in met:
        loop = ring[met[corner] :]
        del ring[met[corner] :]
        for side in loop:
            met.pop(starts[side], None)
        yield loop


def _following(sides: _Sides) -> tuple[list[int], list[bool]]:
    """Return the next side of each, and whether two sides begin at its corner.

    Where two pixels touch in a corner only, the way goes on around the same pixel: a turn to the right.
    """
    keys = sides.start * 4 + sides.direction
    order = np.argsort(keys)
    ordered = keys[order]

    def beginning(turn: int) -> NDArray[np.intp]:
        wanted = sides.end * 4 + (sides.direction + turn) % 4
        place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        return np.where(ordered[place] == wanted, order[place], -1)

    if not len(keys):
        return [], []
    right, left = beginning(1), beginning(3)
    both = (right >= 0) & (left >= 0)
    pinched = np.zeros(len(keys), bool)
    pinched[right[both]] = pinched[left[both]] = True
    return np.where(right >= 0, right, left).tolist(), pinched.tolist()
