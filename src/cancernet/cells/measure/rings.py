"""Outlines of all things of a label image at once, along the edges of their pixels: no loop over things or pixels.

Every unit edge between a thing and what is not of it knows the edge that follows. The closed chains are put in order by
pointer jumping: each edge looks at the one 1, 2, 4, ... places ahead (Wyllie 1979), so a chain of 1,000 edges takes ten
steps, for all chains together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rings", "ring_ends", "rings_of"]

Ints = NDArray[np.intp]
_NOWHERE = -1
_TURNS = (1, 0, 3)  # right, straight on, left: pixels of a thing that touch in a corner only are two pieces


@dataclass(frozen=True, eq=False)
class Rings:
    """Closed outlines, one after the other.

    Parameters
    ----------
    points
        Shape (n, 2), float64: x, y of the middles of unit edges in pixels; the corner of the image is (0, 0).
    first
        Shape (rings,): where each ring begins in `points`.
    label
        Shape (rings,): the thing that it belongs to.
    area
        Shape (rings,): pixels that it encloses, below zero for a ring around a hole.
    """

    points: NDArray[np.float64]
    first: Ints
    label: Ints
    area: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of rings."""
        return len(self.first)

    def take(self, rings: Ints) -> Rings:
        """Return some of the rings, in that order."""
        lengths = (ring_ends(self.first, len(self.points)) - self.first)[rings]
        first = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(self.first[rings] - first, lengths)
        return Rings(self.points[places], first, self.label[rings], self.area[rings])


@dataclass(frozen=True, eq=False)
class _Edges:
    """Unit edges with their thing to the right: the corners they join (row times width + 1, plus column), direction."""

    start: Ints
    end: Ints
    direction: Ints
    label: Ints
    width: int

    @property
    def middles(self) -> NDArray[np.float64]:
        """Return x, y of each middle, (n, 2)."""
        begin, end = (np.stack(np.divmod(corner, self.width + 1)[::-1], axis=1) for corner in (self.start, self.end))
        middles: NDArray[np.float64] = (begin + end) / 2
        return middles


def rings_of(labels: NDArray[np.integer[Any]]) -> Rings:
    """Return the rings of all things of an image, (h, w) integers, 0 background; a thing's rings are not sorted."""
    edges = _edges(labels)
    following = _following(edges)
    ring, behind = _order(following)
    order = np.lexsort((-behind, ring))
    first = np.flatnonzero(np.diff(ring[order], prepend=_NOWHERE))
    middles = edges.middles
    x, y = middles.T
    doubled = x * y[following] - x[following] * y
    corners = _corner_areas(edges, following)
    area = np.add.reduceat((doubled / 2 + corners)[order], first) if len(first) else np.empty(0)
    return Rings(middles[order], first, edges.label[order][first], np.rint(area))


def ring_ends(first: Ints, points: int) -> Ints:
    """Return where each ring ends, one beyond its last point."""
    return np.append(first[1:], points)[: len(first)]


def _edges(labels: NDArray[np.integer[Any]]) -> _Edges:
    """Return all edges: above a pixel to the right, right of it down, below it to the left, left of it up."""
    padded = np.pad(np.asarray(labels), 1)
    here, width = padded[1:-1, 1:-1], labels.shape[1] + 1
    sides = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    corners = np.array([0, 1, width + 1, width])  # of a pixel with the clock, seen from its upper left one
    found = []
    for direction, beside in enumerate(sides):
        row, column = np.nonzero((here != beside) & (here > 0))
        corner = row * width + column
        ends = corner + corners[direction], corner + corners[(direction + 1) % 4]
        found.append((*ends, np.full(len(row), direction), here[row, column].astype(np.intp)))
    start, end, directions, label = (np.concatenate(part) for part in zip(*found, strict=True))
    return _Edges(start, end, directions, label, labels.shape[1])


def _following(edges: _Edges) -> Ints:
    """Return the number of the edge of the same thing that follows each one."""
    keys = edges.start * 4 + edges.direction
    order = np.argsort(keys)
    ordered, following = keys[order], np.full(len(keys), _NOWHERE)
    for turn in _TURNS:
        open_ends = np.flatnonzero(following == _NOWHERE)
        wanted = edges.end[open_ends] * 4 + (edges.direction[open_ends] + turn) % 4
        place = np.minimum(np.searchsorted(ordered, wanted), max(len(keys) - 1, 0))
        candidate = order[place]
        fits = (ordered[place] == wanted) & (edges.label[candidate] == edges.label[open_ends])
        following[open_ends[fits]] = candidate[fits]
    return following


def _order(following: Ints) -> tuple[Ints, Ints]:
    """Return the ring of each edge, named by its lowest edge, and how many edges of the ring come behind it."""
    ring, ahead = np.arange(len(following)), following
    while True:
        lower = np.minimum(ring, ring[ahead])
        if np.array_equal(lower, ring):  # the lowest of any window is that of one twice as long: of the whole ring
            break
        ring, ahead = lower, ahead[ahead]
    last = following == ring
    ahead, behind = np.where(last, np.arange(len(following)), following), (~last).astype(np.intp)
    while (more := behind[ahead]).any():
        behind, ahead = behind + more, ahead[ahead]
    return ring, behind


def _corner_areas(edges: _Edges, following: Ints) -> NDArray[np.float64]:
    """Return what the line through the middles cuts off at each corner (1/8 of a pixel), added at a turn to the left.

    So the sum is the number of pixels, which the polygon of the middles has not.
    """
    turn = (edges.direction[following] - edges.direction) % 4
    areas: NDArray[np.float64] = np.where(turn == 1, 1 / 8, np.where(turn == 3, -1 / 8, 0.0))
    return areas
