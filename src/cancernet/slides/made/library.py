"""The textures of a resolution, drawn once per process and laid ready for blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.made.canvas import Canvas
from cancernet.slides.made.colours import as_bytes
from cancernet.slides.made.textures import TEXTURES, draw_texture

__all__ = ["PERIOD", "PIECE", "Library", "Texture", "library_at"]

PERIOD = 1024  # pixels after which a texture repeats
PIECE = (256, 1024)  # rows and columns of the largest block that a texture gives at once
_COARSEST_DRAWN = 0.7  # microns per pixel
_STEP_UM = 4.0  # of the coarse grid on which shapes are computed
_FIELD = 512  # knots of the noise that makes shapes uneven
_SEED = 20_140_501  # of the textures: slides differ in where they lie, not in how they are drawn
_GRAIN = 5  # values of each of two dice; their sum stays below what `as_bytes` leaves free
_DIRECTED = ("stroma", "tumour")  # have fibres, and are kept lying and standing


@dataclass(frozen=True, eq=False)
class Texture:
    """Two planes of stain that repeat.

    Parameters
    ----------
    planes
        Haematoxylin and eosin, shape (PERIOD + piece rows, PERIOD + piece columns), uint8 as of `as_bytes`.
    to_centre
        How far down and right, in pixels, the centre of the nearest round object lies from each knot of the coarse
        grid: two fields of shape (PERIOD / step, PERIOD / step), float32; None where there are no objects.
    """

    planes: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    to_centre: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def cut(self, plane: int, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return a part of a plane that begins anywhere, at most a piece large."""
        top, left = rows.start % PERIOD, columns.start % PERIOD
        return self.planes[plane][top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]


@dataclass(frozen=True, eq=False)
class Library:
    """All that slides of one resolution share.

    Parameters
    ----------
    textures
        By name; those with fibres also turned, as "stroma turned"; and "grain", the noise of a camera.
    step
        Pixels between the knots of the coarse grid, a power of two.
    mpp
        Microns per pixel.
    fine, broad
        Noise on the coarse grid, shape (512, 512), float32, of mean 0 and deviation 1; it repeats. Waves of some cells,
        and of many.
    """

    textures: dict[str, Texture]
    step: int
    mpp: float
    fine: NDArray[np.float32]
    broad: NDArray[np.float32]


@lru_cache(maxsize=2)
def library_at(mpp: float) -> Library:
    """Return the textures at a resolution."""
    step = 2 ** int(np.clip(round(log2(_STEP_UM / mpp)), 0, 3))  # 16 would not fit the whole numbers of draw_out
    textures = {}
    for number, name in enumerate(TEXTURES):
        haematoxylin, eosin, centres = _drawn(name, mpp, np.random.default_rng([_SEED, number]))
        textures[name] = _texture(haematoxylin, eosin, _to_centres(centres, mpp, step))
        if name in _DIRECTED:
            textures[f"{name} turned"] = _texture(haematoxylin.T, eosin.T, None)
    textures["grain"] = _grain(np.random.default_rng([_SEED, 99]))
    coarse = Canvas(_FIELD, mpp * step, np.random.default_rng([_SEED, 100]))
    return Library(textures, step, mpp, coarse.noise(18), coarse.noise(130))


def _drawn(
    name: str, mpp: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64] | None]:
    """Return both planes and the centres of objects in microns.

    Pixels larger than 0.7 microns are means of smaller ones, so that no texture holds more nuclei than can be drawn in
    a second; it then repeats within the period.
    """
    times = 2 ** max(0, ceil(log2(mpp / _COARSEST_DRAWN)))
    canvas = Canvas(PERIOD, mpp / times, rng)
    centres = draw_texture(name, canvas)
    planes = [
        as_bytes(_reduced(each + 0.012 * canvas.noise(0.3), times)) for each in (canvas.haematoxylin, canvas.eosin)
    ]
    if centres is not None and times > 1:
        extent = canvas.extent
        shifts = np.stack(np.meshgrid(np.arange(times), np.arange(times)), axis=-1).reshape(-1, 1, 2) * extent
        centres = (centres[None] + shifts).reshape(-1, 2)
    return planes[0], planes[1], centres


def _reduced(plane: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    """Return the means of blocks of `times` by `times` pixels, repeated to the size of the plane."""
    side = len(plane) // times
    small = plane.reshape(side, times, side, times).mean(axis=(1, 3))
    repeated: NDArray[np.float32] = np.tile(small, (times, times))
    return repeated


def _texture(
    haematoxylin: NDArray[np.uint8],
    eosin: NDArray[np.uint8],
    to_centre: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
) -> Texture:
    """Return a texture with its beginning repeated at its end."""
    around = [(0, PIECE[0]), (0, PIECE[1])]
    return Texture((np.pad(haematoxylin, around, mode="wrap"), np.pad(eosin, around, mode="wrap")), to_centre)


def _grain(rng: np.random.Generator) -> Texture:
    """Return the noise of a camera: bytes that are added to those of stain."""
    haematoxylin, eosin = rng.integers(0, _GRAIN, (2, 2, PERIOD, PERIOD), dtype=np.uint8).sum(axis=1, dtype=np.uint8)
    return _texture(haematoxylin, eosin, None)


def _to_centres(
    centres: NDArray[np.float64] | None, mpp: float, step: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return the way from each knot to the nearest centre, in pixels."""
    from scipy.spatial import cKDTree

    if centres is None:
        return None
    places = centres[:, ::-1] / mpp % PERIOD  # y, x
    knots = np.moveaxis(np.mgrid[:PERIOD:step, :PERIOD:step], 0, -1).astype(np.float64)
    nearest = cKDTree(places, boxsize=PERIOD).query(knots)[1]
    way = (places[nearest] - knots + PERIOD / 2) % PERIOD - PERIOD / 2
    return way[..., 0].astype(np.float32), way[..., 1].astype(np.float32)
