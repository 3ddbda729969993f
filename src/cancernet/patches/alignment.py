"""Whether two patches show the same place: the best rotation, flip and zoom is found, then each part is compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cancernet.patches.sampling import blur_matrix, reduced, ring_matrix

__all__ = ["COARSE", "FINE", "Grid", "agreement", "coarse_maps", "polar_maps", "similarity"]

_SIDE = 64  # pixels; larger patches are reduced
_INNERMOST = 0.06  # radius of the first ring as a share of the side
_DETAIL, _SHADE = 0.7, 1 / 8  # sigma in pixels, and as a share of the side: what lies between the two is compared
_SQUEEZED = 96  # pixels of a side from which on patches are compared as if stretched, too
_SQUEEZES = ((1.0, 1.0), (0.87, 1.0), (0.75, 1.0), (1.0, 0.87), (1.0, 0.75))  # factors in x and y
_CELLS = (6, 12)  # along the radius and along the angle
_TEXTURE = 1.5  # standard deviation in grey levels above which a part of a patch is compared
_TEXTURED = 0.5  # share of the parts that must be: with 0.4, half-planes that are no copies agree
_CHANCE = 2.5  # alignments that are wrong agree by up to so many standard deviations


@dataclass(frozen=True)
class Grid:
    """A log-polar grid.

    Parameters
    ----------
    rings, points
        Rings from the centre out, their radii in a geometric series, and points on each.
    zooms
        How many rings one patch may be larger than the other: a ring is a factor of 1.07 on the fine grid.
    """

    rings: int
    points: int
    zooms: int

    @property
    def weights(self) -> NDArray[np.float32]:
        """The weight of each ring, by its area on the patch; together 1."""
        radii = np.geomspace(_INNERMOST, 0.5, self.rings)
        return np.asarray(radii / radii.sum(), dtype=np.float32)


FINE = Grid(rings=32, points=96, zooms=8)
COARSE = Grid(rings=16, points=32, zooms=4)


@dataclass(frozen=True, eq=False)
class _Alignment:
    """The best alignment of pairs, (n,) each, and the spread of the correlation over all others.

    `squeezes` are the numbers of the maps compared, `shift` the rings and `turn` the points by which the second moves.
    """

    height: NDArray[np.float32]
    spread: NDArray[np.float32]
    squeezes: tuple[NDArray[np.int64], NDArray[np.int64]]
    mirrored: NDArray[np.bool_]
    shift: NDArray[np.int64]
    turn: NDArray[np.int64]


def polar_maps(images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the detail of patches on the fine log-polar grid about their centre.

    There a rotation is a shift along the points, a zoom a shift along the rings, and a flip a reversal of the points.

    Parameters
    ----------
    images
        Shape (n, h, w, 3), uint8, square.

    Returns
    -------
    Shape (n, squeezes, 32, 96), int8: the luminance between two blurs, in grey levels. For patches of 96 pixels and
    more there are five squeezes, up to 4:3 in x or y, else one: small patches do not hold enough to tell stretched
    copies from others.
    """
    grey = reduced(images, _SIDE, grey=True)
    side = grey.shape[1]
    fine, shade = blur_matrix(side, _DETAIL), blur_matrix(side, _SHADE * side)
    pixels = grey.astype(np.float32)
    detail = (fine @ pixels @ fine.T - shade @ pixels @ shade.T).reshape(len(images), -1)
    radii = np.geomspace(_INNERMOST, 0.5 - 0.5 / side, FINE.rings) * side
    squeezes = _SQUEEZES if images.shape[1] >= _SQUEEZED else _SQUEEZES[:1]
    maps = [(ring_matrix(side, radii, points=FINE.points, squeeze=squeeze) @ detail.T).T for squeeze in squeezes]
    levels: NDArray[np.int8] = np.clip(np.round(np.stack(maps, axis=1)), -127, 127).astype(np.int8)
    return levels.reshape(len(images), len(squeezes), FINE.rings, FINE.points)


