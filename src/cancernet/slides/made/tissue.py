"""Made tissue: the pixels of any block of a slide, which depend on the seed and on the place alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.made.colours import colour_table, to_rgb
from cancernet.slides.made.library import PERIOD, PIECE, Texture, library_at
from cancernet.slides.made.masks import Mask, draw_mask
from cancernet.slides.made.outlines import Outlines
from cancernet.slides.made.paint import FULL, Knots, as_share, blend, draw_out

__all__ = ["Tissue"]

_FAR = 1 << 20  # added to numbers of stamps, which may be negative
_LONGEST, _MOST_WANDER = 1.5, 1.5
_LARGEST_OBJECT = 100.0  # microns


@dataclass(frozen=True)
class _Layer:
    """Round patches of a texture, one for each cell of a grid, or none. Lengths in microns."""

    textures: tuple[str, ...]
    pitch: float
    radius: tuple[float, float]
    chance: float
    soft: float  # width of the edge
    uneven: float  # how far the edge wanders, as a share of the radius
    in_tumour: bool = False


_LAYERS = (
    _Layer(("stroma", "stroma turned"), 380, (190, 330), 0.9, 60, 0.2),
    _Layer(("fat",), 1500, (250, 900), 0.45, 1, 0.35),
    _Layer(("lobule",), 1100, (140, 360), 0.7, 1, 0.3),
    _Layer(("lymphocytes",), 1300, (40, 130), 0.6, 40, 0.3),
    _Layer(("tumour", "tumour turned"), 420, (190, 330), 0.9, 25, 0.2, in_tumour=True),
)
_TISSUE_EDGE, _TUMOUR_EDGE = (3.0, 4.0), (10.0, 8.0)  # softness and unevenness of the outlines


@dataclass(frozen=True)
class _Stamp:
    """One patch: its middle and radius in pixels, and the part of the texture that it shows."""

    x: float
    y: float
    radius: float
    texture: str
    shift: tuple[int, int]
    direction: tuple[np.float32, np.float32]  # cosine and sine of its long axis
    long: float  # how far it is drawn out
    reach: float  # from its middle, in pixels; nothing of it lies farther


class Tissue:
    """Stroma, fat, lobules, lymphocytes and tumours inside outlines, on glass.

    Parameters
    ----------
    outlines
        In base-level pixels.
    size
        Width and height.
    mpp
        Microns per pixel.
    seed
        0 or larger.
    """

    def __init__(self, outlines: Outlines, size: tuple[int, int], *, mpp: float, seed: int) -> None:
        self._library = library_at(mpp)
        self._seed = seed
        self._tissue = draw_mask(outlines.tissue, size, step=self._library.step)
        self._tumour = draw_mask(outlines.tumour, size, step=self._library.step)
        rng = np.random.default_rng([seed, 2])
        self._table = colour_table(rng)
        self._shifts = rng.integers(0, PERIOD, (4, 2))
        self._fat = rng.uniform(0.3, 1.6)  # slides differ in how fatty they are
        self._stamp = lru_cache(maxsize=4096)(self._new_stamp)

    def block(self, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return the pixels of a block, shape (height, width, 3), uint8; any thread may call it."""
        pixels = np.empty((height, width, 3), dtype=np.uint8)
        rows, columns = PIECE
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                piece = pixels[top : top + rows, left : left + columns]
                piece[...] = self._piece(x + left, y + top, piece.shape[1], piece.shape[0])
        return pixels

    def _piece(self, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return a block that is no larger than a texture gives at once."""
        knots = Knots(x, y, width, height, self._library.step)
        inside = self._edge(self._tissue, knots, _TISSUE_EDGE)
        if not inside.any():
            planes = [np.zeros((height, width), dtype=np.uint8) for _ in range(2)]
        else:
            planes = self._stained(knots)
            thickness = self._thickness(knots, inside)
            for plane in planes:
                plane[...] = (plane * thickness) >> 8
        self._add_grain(planes, knots)
        return to_rgb(planes[0], planes[1], table=self._table)

    def _stained(self, knots: Knots) -> list[NDArray[np.uint8]]:
        """Return the two planes as if all was tissue."""
        planes = [self._texture("stroma").cut(plane, *_window(knots, self._shifts[0])).copy() for plane in range(2)]
        tumour = self._edge(self._tumour, knots, _TUMOUR_EDGE)
        for number, layer in enumerate(_LAYERS):
            if layer.in_tumour:
                break
            self._lay_stamps(planes, knots, number)
        if tumour.any():
            _lay(planes, self._texture("tumour"), knots, tumour, shift=self._shifts[1])
            self._lay_stamps(planes, knots, len(_LAYERS) - 1, within=tumour)
        return planes

    def _lay_stamps(
        self, planes: list[NDArray[np.uint8]], knots: Knots, number: int, *, within: NDArray[np.uint16] | None = None
    ) -> None:
        """Lay all patches of a layer that reach into the block."""
        for stamp in self._stamps(knots, number):
            texture = self._texture(stamp.texture)
            share = self._share(stamp, texture, knots, _LAYERS[number])
            share = share if within is None else np.minimum(share, within)
            _lay(planes, texture, knots, share, shift=stamp.shift)

    def _share(self, stamp: _Stamp, texture: Texture, knots: Knots, layer: _Layer) -> NDArray[np.uint16]:
        """Return how much of each knot a patch covers; where a texture has round objects, they are in or out."""
        y, x = (each.astype(np.float32) * knots.step for each in np.ix_(knots.rows, knots.columns))
        if texture.to_centre is not None:
            down, right = (each // knots.step for each in stamp.shift)
            y, x = (axis + knots.of(way, (down, right)) for axis, way in zip((y, x), texture.to_centre, strict=True))
        wander = self._wander(x, y)
        x, y = x - np.float32(stamp.x), y - np.float32(stamp.y)
        (cos, sin), long = stamp.direction, np.float32(stamp.long)
        away = np.sqrt(np.square((x * cos + y * sin) / long) + np.square((y * cos - x * sin) * long))
        radius = np.float32(stamp.radius) * (1 + np.float32(layer.uneven) * wander)
        soft = np.float32(layer.soft / self._library.mpp)
        return as_share((radius - away) / soft)

    def _edge(self, mask: Mask, knots: Knots, edge: tuple[float, float]) -> NDArray[np.uint16]:
        """Return how much of each knot lies inside outlines, whose lines are soft and uneven."""
        soft, uneven = (np.float32(each / self._library.mpp) for each in edge)
        wander = np.clip(knots.of(self._library.fine, self._shifts[2]), -2, 2)
        return as_share((mask.inside(knots) + uneven * wander) / soft)

    def _wander(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return noise around 0, at places in pixels: by it the edges of patches wander."""
        field, step = self._library.broad, self._library.step
        row, column = (np.floor(each / step).astype(np.int64) % len(field) for each in (y, x))
        return np.clip(0.7 * field[row, column] + 0.3 * self._library.fine[row, column], -_MOST_WANDER, _MOST_WANDER)

    def _thickness(self, knots: Knots, inside: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Return by how much stain is multiplied, in 256th: tissue is not equally thick, and glass holds none."""
        broad = knots.of(self._library.broad, self._shifts[3])
        shares = np.clip(228 + 14 * broad, 180, FULL).astype(np.uint16)
        return draw_out((inside.astype(np.uint32) * shares >> 8).astype(np.uint16), knots)

    def _add_grain(self, planes: list[NDArray[np.uint8]], knots: Knots) -> None:
        """Add the noise of a camera."""
        for number, (plane, shift) in enumerate(zip(planes, self._shifts[:2], strict=True)):
            plane += self._library.textures["grain"].cut(number, *_window(knots, shift))

    def _texture(self, name: str) -> Texture:
        """Return a texture by its name."""
        return self._library.textures[name]

    def _stamps(self, knots: Knots, number: int) -> Iterator[_Stamp]:
        """Yield the patches of a layer that may reach into a block, in the same order for every block."""
        layer, mpp = _LAYERS[number], self._library.mpp
        pitch, reach = layer.pitch / mpp, _reach(layer, layer.radius[1]) / mpp
        for row in range(int((knots.y - reach) // pitch), int((knots.y + knots.height + reach) // pitch) + 1):
            for column in range(int((knots.x - reach) // pitch), int((knots.x + knots.width + reach) // pitch) + 1):
                stamp = self._stamp(number, row, column)
                if stamp is not None and _away(stamp, knots) < stamp.reach:
                    yield stamp

    def _new_stamp(self, number: int, row: int, column: int) -> _Stamp | None:
        """Return the patch of one cell of the grid of a layer, or None."""
        layer, mpp = _LAYERS[number], self._library.mpp
        rng = np.random.default_rng([self._seed, 3 + number, row + _FAR, column + _FAR])
        if rng.random() > layer.chance * (self._fat if layer.textures == ("fat",) else 1.0):
            return None
        x, y = (np.array([column, row]) + rng.uniform(0.1, 0.9, 2)) * layer.pitch / mpp
        down, right = rng.integers(0, PERIOD // self._library.step, 2) * self._library.step
        radius = rng.uniform(*layer.radius)
        turn, long = rng.uniform(0, np.pi), rng.uniform(1, _LONGEST)
        return _Stamp(
            x=float(x),
            y=float(y),
            radius=float(radius / mpp),
            texture=str(rng.choice(layer.textures)),
            shift=(int(down), int(right)),
            direction=(np.float32(np.cos(turn)), np.float32(np.sin(turn))),
            long=float(long),
            reach=_reach(layer, radius) / mpp,
        )


def _reach(layer: _Layer, radius: float) -> float:
    """Return how far from its middle a patch of this radius may reach, in microns, with whole objects at its edge."""
    return _LONGEST * (radius * (1 + _MOST_WANDER * layer.uneven) + layer.soft) + _LARGEST_OBJECT


def _away(stamp: _Stamp, knots: Knots) -> float:
    """Return how far the middle of a patch lies from a block, in pixels."""
    beside = max(knots.x - stamp.x, stamp.x - knots.x - knots.width, 0.0)
    return float(np.hypot(beside, max(knots.y - stamp.y, stamp.y - knots.y - knots.height, 0.0)))


def _window(knots: Knots, shift: NDArray[np.int64] | tuple[int, int]) -> tuple[slice, slice]:
    """Return rows and columns of a texture that is moved by `shift` pixels (y, x)."""
    top, left = knots.y + int(shift[0]), knots.x + int(shift[1])
    return slice(top, top + knots.height), slice(left, left + knots.width)


def _lay(
    planes: list[NDArray[np.uint8]],
    texture: Texture,
    knots: Knots,
    shares: NDArray[np.uint16],
    *,
    shift: NDArray[np.int64] | tuple[int, int],
) -> None:
    """Lay a texture over the planes where its share is above zero."""
    part = knots.around(shares)
    if part is None:
        return
    share = draw_out(part.taken(shares, knots), part)
    rows, columns = (
        slice(a - b, a - b + c) for a, b, c in ((part.y, knots.y, part.height), (part.x, knots.x, part.width))
    )
    window = _window(part, shift)
    for number, plane in enumerate(planes):
        blend(plane[rows, columns], texture.cut(number, *window), share=share)
