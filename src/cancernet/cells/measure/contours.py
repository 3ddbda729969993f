"""Contours of nuclei: as many points for each, at equal distances, finer than a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure.rings import Rings, ring_ends

__all__ = ["POINTS", "Contours", "contours_of", "enclosed", "lengths", "spaced"]

POINTS = 128
"""Points of a contour: part of the definition of smoothness and concavity, which are sums over them."""

_BLUR_UM = 0.35  # of the line along itself: takes away the stairs of pixels of 0.25 microns
_LEAST_BLUR_PX = 1.0  # coarser pixels have coarser stairs

Points = NDArray[np.float64]  # (n, POINTS, 2): x, y
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contours:
    """Contours of nuclei.

    Parameters
    ----------
    points
        Shape (n, POINTS, 2), float64: x, y in microns from the corner of the image; with the clock as seen.
    label
        Shape (n,): the nucleus of each.
    """

    points: Points
    label: NDArray[np.intp]


def contours_of(rings: Rings, *, mpp: float) -> Contours:
    """Return the contour of each ring, in microns.

    The line through the middles of the edges of pixels is blurred along itself by a Gaussian of 0.35 microns (1 pixel
    where pixels are coarser), cut anew at equal distances, and scaled to the area that the pixels have: a blur alone
    would shrink a nucleus. The perimeter of a disc of 4 to 30 pixels radius is found within 0.3 %.

    Parameters
    ----------
    rings
        One around each nucleus.
    mpp
        Microns per pixel.
    """
    if not len(rings):
        return Contours(np.empty((0, POINTS, 2)), rings.label)
    line, length = _cut(rings.points, rings.first)
    blurred = _blurred(line, length, max(_BLUR_UM / mpp, _LEAST_BLUR_PX))
    points = spaced(blurred)
    centre = points.mean(axis=1, keepdims=True)
    scale = np.sqrt(rings.area / np.maximum(enclosed(points), np.finfo(float).tiny))
    return Contours((centre + (points - centre) * scale[:, None, None]) * mpp, rings.label)


def spaced(points: Points) -> Points:
    """Return contours cut anew into as many points at equal distances, from the same first one."""
    count, number = points.shape[:2]
    return _cut(points.reshape(-1, 2), np.arange(count) * number, number)[0]


def lengths(points: Points) -> Floats:
    """Return the perimeter of each contour, (n,)."""
    steps = np.roll(points, -1, axis=1) - points
    perimeter: Floats = np.hypot(steps[..., 0], steps[..., 1]).sum(axis=1)
    return perimeter


def enclosed(points: Points) -> Floats:
    """Return the area inside each contour, (n,), above zero when it goes with the clock as seen."""
    x, y = points[..., 0], points[..., 1]
    area: Floats = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1) / 2
    return area


def _cut(points: Floats, first: NDArray[np.intp], number: int = POINTS) -> tuple[Points, Floats]:
    """Return rings, one after the other in (m, 2), as (n, number, 2) points at equal distances, and their lengths.

    All rings lie on one axis of distances, with a gap between them, so that one interpolation cuts them all.
    """
    ends = ring_ends(first, len(points))
    closed = points[np.insert(np.arange(len(points)), ends, first)]  # each ring ends in its first point
    begin = first + np.arange(len(first))
    end = begin + ends - first
    steps = np.append(np.hypot(*np.diff(closed, axis=0).T), 0.0)
    steps[end] = 1.0  # the gap
    along = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    length = along[end] - along[begin]
    places = along[begin][:, None] + length[:, None] * np.arange(number) / number
    return np.stack([np.interp(places, along, axis) for axis in closed.T], axis=-1), length


def _blurred(line: Points, length: Floats, blur: float) -> Points:
    """Return closed lines blurred along themselves, by a product in the frequencies of Fourier."""
    frequency = np.fft.fftfreq(line.shape[1], 1 / line.shape[1])
    kept = np.exp(-2 * (np.pi * frequency * (blur / length)[:, None]) ** 2)
    spectrum = np.fft.fft(line[..., 0] + 1j * line[..., 1], axis=1)
    found = np.fft.ifft(spectrum * kept, axis=1)
    return np.stack([found.real, found.imag], axis=-1)
