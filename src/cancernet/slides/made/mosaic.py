"""A mosaic of real patches: normal ones fill the tissue, those of tumour fill the tumours, and each place is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import processors
from cancernet.checks import listed, one_of
from cancernet.errors import CancerNetError, InvalidInput
from cancernet.patches import Pack, PatchSet, fit_image, image_size
from cancernet.slides.made.outlines import Outlines, check_slide, draw_outlines
from cancernet.slides.made.picture import Cells, Picture

__all__ = ["mosaic_picture", "of_groups", "whole_patches"]

_GLASS = 245
_CACHE_BYTES = 64_000_000  # of patches at the slide's resolution
_SMALLEST_SIDE = 4
_EMPTY = -1


def of_groups(patches: PatchSet, groups: Sequence[str]) -> PatchSet:
    """Return the patches of some groups (patients).

    Raises
    ------
    InvalidInput
        When a group has no patch; the nearest is offered.
    """
    known = sorted(set(patches.groups.tolist()))
    for group in groups:
        one_of(group, known, "group")
    return patches.take(np.isin(patches.groups, list(groups)))


def whole_patches(patches: PatchSet) -> PatchSet:
    """Return the patches of the most frequent size, without pieces from the edge of tissue and damaged files.

    Raises
    ------
    InvalidInput
        When no image can be read, or the most frequent size is not square.
    """
    with ThreadPoolExecutor(min(processors(), 8)) as pool:
        sizes = list(pool.map(lambda row: _size(patches, row), range(len(patches))))
    counts = Counter(size for size in sizes if size is not None).most_common(1)
    if not counts:
        raise InvalidInput(f"No image of '{patches.name}' can be read", "Expected patches", "Check the folder")
    (width, height), _ = counts[0]
    if width != height:
        raise InvalidInput(f"The patches have {width}x{height} pixels", "Expected squares", "Cut them to squares")
    return patches.take(np.array([size == (width, height) for size in sizes]))


def mosaic_picture(
    pack: Pack,
    *,
    positive: str,
    size: tuple[int, int],
    mpp: float,
    patch_mpp: float | None = None,
    seed: int = 7,
    outlines: Outlines | None = None,
) -> Picture:
    """Return a slide of patches on a grid: each square whose centre lies in a tumour, or else in tissue, holds one.

    A patch comes a second time only when all of its class have been laid. Squares that would reach over the edge of the
    slide stay empty.

    Parameters
    ----------
    pack
        The patches, with labels.
    positive
        The label of tumour; all others are normal.
    size
        Width and height in pixels.
    mpp
        Microns per pixel of the slide.
    patch_mpp
        Of the patches, which are resampled to the slide's; None: they are laid pixel for pixel.
    seed
        Of the order of the patches, and of the outlines.
    outlines
        Of tissue and tumours; None: drawn by `draw_outlines`, with three tumours.

    Raises
    ------
    InvalidInput
        When there are no labels, a class has no patch, or a number cannot be.
    """
    check_slide(size, mpp)
    side = _side(pack, mpp, patch_mpp)
    outlines = outlines or draw_outlines(size, mpp=mpp, seed=seed, foci=3)
    grid = _laid(pack, positive, _kinds(outlines, size, side), np.random.default_rng([seed, 20]))
    facts = {
        "seed": seed,
        "positive": positive,
        "patches": pack.patches.name,
        "groups": _groups(pack.patches),
        "patch_pixels": int(pack.images.shape[1]),
        "patch_mpp": mpp if patch_mpp is None else patch_mpp,
        "patch_mpp_is": "taken to be that of the slide" if patch_mpp is None else "given",
        "cell_pixels": side,
    }
    block = _Mosaic(pack, grid, side).block
    return Picture("mosaic", block, size, mpp, facts, outlines, _cells(pack, grid, side))


class _Mosaic:
    """Patches on a grid; `grid` holds rows of the pack, shape (rows, columns), -1 where there is none."""

    def __init__(self, pack: Pack, grid: NDArray[np.int32], side: int) -> None:
        self._grid, self._side = grid, side
        most = max(16, _CACHE_BYTES // (3 * side * side))
        self._patch = lru_cache(maxsize=most)(lambda row: fit_image(np.asarray(pack.images[row]), side, fit="resize"))

    def block(self, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return the pixels of a block, shape (height, width, 3)."""
        pixels = np.full((height, width, 3), _GLASS, dtype=np.uint8)
        for down, from_rows, row in _overlaps(y, height, self._side, len(self._grid)):
            for right, from_columns, column in _overlaps(x, width, self._side, self._grid.shape[1]):
                number = int(self._grid[row, column])
                if number != _EMPTY:
                    pixels[down, right] = self._patch(number)[from_rows, from_columns]
        return pixels


