"""Where the tissue of a made slide lies, and where its tumours: polygons in base-level pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from shapely import Polygon

__all__ = ["Outlines", "check_slide", "draw_outlines"]

_SMALLEST = 64  # pixels of a side
_FEWEST_UM, _GAP_UM = 250.0, 150.0  # the smallest tumour that is drawn unasked, and what lies between two
_TRIES = 300
_FRAGMENT_UM2 = 25e6  # slides below this area hold one piece of tissue


@dataclass(frozen=True)
class Outlines:
    """What is known about a made slide.

    Parameters
    ----------
    tissue, tumour
        Valid polygons, in base-level pixels; pieces of tissue may have holes, and tumours lie in tissue.
    """

    tissue: tuple[Polygon, ...]
    tumour: tuple[Polygon, ...] = ()


def draw_outlines(
    size: tuple[int, int],
    *,
    mpp: float,
    seed: int,
    foci: int = 1,
    diameters_mm: Sequence[float] = (),
) -> Outlines:
    """Return irregular pieces of tissue with tumours in them; the same for the same seed.

    Parameters
    ----------
    size
        Width and height in pixels.
    mpp
        Microns per pixel.
    seed
        0 or larger.
    foci
        How many tumours.
    diameters_mm
        Of circles of the same area, used in turn; empty: between a quarter of a millimetre and a third of the slide.

    Raises
    ------
    InvalidInput
        When a number cannot be, the slide is smaller than 64 pixels, or the tumours do not fit into the tissue.
    """
    check_slide(size, mpp)
    _check(foci, diameters_mm, seed)
    rng = np.random.default_rng([seed, 1])
    extent = np.array(size, dtype=np.float64) * mpp
    tissue = _pieces(extent, rng)
    tumour: list[Polygon] = []
    asked = np.resize(np.array(diameters_mm, dtype=np.float64) * 1000, foci) if len(diameters_mm) else None
    for number in range(foci):
        diameter = None if asked is None else float(asked[number])
        tumour.append(_focus(tissue, tumour, diameter, extent=extent, rng=rng))
    return Outlines(*(tuple(_in_pixels(each, mpp) for each in polygons) for polygons in (tissue, tumour)))


def check_slide(size: tuple[int, int], mpp: float) -> None:
    """Raise `InvalidInput` when no slide can have the size in pixels or the microns per pixel."""
    if min(size) < _SMALLEST:
        raise InvalidInput(f"A slide of {size[0]}x{size[1]} pixels", f"Expected {_SMALLEST} at least", "Make it larger")
    if not (np.isfinite(mpp) and mpp > 0):
        raise InvalidInput(f"mpp = {mpp}", "Expected microns per pixel, above 0", "0.25 and 0.5 are those of scanners")


def _check(foci: int, diameters_mm: Sequence[float], seed: int) -> None:
    """Raise when a number cannot be."""
    if foci < 0:
        raise InvalidInput(f"foci = {foci}", "Expected 0 or more tumours", "Say foci = 3, for example")
    if seed < 0:
        raise InvalidInput(f"seed = {seed}", "Expected 0 or more", "Say seed = 7, for example")
    if not all(np.isfinite(each) and each > 0 for each in diameters_mm):
        raise InvalidInput(
            f"Diameters of tumours {list(diameters_mm)}", "Expected millimetres, above 0", "Say 0.5, 2 for example"
        )


def _pieces(extent: NDArray[np.float64], rng: np.random.Generator) -> list[Polygon]:
    """Return pieces of tissue side by side, in microns."""
    count = 1 if extent.prod() < _FRAGMENT_UM2 else int(rng.integers(1, 4))
    longer = int(np.argmax(extent))
    room = extent.copy()
    room[longer] /= count
    pieces = []
    for number in range(count):
        centre = room / 2
        centre[longer] += number * room[longer]
        pieces += _piece(centre, room, rng)
    return pieces


def _piece(centre: NDArray[np.float64], room: NDArray[np.float64], rng: np.random.Generator) -> list[Polygon]:
    """Return one piece of tissue that fits into the room around a centre, with holes at times."""
    shape = _blob(rng, waves=0.16, roughness=1.25, points=360)
    low, high = np.min(shape, axis=0), np.max(shape, axis=0)
    placed = centre + (shape - (low + high) / 2) / (high - low) * room * rng.uniform(0.78, 0.9, 2)
    piece = _valid(placed)[0]
    for _ in range(int(rng.integers(0, 3))):
        radius = room.min() * rng.uniform(0.015, 0.05)
        at = centre + rng.uniform(-0.25, 0.25, 2) * room
        hole = _valid(at + radius * _blob(rng, waves=0.15, roughness=1.5, points=60))[0]
        if piece.buffer(-radius).contains(hole):
            piece = piece.difference(hole)
    return [piece]


def _blob(rng: np.random.Generator, *, waves: float, roughness: float, points: int) -> NDArray[np.float64]:
    """Return an irregular round shape of about radius 1, (points, 2).

    Its radius is a sum of waves around the circle, each weaker than the one before by `roughness` in the exponent.
    """
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = np.ones(points)
    for k in range(2, points // 6):
        radius += waves * rng.normal() / (k - 1) ** roughness * np.cos(k * turn + rng.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.25)
    shape: NDArray[np.float64] = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    return shape


def _focus(
    tissue: Sequence[Polygon],
    others: Sequence[Polygon],
    diameter: float | None,
    *,
    extent: NDArray[np.float64],
    rng: np.random.Generator,
) -> Polygon:
    """Return a tumour in the tissue, away from others, in microns; one of no given size shrinks until it fits."""
    from shapely import prepare, unary_union

    free = unary_union(list(tissue)).buffer(-float(extent.min()) * 0.01)
    free = free.difference(unary_union([each.buffer(min(_GAP_UM, extent.min() * 0.05)) for each in others]))
    prepare(free)
    smallest, largest = min(_FEWEST_UM, extent.min() * 0.15), max(extent.min() * 0.33, 1)
    wanted = diameter if diameter is not None else float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    for attempt in range(_TRIES):
        scale = 1.0 if diameter is not None else 0.99**attempt
        found = _placed(free, wanted * scale, rng)
        if found is not None:
            return found
    wish = f"of {diameter / 1000:g} mm " if diameter is not None else ""
    raise InvalidInput(
        f"Tumour {len(others) + 1} {wish}does not fit into the tissue of {extent[0] / 1000:.3g} x "
        f"{extent[1] / 1000:.3g} mm",
        "Expected room for all of them",
        "Ask for fewer or smaller ones, or for a larger slide",
    )


def _placed(free: Any, diameter: float, rng: np.random.Generator) -> Polygon | None:
    """Return a tumour of an area at a random place, or None when it would leave the free room."""
    shape = _valid(_blob(rng, waves=0.17, roughness=1.1, points=180))[0]
    radius = diameter / 2 / np.sqrt(shape.area / np.pi)
    low_x, low_y, high_x, high_y = free.bounds if not free.is_empty else (0, 0, 0, 0)
    at = rng.uniform((low_x, low_y), (high_x, high_y))
    placed = _valid(np.array(shape.exterior.coords) * radius + at)[0]
    return placed if free.contains(placed) else None


def _valid(points: NDArray[np.float64]) -> list[Polygon]:
    """Return the valid polygons of a closed line, the largest first."""
    from shapely import Polygon, make_valid

    parts = getattr(shape := make_valid(Polygon(points)), "geoms", [shape])
    return sorted((each for each in parts if each.geom_type == "Polygon"), key=lambda each: -each.area)


def _in_pixels(polygon: Polygon, mpp: float) -> Polygon:
    """Return a polygon in pixels, to a hundredth."""
    from shapely import set_precision
    from shapely.affinity import scale

    scaled: Polygon = scale(polygon, 1 / mpp, 1 / mpp, origin=(0, 0))
    rounded = set_precision(scaled, 0.01)
    return max(getattr(rounded, "geoms", [rounded]), key=lambda each: each.area)
