"""Figures of a table: how many of each class, how features lie, and how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.report.style import INK, MUTED, Drawing, class_colours, key, plain
from cancernet.report.words import number, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cancernet.data import Table

__all__ = ["LabelledTable", "draw_distribution", "label_table", "table_drawings"]

_MOST_SMALL = 48  # small multiples beyond this many cannot be read
_MOST_HEAT = 60
_MOST_POINTS = 1500  # dots of one class in the pair plot; more only make a stain
_STRONGEST = 6
_PAIRED = 4
_NEARLY_THE_SAME = 0.9  # rank correlation from which on two features tell the same story
_SMALL_COLUMNS = 5
_MOST_WHOLE = 40  # whole numbers with a wider range are binned like measurements


@dataclass(frozen=True)
class LabelledTable:
    """A table with what its figures need.

    Parameters
    ----------
    names, units
        Of the features.
    values
        Shape (n, features), NaN where missing.
    target
        Shape (n,), class names.
    colours
        By class, in the order of the classes.
    strength
        Shape (features,): how well each feature alone separates the classes, AUROC from 0.5 to 1 (mean over one class
        against the rest when there are more than two).
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: NDArray[np.float64]
    target: NDArray[Any]
    colours: dict[str, str]
    strength: NDArray[np.float64]

    @property
    def labels(self) -> list[str]:
        """Names with units, as they stand on an axis."""
        pairs = zip(self.names, self.units, strict=True)
        return [plain(name) + (f" ({plain(unit)})" if unit else "") for name, unit in pairs]

    @property
    def order(self) -> list[int]:
        """The features from the strongest to the weakest."""
        return [int(column) for column in np.argsort(-self.strength, kind="stable")]


def label_table(table: Table, positive: str | None) -> LabelledTable | None:
    """Return the table as its figures need it; None when it has no target."""
    if table.target is None:
        return None
    target, classes = np.asarray(table.target), tuple(table.classes)
    units = tuple(feature.unit for feature in table.features)
    strength = np.array([_strength(column, target, classes) for column in table.values.T])
    names = tuple(table.feature_names)
    return LabelledTable(names, units, table.values, target, class_colours(classes, positive), strength)


def _strength(column: NDArray[np.float64], target: NDArray[Any], classes: Sequence[str]) -> float:
    """Return the AUROC of one feature alone, on the side where it is above 0.5; 0.5 when it cannot be told."""
    from scipy.stats import rankdata

    known = ~np.isnan(column)
    ranks, labels = rankdata(column[known]), target[known]
    against = classes[:1] if len(classes) == 2 else classes
    areas = [_area(ranks, labels == name) for name in against]
    return float(np.mean([max(area, 1 - area) for area in areas]))