def _overlaps(start: int, length: int, side: int, cells: int) -> Iterator[tuple[slice, slice, int]]:
    """Yield for each cell that a stretch of pixels meets: where in the stretch, where in the cell, and its number."""
    for cell in range(start // side, min((start + length - 1) // side + 1, cells)):
        first, last = max(start, cell * side), min(start + length, (cell + 1) * side)
        yield slice(first - start, last - start), slice(first - cell * side, last - cell * side), cell


def _groups(patches: PatchSet) -> list[str] | None:
    """Return the groups that the patches are of; None where every patch is one, or it is not known."""
    return None if patches.group_column in (None, "row") else sorted(set(patches.groups.tolist()))


def _size(patches: PatchSet, row: int) -> tuple[int, int] | None:
    """Return width and height of an image; None when its header cannot be read."""
    try:
        return image_size(patches.path(row))
    except CancerNetError:
        return None


def _side(pack: Pack, mpp: float, patch_mpp: float | None) -> int:
    """Return the side of a patch on the slide, in pixels."""
    native = int(pack.images.shape[1])
    if patch_mpp is not None and not (np.isfinite(patch_mpp) and patch_mpp > 0):
        raise InvalidInput(f"mpp of the patches = {patch_mpp}", "Expected a number above 0", "Leave it out if unknown")
    side = native if patch_mpp is None else round(native * patch_mpp / mpp)
    if side < _SMALLEST_SIDE:
        raise InvalidInput(
            f"Patches of {native} pixels at {patch_mpp} microns per pixel would be {side} pixels wide at {mpp}",
            f"Expected {_SMALLEST_SIDE} at least",
            "Say a smaller mpp for the slide",
        )
    return side


def _kinds(outlines: Outlines, size: tuple[int, int], side: int) -> NDArray[np.int8]:
    """Return 2 for the cells of the grid whose centre lies in a tumour, 1 in tissue, 0 on glass."""
    from shapely import contains_xy, prepare, unary_union

    columns, rows = size[0] // side, size[1] // side
    x, y = np.meshgrid((np.arange(columns) + 0.5) * side, (np.arange(rows) + 0.5) * side)
    kinds = np.zeros((rows, columns), dtype=np.int8)
    for kind, polygons in ((1, outlines.tissue), (2, outlines.tumour)):
        prepare(whole := unary_union(list(polygons)))
        kinds[contains_xy(whole, x, y)] = kind
    return kinds


def _laid(pack: Pack, positive: str, kinds: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int32]:
    """Return which patch lies in each cell."""
    target = pack.patches.target
    if target is None:
        raise InvalidInput(f"'{pack.patches.name}' has no labels", "Expected two classes", "Name their column: target")
    one_of(positive, pack.patches.classes, "label")
    grid = np.full(kinds.shape, _EMPTY, dtype=np.int32)
    for kind, rows in ((1, np.flatnonzero(target != positive)), (2, np.flatnonzero(target == positive))):
        places = np.flatnonzero(kinds == kind)
        if len(places) and not len(rows):
            known = listed(pack.patches.classes)
            raise InvalidInput(f"All patches have the label '{positive}'", f"Expected others; known are {known}")
        rounds = -(-len(places) // max(1, len(rows)))
        order = np.concatenate([rng.permutation(rows) for _ in range(rounds)]) if rounds else rows
        grid.ravel()[places] = order[: len(places)]
    return grid


def _cells(pack: Pack, grid: NDArray[np.int32], side: int) -> Cells:
    """Return which patch lies where, row by row."""
    rows, columns = np.nonzero(grid != _EMPTY)
    numbers, patches = grid[rows, columns], pack.patches
    labels = np.array([]) if patches.target is None else patches.target[numbers]
    return Cells(
        l0_x=(columns * side).tolist(),
        l0_y=(rows * side).tolist(),
        l0_side=side,
        path=patches.ids[numbers].tolist(),
        label=labels.tolist(),
        group=patches.groups[numbers].tolist(),
    )
