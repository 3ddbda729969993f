"""From the scores of tiles to a map: a value for each cell of the grid, averaged where tiles overlap, and smoothed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card
from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.scan.grid import Grid
from cancernet.scan.score import Scores

__all__ = ["HeatMap", "Target", "map_scores", "smooth", "target_of"]

_HALF = 0.5  # where a card has no threshold of its own: more likely than not
_EDGE = 1e-9  # of a stride, against rounding


@dataclass(frozen=True)
class Target:
    """What a map shows: a probability, and from which value on it counts.

    Parameters
    ----------
    name
        Of the class.
    words
        What the value is: "probability of class 1", "probability of severe or worse".
    columns
        Codes of the classes whose probabilities are added.
    threshold
        From this value on, tissue counts as the class.
    """

    name: str
    words: str
    columns: tuple[int, ...]
    threshold: float

    def of(self, scores: Scores) -> NDArray[np.float64]:
        """Return the value of each tile, (n,)."""
        found: NDArray[np.float64] = scores.probabilities[:, list(self.columns)].astype(np.float64).sum(axis=1)
        return found


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Values on the cells of a grid; a cell is as wide as the step from one tile to the next.

    Parameters
    ----------
    values
        Shape (rows, columns), float64; NaN where no tile was scored.
    box
        What the cells cover, in base-level pixels; it may reach beyond the slide.
    """

    values: NDArray[np.float64]
    box: Box

    @property
    def l0_cell(self) -> tuple[float, float]:
        """Width and height of a cell."""
        rows, columns = self.values.shape
        return self.box.l0_width / columns, self.box.l0_height / rows


def target_of(card: Card, name: str | None = None) -> Target:
    """Return what a map of a bundle shows.

    Of two classes it is the positive one, at the threshold of the card. Of ordered grades it is the chance of this
    grade or a worse one, by default of the second; of several types it has to be named. These count from 0.5 on.

    Parameters
    ----------
    card
        Of the bundle.
    name
        The class; None for the default.

    Raises
    ------
    InvalidInput
        When there is no such class, or none was named where one must be.
    """
    task, known = card.task, listed(list(card.task.classes))
    chosen = name or task.positive or (task.classes[1] if task.kind == "ordinal" else None)
    if chosen is None:
        raise InvalidInput(f"'{card.name}' tells {known} apart", "The class to map", "Name it with --class")
    if chosen not in task.classes:
        raise InvalidInput(f"'{card.name}' has no class '{chosen}'", f"One of {known}", "Name one with --class")
    code = task.classes.index(chosen)
    if task.kind == "ordinal":
        worse = " or worse" if code + 1 < len(task.classes) else ""
        return Target(chosen, f"probability of {_spoken(chosen)}{worse}", tuple(range(code, len(task.classes))), _HALF)
    decided = card.decision.threshold is not None and chosen == task.positive
    threshold = card.decision.threshold.value if decided and card.decision.threshold else _HALF
    return Target(chosen, f"probability of {_spoken(chosen)}", (code,), threshold)


def _spoken(name: str) -> str:
    """Return the name of a class as one says it: a number alone would be taken for one."""
    return f"class {name}" if name.isdecimal() else name


def map_scores(scores: Scores, values: NDArray[np.float64], *, grid: Grid) -> HeatMap:
    """Return the map of a value of each tile; where tiles overlap, the mean of those that cover the middle of a cell.

    Parameters
    ----------
    scores
        Tell where the tiles lie.
    values
        Shape (n,), one for each tile.
    grid
        That the tiles are on.
    """
    reach = max(1, int(grid.px_tile / grid.px_stride + 0.5 - _EDGE))  # cells whose middle a tile covers, along a side
    shape = grid.rows + reach - 1, grid.columns + reach - 1
    total, count = np.zeros(shape), np.zeros(shape)
    for down in range(reach):
        for right in range(reach):
            at = scores.rows + down, scores.columns + right
            total[at] += values  # a tile is scored once: no place repeats
            count[at] += 1
    with np.errstate(invalid="ignore"):
        mean = total / np.where(count > 0, count, np.nan)
    width, height = grid.l0_stride
    return HeatMap(mean, Box(grid.region.l0_x, grid.region.l0_y, shape[1] * width, shape[0] * height))


def smooth(heat: HeatMap, cells: float) -> HeatMap:
    """Return the map with each value replaced by the weighted mean of the scored cells around it.

    Cells without a score neither get one nor count as low: tissue at the border of a fragment is not pulled down by the
    glass beside it.

    Parameters
    ----------
    heat
        To smooth.
    cells
        Standard deviation of the Gaussian weights, in cells; 0 changes nothing.

    References
    ----------
    Knutsson and Westin 1993, normalized convolution, doi:10.1109/CVPR.1993.341081.
    """
    if cells == 0:
        return heat
    from scipy.ndimage import gaussian_filter

    scored = ~np.isnan(heat.values)
    weights = gaussian_filter(scored.astype(np.float64), cells, mode="constant")
    sums = gaussian_filter(np.where(scored, heat.values, 0.0), cells, mode="constant")
    with np.errstate(invalid="ignore", divide="ignore"):
        return replace(heat, values=np.where(scored, sums / weights, np.nan))