def coarse_maps(maps: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the means of 2 rings by 3 points, of every second squeeze: what is cheap to compare; (n, ..., 16, 32)."""
    maps = maps[:, ::2]
    shape = (*maps.shape[:2], COARSE.rings, FINE.rings // COARSE.rings, COARSE.points, FINE.points // COARSE.points)
    return np.asarray(np.round(maps.reshape(shape).mean(axis=(3, 5))), dtype=np.int8)


def similarity(first: NDArray[np.int8], second: NDArray[np.int8], *, grid: Grid) -> NDArray[np.float32]:
    """Return how far the correlation of pairs of maps at their best alignment stands above its spread, shape (n,).

    Parameters
    ----------
    first, second
        Shape (n, squeezes, rings, points), int8.
    grid
        The grid that they lie on.

    Returns
    -------
    The correlation, -1 to 1, less its standard deviation over all alignments.
    """
    found = _align(first, second, grid)
    return found.height - found.spread


def agreement(first: NDArray[np.int8], second: NDArray[np.int8]) -> NDArray[np.float64]:
    r"""Return how far pairs of patches agree beyond chance: 1 for copies, about 0 for others.

    At the best alignment the patches are compared in 72 cells. With :math:`a` the mean correlation over the cells in
    which one of the two has texture, and :math:`s` the standard deviation of the correlation over all alignments, it is
    :math:`(a - 2.5 s) / (1 - 2.5 s)`. A half-plane, or one round nucleus, agrees with many others at some
    alignment: its :math:`s` is large, and its cells do not agree.

    Parameters
    ----------
    first, second
        Shape (n, squeezes, 32, 96), int8, of `polar_maps`.

    Returns
    -------
    Shape (n,), at most 1; minus infinity where less than half of the cells have texture, or nearly every alignment
    fits, so that nothing can be said.

    References
    ----------
    .. [1] B. S. Reddy and B. N. Chatterji, "An FFT-based technique for translation, rotation, and scale-invariant image
       registration", IEEE Transactions on Image Processing 5(8), 1996.
    """
    found = _align(first, second, FINE)
    local, textured = _compare_cells(_moved(first, second, found))
    mean = np.where(textured, local, 0).sum(axis=1) / np.maximum(textured.sum(axis=1), 1)
    chance = _CHANCE * found.spread.astype(np.float64)
    known = (textured.mean(axis=1) >= _TEXTURED) & (chance < 1)
    return np.where(known, (mean - chance) / np.where(known, 1 - chance, 1), -np.inf)


def _align(first: NDArray[np.int8], second: NDArray[np.int8], grid: Grid) -> _Alignment:
    """Return the best alignment of each pair over squeezes, flips, zooms and rotations."""
    count, squeezes = first.shape[:2]
    rows = np.arange(count)
    best, place = np.full(count, -1.0, dtype=np.float32), np.zeros((4, count), dtype=np.int64)
    squares = np.zeros(count, dtype=np.float32)
    ways = list(product(range(squeezes), range(squeezes), (0, 1)))
    prepared = [_Spectra.of(maps, grid) for maps in (first, second)]
    for one, other, mirrored in ways:
        surface = _correlations(prepared[0], prepared[1], (one, other), mirrored=bool(mirrored))  # (n, shifts * points)
        squares += np.square(surface).mean(axis=1)
        peak = surface.argmax(axis=1)
        better = surface[rows, peak] > best
        best[better] = surface[rows, peak][better]
        place[:, better] = np.stack(np.broadcast_arrays(one, other, mirrored, peak[better]))
    shift, turn = np.divmod(place[3], grid.points)
    spread = np.sqrt(squares / len(ways))
    return _Alignment(best, spread, (place[0], place[1]), place[2] == 1, shift - grid.zooms, turn)


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Maps weighted by ring and without the mean of each ring: their 2-D spectra, and sums of squares up to each ring.

    The transform is padded along the rings, so that a zoom moves them out and not round.
    """

    grid: Grid
    spectra: NDArray[np.complex64]  # (n, squeezes, rings + zooms, points / 2 + 1)
    energy: NDArray[np.float32]  # (n, squeezes, rings + 1)

    @classmethod
    def of(cls, maps: NDArray[np.int8], grid: Grid) -> _Spectra:
        """Return the spectra of maps."""
        from scipy.fft import rfft2

        values = maps.astype(np.float32)
        values -= values.mean(axis=3, keepdims=True)
        values *= np.sqrt(grid.weights)[:, np.newaxis]
        spectra = rfft2(values, s=(grid.rings + grid.zooms, grid.points), axes=(2, 3))
        energy = np.cumsum(np.square(values).sum(axis=3), axis=2)
        return cls(grid, spectra, np.pad(energy, ((0, 0), (0, 0), (1, 0))))


def _correlations(
    first: _Spectra, second: _Spectra, squeezes: tuple[int, int], *, mirrored: bool
) -> NDArray[np.float32]:
    """Return the normalised correlation of each pair at all shifts of rings and points, (n, shifts * points)."""
    from scipy.fft import irfft2

    grid, other = first.grid, second.spectra[:, squeezes[1]]
    if mirrored:  # the spectrum of the points in reverse
        other = np.conj(np.roll(other[:, ::-1], 1, axis=1))
    size = (grid.rings + grid.zooms, grid.points)
    shifts = np.arange(-grid.zooms, grid.zooms + 1)
    surface = irfft2(np.conj(first.spectra[:, squeezes[0]]) * other, s=size, axes=(1, 2))[:, shifts % size[0]]
    low, high = np.maximum(0, -shifts), grid.rings - np.maximum(0, shifts)  # rings of the first that stay in view
    one, two = first.energy[:, squeezes[0]], second.energy[:, squeezes[1]]
    shared = (one[:, high] - one[:, low]) * (two[:, high + shifts] - two[:, low + shifts])
    surface /= np.sqrt(np.maximum(shared, 1e-6))[:, :, np.newaxis]
    return np.asarray(surface.reshape(len(surface), -1), dtype=np.float32)


def _moved(
    first: NDArray[np.int8], second: NDArray[np.int8], found: _Alignment
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both maps of each pair in alignment, (n, 24, 96): the outermost rings that both of them have."""
    rows, kept = np.arange(len(first)), FINE.rings - FINE.zooms
    end = FINE.rings - np.maximum(0, found.shift)
    rings = end[:, np.newaxis] - kept + np.arange(kept)
    points = (np.arange(FINE.points) + found.turn[:, np.newaxis]) % FINE.points
    points = np.where(found.mirrored[:, np.newaxis], -points % FINE.points, points)
    one = first[rows, found.squeezes[0]][rows[:, np.newaxis], rings]
    other_rings = rings + found.shift[:, np.newaxis]
    other = second[rows, found.squeezes[1]][
        rows[:, np.newaxis, np.newaxis], other_rings[:, :, np.newaxis], points[:, np.newaxis]
    ]
    return one.astype(np.float32), other.astype(np.float32)


def _compare_cells(
    pair: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the correlation in each cell, and whether one of the two has texture there; (n, 72) each."""
    one, other = (_cells(maps) for maps in pair)
    spreads = one.std(axis=2), other.std(axis=2)
    local = (one * other).mean(axis=2) / np.maximum(spreads[0] * spreads[1], 1e-6)
    return local, np.maximum(*spreads) > _TEXTURE


def _cells(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps cut into cells without the plane that fits each best, (n, 72, pixels).

    Beside a dark edge the blur leaves a smooth slope in empty glass; without the plane it is no texture.
    """
    count, rings, points = maps.shape
    cut = maps.reshape(count, _CELLS[0], rings // _CELLS[0], _CELLS[1], points // _CELLS[1]).swapaxes(2, 3)
    cells = cut - cut.mean(axis=(3, 4), keepdims=True)
    along, across = (_slope(length) for length in cells.shape[3:])
    cells = cells - (cells.mean(axis=4) @ along)[..., np.newaxis, np.newaxis] * along[:, np.newaxis]
    cells = cells - (cells.mean(axis=3) @ across)[..., np.newaxis, np.newaxis] * across
    return np.asarray(cells.reshape(count, _CELLS[0] * _CELLS[1], -1), dtype=np.float32)


def _slope(length: int) -> NDArray[np.float32]:
    """Return a straight line of mean 0 and norm 1."""
    line = np.arange(length) - (length - 1) / 2
    return np.asarray(line / np.linalg.norm(line), dtype=np.float32)
