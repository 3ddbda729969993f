"""Figures of how the features of a table hang together: correlation heat map, pair plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.report.style import INK, MUTED, Drawing, key, plain
from cancernet.report.tablefigures import LabelledTable, draw_distribution, medians_in_words
from cancernet.report.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cluster_order", "distinct_strongest", "draw_heat", "draw_scatter", "rank_correlation", "relation_drawings"]

_MOST_HEAT = 60
_MOST_POINTS = 1500  # dots of one class in the pair plot; more only make a stain
_PAIRED = 4
_NEARLY_THE_SAME = 0.9  # rank correlation from which on two features tell the same story


def relation_drawings(table: LabelledTable) -> list[Drawing]:
    """Return the figures of a table with two features at least."""
    return [_correlation(table), _pairs(table)] if len(table.names) > 1 else []


# Correlation


def _correlation(table: LabelledTable) -> Drawing:
    """Return the heat map of the correlations."""
    chosen = sorted(table.order[:_MOST_HEAT])
    matrix = rank_correlation(table.values[:, chosen])
    order = cluster_order(matrix)
    matrix, names = matrix[np.ix_(order, order)], [table.names[chosen[place]] for place in order]
    which = "all" if len(names) == len(table.names) else f"the {len(names)} strongest"
    side = min(8.8, 3.6 + 0.18 * len(names))
    return Drawing(
        "correlation",
        "data",
        "How the features hang together",
        f"Spearman rank correlation of {which} features, ordered so that features that tell the same story stand "
        "side by side. Dark blocks are groups of features of which a model needs only one.",
        f"Heat map of the rank correlations of {which} features. {_pairs_in_words(matrix, names)}",
        (max(6.8, side), side * 0.94),
        lambda figure: draw_heat(figure.subplots(), matrix, names=[plain(name) for name in names]),
    )


def rank_correlation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's correlation of every pair of columns, (features, features); 0 where it is undefined."""
    import pandas as pd

    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = pd.DataFrame(values).rank().corr().to_numpy(dtype=np.float64, copy=True)
    matrix[np.isnan(matrix)] = 0.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


def cluster_order(correlation: NDArray[np.float64]) -> list[int]:
    """Return an order that puts columns of like size of correlation side by side (average linkage, optimal leaves)."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - np.abs(correlation), 0, 1)
    distance = (distance + distance.T) / 2
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]


def _pairs_in_words(matrix: NDArray[np.float64], names: Sequence[str]) -> str:
    """Return how many pairs nearly repeat each other, and the closest one."""
    above = np.abs(np.triu(matrix, 1))
    first, second = divmod(int(above.argmax()), len(names))
    pairs = len(names) * (len(names) - 1) // 2
    return (
        f"{int((above > _NEARLY_THE_SAME).sum())} of {pairs} pairs lie beyond 0.9 in size; the closest are "
        f"{plain(names[first])} and {plain(names[second])} with {matrix[first, second]:.2f}."
    )


def draw_heat(axes: Axes, matrix: NDArray[np.float64], *, names: Sequence[str]) -> None:
    """Draw a correlation matrix, (features, features), blue below zero and red above."""
    import seaborn as sns

    ticks: Any = list(names)
    bar = {"shrink": 0.6, "label": "Spearman correlation", "pad": 0.02}
    sns.heatmap(
        matrix, ax=axes, cmap="vlag", vmin=-1, vmax=1, square=True, xticklabels=ticks, yticklabels=ticks, cbar_kws=bar
    )
    axes.tick_params(length=0, labelsize=float(np.clip(260 / len(names), 5.5, 9)), labelcolor=INK)
    axes.grid(visible=False)


# Pair plot


def _pairs(table: LabelledTable) -> Drawing:
    """Return the pair plot of the strongest features."""
    chosen = distinct_strongest(table.strength, rank_correlation(table.values), most=_PAIRED)
    names = [plain(table.names[column]) for column in chosen]
    return Drawing(
        "pair-plot",
        "data",
        "The strongest features in pairs",
        "One dot per row below the diagonal, rank correlations of all rows above it. Features that nearly repeat a "
        "stronger one (rank correlation beyond 0.9) are skipped, so that each plot tells something new; at most "
        f"{_MOST_POINTS:,} rows per class are drawn.",
        f"Scatter plots of every pair of {', '.join(names)}, coloured by class, with histograms on the diagonal. "
        f"{medians_in_words(table, chosen)}",
        (9.6, 9.0) if len(chosen) > 2 else (6.8, 6.2),
        lambda figure: _draw_pairs(figure, table, chosen=chosen),
    )


def distinct_strongest(strength: NDArray[np.float64], correlation: NDArray[np.float64], *, most: int) -> list[int]:
    """Return the strongest columns that do not nearly repeat a stronger one already chosen."""
    chosen: list[int] = []
    for column in np.argsort(-strength, kind="stable"):
        if all(abs(correlation[column, other]) <= _NEARLY_THE_SAME for other in chosen):
            chosen.append(int(column))
    return chosen[:most]


def _draw_pairs(figure: Figure, table: LabelledTable, *, chosen: Sequence[int]) -> None:
    """Draw histograms on the diagonal and scatter plots below it."""
    count, correlation = len(chosen), rank_correlation(table.values)
    grid = figure.subplots(count, count, squeeze=False, sharex="col")
    rows = _sample(table)
    for place, column in enumerate(chosen):
        draw_distribution(grid[place, place], table.values[:, column], target=table.target, colours=table.colours)
        grid[place, place].set_yticks([])
        for other in range(count):
            axes = grid[place, other]
            if other > place:
                axes.set_axis_off()
                write_correlation(axes, correlation[column, chosen[other]])
            elif other < place:
                draw_scatter(
                    axes,
                    table.values[np.ix_(rows, np.array([chosen[other], column]))],
                    target=table.target[rows],
                    colours=table.colours,
                )
            axes.tick_params(labelleft=other == 0 and place > 0, labelsize=7)
        grid[place, 0].set_ylabel(table.labels[column] if place else "share of rows", fontsize=8)
        grid[-1, place].set_xlabel(table.labels[column], fontsize=8)
    key(figure, table.colours, loc="outside upper right", ncols=len(table.colours))


def _sample(table: LabelledTable) -> NDArray[np.intp]:
    """Return the rows to draw, the same ones every time, shuffled so that no class lies on top of the other."""
    random = np.random.default_rng(0)
    rows = [random.permutation(np.flatnonzero(table.target == name))[:_MOST_POINTS] for name in table.colours]
    return random.permutation(np.concatenate(rows))


def write_correlation(axes: Axes, correlation: float) -> None:
    """Write a rank correlation in the middle of an empty plot."""
    middle: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "clip_on": False}
    axes.text(0.5, 0.5, number(correlation, 2), fontsize=10 + 10 * abs(correlation), color=INK, **middle)
    axes.text(0.5, 0.4, "rank correlation", fontsize=7.5, color=MUTED, **middle)


def draw_scatter(axes: Axes, points: NDArray[np.float64], *, target: NDArray[Any], colours: dict[str, str]) -> None:
    """Draw points, (n, 2), coloured by class."""
    axes.scatter(points[:, 0], points[:, 1], c=[colours[name] for name in target], s=9, alpha=0.55, linewidths=0)
