"""Textures of tissue, drawn once: stroma, fat, lobules, lymphocytes, tumour. Sizes are those of breast, in microns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.made.canvas import Canvas, Nucleus, spread

__all__ = ["FAT_SPACING", "LOBULE_SPACING", "TEXTURES", "draw_texture"]

FAT_SPACING, LOBULE_SPACING = 58.0, 60.0  # microns between the centres of fat cells, and of acini
TEXTURES = ("stroma", "fat", "lobule", "lymphocytes", "tumour")


def draw_texture(name: str, canvas: Canvas) -> NDArray[np.float64] | None:
    """Draw one of `TEXTURES`; return the centres of its round objects (n, 2) in microns, when it has some."""
    return {"stroma": _stroma, "fat": _fat, "lobule": _lobule, "lymphocytes": _lymphocytes, "tumour": _tumour}[name](
        canvas
    )


def _stroma(canvas: Canvas) -> None:
    """Draw wavy bundles of collagen with slits between them, and thin nuclei along the fibres."""
    bend = _fibres(canvas, eosin=0.6, slits=2.2)
    _spindles(canvas, bend, distance=34)


def _fibres(canvas: Canvas, *, eosin: float, slits: float) -> NDArray[np.float32]:
    """Draw fibres; return how far each place was pushed up, in microns. Few slits where the number is large."""
    bend = 15 * canvas.noise(40) + 3.5 * canvas.noise(11)
    fine, bundles = canvas.stir(canvas.noise(0.6, 9), bend), canvas.stir(canvas.noise(3.2, 32), bend)
    broad, grain = canvas.noise(30), canvas.noise(0.7)
    uneven = 0.10 * fine * (1 + 0.4 * canvas.noise(9)) + 0.05 * grain
    canvas.eosin = np.clip(eosin + uneven + 0.12 * bundles + 0.08 * broad, 0.08, 1.4).astype(np.float32)
    canvas.haematoxylin = np.clip(0.10 + 0.03 * fine + 0.03 * grain, 0.0, 0.3).astype(np.float32)
    gap = np.clip((0.5 * fine + bundles - 0.6 * broad + -slits - 0.3) * 1.6, 0, 1).astype(np.float32)
    canvas.cover(gap, haematoxylin=0.01, eosin=0.03)
    return bend


def _spindles(canvas: Canvas, bend: NDArray[np.float32], *, distance: float) -> None:
    """Draw the nuclei of fibroblasts along the fibres."""
    slope = -np.gradient(bend, canvas.mpp, axis=1)
    for x, y in spread(canvas, distance, jitter=0.45):
        row, column = (int(each / canvas.mpp) % canvas.side for each in (y, x))
        look = Nucleus(
            length=canvas.rng.uniform(9, 17),
            width=canvas.rng.uniform(2.4, 4.2),
            angle=float(np.arctan(slope[row, column])) + canvas.rng.normal(0, 0.12),
            haematoxylin=canvas.rng.uniform(0.85, 1.35),
        )
        canvas.draw(x, y, nucleus=look)


def _fat(canvas: Canvas) -> NDArray[np.float64]:
    """Draw empty fat cells with thin walls, and a flat nucleus in some walls."""
    from scipy.ndimage import zoom
    from scipy.spatial import cKDTree

    centres = spread(canvas, FAT_SPACING, jitter=0.28)
    half = canvas.side // 2
    grid = np.stack(np.meshgrid(*[(np.arange(half) + 0.5) * canvas.extent / half] * 2), axis=-1)
    (near, next_), (mine, other) = (
        np.moveaxis(each, -1, 0) for each in cKDTree(centres, boxsize=canvas.extent).query(grid, k=2)
    )
    wall = 1 - np.clip((next_ - near) / 2 - 0.5, 0, 1.4) / 1.4
    full = zoom(wall.astype(np.float32), canvas.side / half, order=1, mode="grid-wrap", grid_mode=True)
    canvas.cover(np.clip(full * (1 + 0.2 * canvas.noise(2)), 0, 1), haematoxylin=0.12, eosin=0.55)
    at_wall = np.argwhere((next_ - near < 1.2) & (near < FAT_SPACING * 0.75))
    for row, column in canvas.rng.permutation(at_wall)[: len(centres) // 3]:
        _flat_nucleus(canvas, grid[row, column], centres[mine[row, column]] - centres[other[row, column]])
    return centres


def _flat_nucleus(canvas: Canvas, place: NDArray[np.float64], across: NDArray[np.float64]) -> None:
    """Draw a nucleus pressed flat, at right angles to a direction."""
    angle = float(np.arctan2(across[0], -across[1]))
    look = Nucleus(length=canvas.rng.uniform(7, 11), width=2.6, angle=angle, haematoxylin=1.25)
    canvas.draw(float(place[0]), float(place[1]), nucleus=look)


def _lobule(canvas: Canvas) -> NDArray[np.float64]:
    """Draw acini in loose stroma: a ring of regular nuclei around a lumen, with flat cells outside."""
    bend = _fibres(canvas, eosin=0.42, slits=2.2)
    canvas.haematoxylin += 0.06
    _spindles(canvas, bend, distance=24)
    centres = spread(canvas, LOBULE_SPACING, jitter=0.2)
    for x, y in centres:
        _acinus(canvas, x, y, radius=canvas.rng.uniform(19, 28))
    return centres


def _acinus(canvas: Canvas, x: float, y: float, *, radius: float) -> None:
    """Draw one acinus: cytoplasm, lumen, nuclei."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    outline = np.full(len(turn), radius)
    for k in (1, 2, 3, 4):
        outline += radius * canvas.rng.normal(0, 0.07) * np.cos(k * turn + canvas.rng.uniform(0, 2 * np.pi))
    canvas.disc(x, y, radii=outline + 2.5, haematoxylin=0.16, eosin=0.72)  # basement membrane
    canvas.disc(x, y, radii=outline, haematoxylin=0.30, eosin=0.46)
    open_ = canvas.rng.uniform(0.25, 0.5)
    canvas.disc(x, y, radii=outline * open_ + 1, haematoxylin=0.22, eosin=0.66)
    full = canvas.rng.random() < 0.3
    canvas.disc(x, y, radii=outline * open_, haematoxylin=0.02, eosin=0.42 if full else 0.03)
    _ring(canvas, (x, y), outline=outline - 4.6, row=_Row(6.6, length=(6.2, 7.6), width=(5.0, 6.2)))
    if radius * (1 - open_) > 15:
        _ring(canvas, (x, y), outline=outline - 10.5, row=_Row(7.2, length=(6.0, 7.4), width=(5.0, 6.0)))
    _ring(canvas, (x, y), outline=outline + 0.8, row=_Row(15, length=(6.5, 9), width=(2.2, 3), across=True))


