"""The page of a profile: nuclei of the field beside those of public sets, and each number among their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.profile.numbers import PROFILE
from cancernet.cells.profile.reference import NUCLEAR, Reference
from cancernet.cells.types import ABSTAINED, classes_of, colour_of, count_types, with_types
from cancernet.report.style import BASELINES, INK, MUTED, NETWORK, Drawing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_profile"]

_SIZE = (11.0, 12.5)  # inches
_BINS = 36
_COLUMNS = 3
_SHORT = 52  # characters of a line of words


def draw_profile(
    name: str, table: pd.DataFrame, profile: Mapping[str, float | None], *, references: Sequence[Reference]
) -> Drawing:
    """Return the page of a field.

    Parameters
    ----------
    name
        Of the field.
    table
        Of `measure_nuclei`.
    profile
        Of `profile_of`.
    references
        To stand beside.
    """

    def draw(figure: Figure) -> None:
        typed = with_types(table)
        heights = [1.0, 1.15, 0.17] if typed else [1.0, 1.15]
        upper, lower, *last = figure.subfigures(len(heights), 1, height_ratios=heights)  # type: ignore[misc]
        upper.suptitle(f"{name}: {len(table)} nuclei beside those of public sets", color=INK, fontweight="bold")
        panels = upper.subplots(2, _COLUMNS).ravel()
        for axes, (column, words) in zip(panels, NUCLEAR.items(), strict=True):
            _nuclei(axes, table[column].to_numpy(np.float64), words, column, references)
        lower.suptitle("The field among the fields of each set", color=INK, fontweight="bold")
        _fields(lower.subplots(), profile, references)
        for part in last:
            _types(part.subplots(), table)

    sets = ", ".join(reference.words for reference in references)
    return Drawing(
        "profile",
        "profile",
        f"Growth and structure of {name}",
        "Above: nuclei of this field (violet); lines: the middle half and nine tenths of the nuclei of each set. "
        "Below: where each number of this field lies among the fields of each set; 50 is their middle.",
        f"Histograms of {len(table)} nuclei, and ranks of {len(profile)} numbers among: {sets}",
        _SIZE,
        draw,
    )


def _nuclei(axes: Axes, values: NDArray[np.float64], words: str, column: str, references: Sequence[Reference]) -> None:
    """Draw the nuclei of the field as a histogram, and below it the quantiles of each set."""
    known = values[np.isfinite(values)]
    edges = [np.quantile(known, [0.01, 0.99])] if len(known) else []
    edges += [np.array([_at(one, column, 0.05), _at(one, column, 0.95)]) for one in references]
    low, high = float(np.min(edges)), float(np.max(edges))
    counts, bins = np.histogram(known, np.linspace(low, max(high, low + 1e-6), _BINS))
    heights = counts / max(counts.max(), 1)
    axes.stairs(heights, bins, fill=True, color=NETWORK, alpha=0.75)
    for place, one in enumerate(references):
        y, colour = -0.16 * (place + 1), BASELINES[place % len(BASELINES)]
        axes.plot([_at(one, column, 0.05), _at(one, column, 0.95)], [y, y], color=colour, linewidth=1.4)
        axes.plot([_at(one, column, 0.25), _at(one, column, 0.75)], [y, y], color=colour, linewidth=5)
        axes.plot(_at(one, column, 0.5), y, "o", color="white", markersize=4, markeredgecolor=colour)
        axes.text(high, y + 0.03, one.name, color=colour, fontsize=7.5, ha="right", va="bottom")
    axes.set(xlabel=words, yticks=[], ylim=(-0.16 * (len(references) + 0.6), 1.05))
    axes.grid(visible=False)


def _at(reference: Reference, column: str, share: float) -> float:
    """Return a quantile of the nuclei of a set."""
    return float(np.interp(share, reference.shares, reference.of_nuclei[column]))


def _fields(axes: Axes, profile: Mapping[str, float | None], references: Sequence[Reference]) -> None:
    """Draw for each number its rank among the fields of each set."""
    names = list(PROFILE)
    for place, one in enumerate(references):
        ranks = [None if (value := profile[name]) is None else one.rank(name, value) for name in names]
        heights = len(names) - 1 - np.arange(len(names)) + 0.22 * (place - (len(references) - 1) / 2)
        known = [(100 * rank, height) for rank, height in zip(ranks, heights, strict=True) if rank is not None]
        if known:
            axes.plot(*np.transpose(known), "osD^"[place % 4], color=BASELINES[place % len(BASELINES)], label=one.words)
    axes.axvspan(25, 75, color="#eceef4", zorder=0)
    labels = [f"{_folded(PROFILE[name])}: {_number(profile[name])}" for name in names]
    axes.set(yticks=range(len(names) - 1, -1, -1), yticklabels=labels, xlim=(-3, 103), ylim=(-0.6, len(names) - 0.4))
    axes.set_xlabel("percent of the fields of the set that have less; grey: their middle half")
    axes.tick_params(axis="y", labelcolor=INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(references), labelcolor=MUTED)


def _folded(words: str) -> str:
    """Return words on two lines when they are long."""
    import textwrap

    return "\n".join(textwrap.wrap(words, _SHORT))


def _types(axes: Axes, table: pd.DataFrame) -> None:
    """Draw how many nuclei are of which type, as parts of one bar; those that are left open last, in grey."""
    counts, left = count_types(table), 0
    colours = {name: colour_of(place) for place, name in enumerate(classes_of(table))}
    for name, (red, green, blue) in {**colours, ABSTAINED: (205, 207, 214)}.items():
        label = f"{name} {counts[name]}"
        axes.barh(
            0, counts[name], left=left, color=(red / 255, green / 255, blue / 255), label=label, edgecolor="white"
        )
        left += counts[name]
    axes.set(yticks=[], xlim=(0, max(left, 1)), title="Types of nuclei")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=len(colours) + 1, labelcolor=MUTED)


def _number(value: float | None) -> str:
    """Return a number in three digits, or that there are too few nuclei."""
    if value is None:
        return "too few nuclei"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