def _area(ranks: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the AUROC from ranks (Mann-Whitney U)."""
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        return 0.5
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def table_drawings(table: LabelledTable) -> list[Drawing]:
    """Return the figures of a table."""
    drawings = [_balance(table), _strongest(table), _all_features(table)]
    if len(table.names) > 1:
        drawings += [_correlation(table), _pairs(table)]
    return drawings


# Class balance


def _balance(table: LabelledTable) -> Drawing:
    """Return the figure of the class balance."""
    counts = {name: int((table.target == name).sum()) for name in table.colours}
    total = len(table.target)
    shares = "; ".join(f"{plain(name)}: {count} rows, {share(count / total)}" for name, count in counts.items())
    return Drawing(
        "class-balance",
        "data",
        "Class balance",
        "How many rows each class has. A constant answer would be right as often as the longest bar is long.",
        f"Bar chart of the {total} rows by class. {shares}.",
        (7.2, 0.7 + 0.55 * len(counts)),
        lambda figure: draw_balance(figure.subplots(), counts, table.colours),
    )


def draw_balance(axes: Axes, counts: dict[str, int], colours: dict[str, str]) -> None:
    """Draw one bar per class with its count and share."""
    names, total = list(counts), sum(counts.values())
    axes.barh(
        [plain(name) for name in names], list(counts.values()), color=[colours[name] for name in names], height=0.6
    )
    for place, count in enumerate(counts.values()):
        axes.text(count, place, f"  {count:,} ({share(count / total)})", va="center", color=INK)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=10, labelcolor=INK)
    axes.set(xlim=(0, max(counts.values()) * 1.22), xlabel="rows")


# Distributions


def _strongest(table: LabelledTable) -> Drawing:
    """Return the figure of the strongest features."""
    chosen = table.order[:_STRONGEST]
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    listed = "; ".join(f"{plain(table.names[i])}, AUROC alone {table.strength[i]:.2f}" for i in chosen)
    return Drawing(
        "strongest-features",
        "data",
        "The strongest features by class",
        "Share of the rows of each class per bin, for the features that separate the classes best when used alone "
        "(AUROC of the feature by itself, over all rows: a description, not a result).",
        f"Histograms by class of the {len(chosen)} strongest features: {listed}. {_medians(table, chosen[:3])}",
        (3.5 * columns, 2.5 * rows + 0.35),
        lambda figure: _draw_small(figure, table, chosen, columns=columns, tall=True),
    )


def _all_features(table: LabelledTable) -> Drawing:
    """Return the figure of all features as small multiples."""
    shown = len(table.names) if len(table.names) <= _MOST_SMALL else _MOST_SMALL
    chosen = list(range(shown)) if shown == len(table.names) else table.order[:shown]
    which = f"All {shown} features" if shown == len(table.names) else f"The {shown} strongest of {len(table.names)}"
    columns = min(_SMALL_COLUMNS, shown)
    rows = -(-shown // columns)
    strengths = table.strength[chosen]
    return Drawing(
        "all-features",
        "data",
        f"{which} by class",
        "Share of the rows of each class per bin; in the corner the AUROC of the feature alone.",
        f"Small histograms by class. {which}; alone, they separate the classes with an AUROC from "
        f"{strengths.min():.2f} ({plain(table.names[chosen[int(strengths.argmin())]])}) to {strengths.max():.2f} "
        f"({plain(table.names[chosen[int(strengths.argmax())]])}).",
        (2.2 * columns, 1.5 * rows + 0.4),
        lambda figure: _draw_small(figure, table, chosen, columns=columns, tall=False),
    )


def _medians(table: LabelledTable, columns: Sequence[int]) -> str:
    """Return the medians by class of a few features, in words."""
    sentences = []
    for column in columns:
        values = table.values[:, column]
        medians = ", ".join(
            f"{np.nanmedian(values[table.target == name]):.4g} in {plain(name)}"
            for name in table.colours
            if not np.isnan(values[table.target == name]).all()
        )
        sentences.append(f"Median of {plain(table.names[column])}: {medians}.")
    return " ".join(sentences)


def _draw_small(figure: Figure, table: LabelledTable, chosen: Sequence[int], *, columns: int, tall: bool) -> None:
    """Draw one small plot per feature, and one legend for all."""
    rows = -(-len(chosen) // columns)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, column in zip(grid, chosen, strict=False):
        draw_distribution(axes, table.values[:, column], table.target, table.colours)
        _name_small(axes, table, column, tall=tall)
    for axes in grid[len(chosen) :]:
        axes.set_axis_off()
    key(figure, table.colours, loc="outside upper right", ncols=len(table.colours))


def _name_small(axes: Axes, table: LabelledTable, column: int, *, tall: bool) -> None:
    """Write name, unit and strength on a small plot."""
    corner: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "top", "color": MUTED}
    axes.text(0.98, 0.96, f"{table.strength[column]:.2f}", fontsize=9 if tall else 7, **corner)
    if tall:
        axes.set(xlabel=table.labels[column], ylabel="share of rows")
        return
    axes.set_title(plain(table.names[column], 30), fontsize=7.5, pad=3)
    axes.set_xlabel(plain(table.units[column], 36) if table.units[column] else "", fontsize=6, labelpad=1)
    axes.tick_params(labelsize=6, length=2, pad=1)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4)


def draw_distribution(axes: Axes, values: NDArray[np.float64], target: NDArray[Any], colours: dict[str, str]) -> None:
    """Draw the histogram of one feature by class, each class summing to 1, NaN left out."""
    known = ~np.isnan(values)
    if not known.any():
        axes.text(0.5, 0.5, "all values missing", transform=axes.transAxes, ha="center", va="center", color=MUTED)
        return
    edges = _edges(values[known])
    clipped = np.clip(values, edges[0], edges[-1])
    for name, colour in colours.items():
        inside = clipped[known & (target == name)]
        heights = np.histogram(inside, edges)[0] / max(1, len(inside))
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.32, linewidth=0)
        axes.stairs(heights, edges, color=colour, linewidth=1.2)
    axes.set_ylim(bottom=0)
    axes.grid(visible=False, axis="x")


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of the bins: whole numbers when they are few, else 24 bins up to the 99.5th percentile."""
    low, high = float(values.min()), float(np.percentile(values, 99.5))
    whole = bool(np.all(values == np.round(values)))
    if whole and high - low <= _MOST_WHOLE:
        return np.arange(low, high + 2) - 0.5
    if high <= low:
        low, high = low - 0.5, low + 0.5
    return np.linspace(low, high, 25)


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
        lambda figure: draw_heat(figure.subplots(), matrix, [plain(name) for name in names]),
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


def draw_heat(axes: Axes, matrix: NDArray[np.float64], names: Sequence[str]) -> None:
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
    chosen = distinct_strongest(table.strength, rank_correlation(table.values), _PAIRED)
    names = [plain(table.names[column]) for column in chosen]
    return Drawing(
        "pair-plot",
        "data",
        "The strongest features in pairs",
        "One dot per row below the diagonal, rank correlations of all rows above it. Features that nearly repeat a "
        "stronger one (rank correlation beyond 0.9) are skipped, so that each plot tells something new; at most "
        f"{_MOST_POINTS:,} rows per class are drawn.",
        f"Scatter plots of every pair of {', '.join(names)}, coloured by class, with histograms on the diagonal. "
        f"{_medians(table, chosen)}",
        (9.6, 9.0) if len(chosen) > 2 else (6.8, 6.2),
        lambda figure: _draw_pairs(figure, table, chosen),
    )


def distinct_strongest(strength: NDArray[np.float64], correlation: NDArray[np.float64], most: int) -> list[int]:
    """Return the strongest columns that do not nearly repeat a stronger one already chosen."""
    chosen: list[int] = []
    for column in np.argsort(-strength, kind="stable"):
        if all(abs(correlation[column, other]) <= _NEARLY_THE_SAME for other in chosen):
            chosen.append(int(column))
    return chosen[:most]


def _draw_pairs(figure: Figure, table: LabelledTable, chosen: Sequence[int]) -> None:
    """Draw histograms on the diagonal and scatter plots below it."""
    count, correlation = len(chosen), rank_correlation(table.values)
    grid = figure.subplots(count, count, squeeze=False, sharex="col")
    rows = _sample(table)
    for place, column in enumerate(chosen):
        draw_distribution(grid[place, place], table.values[:, column], table.target, table.colours)
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
                    table.target[rows],
                    table.colours,
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


def draw_scatter(axes: Axes, points: NDArray[np.float64], target: NDArray[Any], colours: dict[str, str]) -> None:
    """Draw points, (n, 2), coloured by class."""
    axes.scatter(points[:, 0], points[:, 1], c=[colours[name] for name in target], s=9, alpha=0.55, linewidths=0)