@dataclass(frozen=True)
class _Row:
    """Nuclei side by side: how far apart, the least and the largest diameters, and whether they lie across."""

    spacing: float
    length: tuple[float, float]
    width: tuple[float, float]
    across: bool = False


def _ring(canvas: Canvas, centre: tuple[float, float], *, outline: NDArray[np.float64], row: _Row) -> None:
    """Draw nuclei along an outline around a centre, pointing to it, or across."""
    count = max(4, round(2 * np.pi * outline.mean() / row.spacing))
    for angle in (np.arange(count) + canvas.rng.uniform(-0.25, 0.25, count)) * 2 * np.pi / count:
        away = outline[int(angle / (2 * np.pi) * len(outline)) % len(outline)] + canvas.rng.normal(0, 0.8)
        look = Nucleus(
            length=canvas.rng.uniform(*row.length),
            width=canvas.rng.uniform(*row.width),
            angle=angle + (np.pi / 2 if row.across else 0) + canvas.rng.normal(0, 0.15),
            haematoxylin=canvas.rng.uniform(1.0, 1.3),
            chromatin=0.12,
        )
        canvas.draw(centre[0] + away * np.cos(angle), centre[1] + away * np.sin(angle), nucleus=look)


def _lymphocytes(canvas: Canvas) -> None:
    """Draw a crowd of small, round, dark nuclei."""
    bend = _fibres(canvas, eosin=0.40, slits=2.4)
    canvas.haematoxylin += 0.08
    _spindles(canvas, bend, distance=40)
    for x, y in spread(canvas, 8.6, jitter=0.38):
        if canvas.rng.random() < 0.85:
            size = canvas.rng.uniform(5.0, 6.4)
            look = Nucleus(size, size * canvas.rng.uniform(0.85, 1), canvas.rng.uniform(0, np.pi), 0.05, 1.7, 0.18)
            canvas.draw(x, y, nucleus=look)


def _tumour(canvas: Canvas) -> None:
    """Draw nests of crowded cells with large, dark, irregular nuclei, between strands of stroma."""
    bend = _fibres(canvas, eosin=0.55, slits=2.3)
    canvas.haematoxylin += 0.06
    _spindles(canvas, bend, distance=24)
    nests = 0.8 * canvas.noise(24) + 0.45 * canvas.stir(canvas.noise(8, 30), bend)
    share = np.clip((nests + 0.55) * 5, 0, 1).astype(np.float32)
    canvas.cover(share, haematoxylin=0.34, eosin=0.42)
    canvas.haematoxylin += 0.05 * share * canvas.noise(2)
    for x, y in spread(canvas, 11.4, jitter=0.34):
        if share[int(y / canvas.mpp) % canvas.side, int(x / canvas.mpp) % canvas.side] > 0.6:
            canvas.draw(x, y, nucleus=_malignant(canvas.rng))
    for x, y in spread(canvas, 40, jitter=0.5):
        size = canvas.rng.uniform(5, 6)
        canvas.draw(x, y, nucleus=Nucleus(size, size, 0, 0.04, 1.7))


def _malignant(rng: np.random.Generator) -> Nucleus:
    """Return a nucleus of a carcinoma: large, of any shape, dark or pale with a nucleolus."""
    length = float(np.clip(rng.lognormal(np.log(10.8), 0.2), 7, 18))
    pale = rng.random() < 0.35
    return Nucleus(
        length=length,
        width=length * rng.uniform(0.62, 0.95),
        angle=rng.uniform(0, np.pi),
        irregular=rng.uniform(0.03, 0.10),
        haematoxylin=rng.uniform(0.8, 1.05) if pale else rng.uniform(1.15, 1.75),
        chromatin=0.2,
        rim=0.5 if pale else 0.2,
        nucleoli=int(rng.integers(1, 3)) if pale else 0,
    )
