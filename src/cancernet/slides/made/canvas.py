"""Endless canvases: what leaves one at an edge comes in at the other, so that copies side by side have no seam.

Lengths are microns; a canvas knows how large its pixels are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "Nucleus", "spread"]

_LOBES = (1, 2, 3, 4)  # of an irregular outline: waves around the nucleus


@dataclass(frozen=True)
class Nucleus:
    """What one nucleus looks like.

    Parameters
    ----------
    length, width
        Long and short diameter.
    angle
        Of the long one against the x axis, in radians.
    irregular
        How far the outline leaves the ellipse, as a share of the radius.
    haematoxylin
        Mean amount of the stain.
    chromatin
        How unevenly it lies, as a share of the mean.
    rim
        How much darker the membrane is, as a share of the mean.
    nucleoli
        How many dark dots it has.
    """

    length: float
    width: float
    angle: float = 0.0
    irregular: float = 0.05
    haematoxylin: float = 1.2
    chromatin: float = 0.15
    rim: float = 0.25
    nucleoli: int = 0


@dataclass(eq=False)
class Canvas:
    """A square of stain.

    Parameters
    ----------
    side
        Pixels of its side.
    mpp
        Microns per pixel.
    rng
        Makes all that is random.

    Attributes
    ----------
    haematoxylin, eosin
        Shape (side, side), float32: amounts as in `cancernet.stain`.
    """

    side: int
    mpp: float
    rng: np.random.Generator
    haematoxylin: NDArray[np.float32] = field(init=False)
    eosin: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with glass."""
        self.haematoxylin = np.zeros((self.side, self.side), dtype=np.float32)
        self.eosin = np.zeros((self.side, self.side), dtype=np.float32)
        self._grain = self.noise(0.7)

    @property
    def extent(self) -> float:
        """Its side in microns."""
        return self.side * self.mpp

    def noise(self, across: float, along: float | None = None) -> NDArray[np.float32]:
        """Return smooth noise of mean 0 and deviation 1; `across` and `along` (x) are the lengths of its waves."""
        from scipy.fft import irfft2, rfft2

        white = rfft2(self.rng.standard_normal((self.side, self.side), dtype=np.float32))
        down, right = np.fft.fftfreq(self.side)[:, None], np.fft.rfftfreq(self.side)
        for waves, length in ((down, across), (right, along or across)):
            white *= np.exp(-0.5 * np.square(2 * np.pi * length / self.mpp * waves)).astype(np.float32)
        white[0, 0] = 0
        smooth: NDArray[np.float32] = irfft2(white, s=(self.side, self.side))
        return smooth / max(float(smooth.std()), 1e-6)

    def stir(self, field: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a field pushed up and down by `shift` (microns)."""
        from scipy.ndimage import map_coordinates

        y, x = np.mgrid[: self.side, : self.side].astype(np.float32)
        stirred: NDArray[np.float32] = map_coordinates(field, (y + shift / self.mpp, x), order=1, mode="grid-wrap")
        return stirred

    def cover(self, share: NDArray[np.float32], *, haematoxylin: float, eosin: float) -> None:
        """Lay stain over what is there; `share` says how much of it covers, 0 to 1."""
        self.haematoxylin += share * (haematoxylin - self.haematoxylin)
        self.eosin += share * (eosin - self.eosin)

    def disc(self, x: float, y: float, *, radii: NDArray[np.float64], haematoxylin: float, eosin: float) -> None:
        """Cover a round shape; `radii` are its radius in directions that are evenly spread."""
        rows, columns, dy, dx = self._window(x, y, float(radii.max()) + 2 * self.mpp)
        angle = np.arctan2(dy, dx) / (2 * np.pi) * len(radii)
        radius = np.interp(angle, np.arange(len(radii) + 1), [*radii, radii[0]], period=len(radii))
        share = np.clip((radius - np.hypot(dx, dy)) / (2 * self.mpp) + 0.5, 0, 1).astype(np.float32)
        for plane, amount in ((self.haematoxylin, haematoxylin), (self.eosin, eosin)):
            plane[rows, columns] += share * (amount - plane[rows, columns])

    def draw(self, x: float, y: float, *, nucleus: Nucleus) -> None:
        """Draw a nucleus with its centre at x, y."""
        rows, columns, dy, dx = self._window(x, y, nucleus.length * (0.5 + nucleus.irregular) + 2 * self.mpp)
        inside = self._inside(dx, dy, nucleus)
        share = np.clip(inside / self.mpp + 0.5, 0, 1).astype(np.float32)
        amount = 1 + nucleus.rim * np.exp(-np.square(inside / 0.6)) - 0.4 * nucleus.rim
        amount += nucleus.chromatin * self._grain[self._somewhere(rows, columns)]
        for _ in range(nucleus.nucleoli):
            at_x, at_y = self.rng.normal(0, nucleus.width / 6, 2)
            amount += 0.6 * np.exp(-(np.square(dx - at_x) + np.square(dy - at_y)) / 0.8)
        dark = nucleus.haematoxylin * np.clip(amount, 0.3, 2).astype(np.float32)
        self.haematoxylin[rows, columns] += share * (dark - self.haematoxylin[rows, columns])
        self.eosin[rows, columns] *= 1 - 0.6 * share

    def _inside(self, dx: NDArray[np.float32], dy: NDArray[np.float32], nucleus: Nucleus) -> NDArray[np.float32]:
        """Return how far each pixel lies within the outline, in microns; below 0 outside."""
        cos, sin = float(np.cos(nucleus.angle)), float(np.sin(nucleus.angle))
        u, v = (dx * cos + dy * sin) * (2 / nucleus.length), (dy * cos - dx * sin) * (2 / nucleus.width)
        theta, edge = np.arctan2(v, u), np.ones_like(u)
        for lobe in _LOBES:
            height, turn = nucleus.irregular * self.rng.normal(0, 0.6), self.rng.uniform(0, 2 * np.pi)
            edge += height * np.cos(lobe * theta + turn)
        inside: NDArray[np.float32] = ((edge - np.hypot(u, v)) * (nucleus.width / 2)).astype(np.float32)
        return inside

    def _window(self, x: float, y: float, radius: float) -> tuple[NDArray[Any], ...]:
        """Return rows and columns around a place, and how far each lies from it in microns (dy, dx)."""
        reach = np.arange(-int(np.ceil(radius / self.mpp)), int(np.ceil(radius / self.mpp)) + 1)
        row, column = round(y / self.mpp), round(x / self.mpp)
        dy, dx = (row + reach) * self.mpp - y, (column + reach) * self.mpp - x
        rows, columns = (row + reach) % self.side, (column + reach) % self.side
        return rows[:, None], columns[None, :], dy[:, None].astype(np.float32), dx[None, :].astype(np.float32)

    def _somewhere(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return a window of the same size elsewhere."""
        down, right = self.rng.integers(0, self.side, 2)
        return (rows + down) % self.side, (columns + right) % self.side


def spread(canvas: Canvas, distance: float, *, jitter: float = 0.3) -> NDArray[np.float64]:
    """Return places about `distance` apart, evenly over a canvas: a triangular grid of which each knot is moved.

    Returns
    -------
    Shape (n, 2): x and y in microns.
    """
    rows = max(2, round(canvas.extent / (distance * np.sqrt(3) / 2) / 2) * 2)  # even, so that the rows go around
    columns = max(1, round(canvas.extent / distance))
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    x = (x + 0.5 * (y % 2)) * canvas.extent / columns
    places = np.stack([x.ravel(), (y * canvas.extent / rows).ravel()], axis=1)
    moved = places + canvas.rng.uniform(-jitter, jitter, places.shape) * distance
    return moved[canvas.rng.permutation(len(moved))] % canvas.extent
