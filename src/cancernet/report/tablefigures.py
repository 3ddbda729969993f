"""Figures of a table: how many of each class, how the features lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.report.style import INK, MUTED, Drawing, class_colours, key, plain
from cancernet.report.words import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cancernet.data import Table

__all__ = ["LabelledTable", "draw_distribution", "label_table", "medians_in_words", "table_drawings"]

_MOST_SMALL = 48  # small multiples beyond this many cannot be read
_STRONGEST = 6
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
    strength = np.array([_strength(column, target, classes=classes) for column in table.values.T])
    names = tuple(table.feature_names)
    return LabelledTable(names, units, table.values, target, class_colours(classes, positive), strength)


def _strength(column: NDArray[np.float64], target: NDArray[Any], *, classes: Sequence[str]) -> float:
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
    """Return class balance and distributions."""
    return [_balance(table), _strongest(table), _all_features(table)]


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
        lambda figure: draw_balance(figure.subplots(), counts, colours=table.colours),
    )


def draw_balance(axes: Axes, counts: dict[str, int], *, colours: dict[str, str]) -> None:
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
        f"Histograms by class of the {len(chosen)} strongest features: {listed}. {medians_in_words(table, chosen[:3])}",
        (3.5 * columns, 2.5 * rows + 0.35),
        lambda figure: _draw_small(figure, table, chosen=chosen, columns=columns, tall=True),
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
        lambda figure: _draw_small(figure, table, chosen=chosen, columns=columns, tall=False),
    )


def medians_in_words(table: LabelledTable, columns: Sequence[int]) -> str:
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


def _draw_small(figure: Figure, table: LabelledTable, *, chosen: Sequence[int], columns: int, tall: bool) -> None:
    """Draw one small plot per feature, and one legend for all."""
    rows = -(-len(chosen) // columns)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, column in zip(grid, chosen, strict=False):
        draw_distribution(axes, table.values[:, column], target=table.target, colours=table.colours)
        _name_small(axes, table, column=column, tall=tall)
    for axes in grid[len(chosen) :]:
        axes.set_axis_off()
    key(figure, table.colours, loc="outside upper right", ncols=len(table.colours))


def _name_small(axes: Axes, table: LabelledTable, *, column: int, tall: bool) -> None:
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


def draw_distribution(
    axes: Axes, values: NDArray[np.float64], *, target: NDArray[Any], colours: dict[str, str]
) -> None:
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
