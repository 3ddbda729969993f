"""Figures of how even the answers are: the share of right ones by group, and the expected grade by true grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.intervals import Z95
from cancernet.metrics.scored import Scored
from cancernet.report.record import GroupRow, RunRecord
from cancernet.report.sheets import plural
from cancernet.report.style import INK, MUTED, NETWORK, SINGLE, Drawing, plain
from cancernet.report.words import number, share
from cancernet.tasks import expected_grade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Evenness", "draw_funnel", "draw_grades", "draw_shares", "evenness", "grade_drawings", "group_drawings"]

_FEW_ROWS = 10  # up to so many rows in the largest group, chance alone makes any share of right answers
_FEWEST_GROUPS = 3
_BINS = 20
_BESIDE_CONFUSION = 4  # classes; with more the confusion matrix needs the width of the page
_MOST_DOTS = 400  # of one grade; more only make a stain


# Groups


@dataclass(frozen=True, eq=False)
class Evenness:
    """The share of right answers of each group, and how it would scatter were all groups equally hard.

    Parameters
    ----------
    rows, right
        Shape (groups,).
    overall
        Share of right answers over all rows.
    """

    rows: NDArray[np.int64]
    right: NDArray[np.int64]
    overall: float

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of right answers of each group."""
        return self.right / self.rows

    def half_width(self, rows: NDArray[np.number[Any]]) -> NDArray[np.float64]:
        """Return how far the share of a group of so many rows would lie from that of all, in 95 % of the groups."""
        width: NDArray[np.float64] = Z95 * np.sqrt(self.overall * (1 - self.overall) / np.asarray(rows))
        return width

    @property
    def outside(self) -> tuple[int, int]:
        """Number of groups below and above what chance makes of groups that are equally hard."""
        distance, width = self.shares - self.overall, self.half_width(self.rows)
        return int((distance < -width).sum()), int((distance > width).sum())


def evenness(rows: Sequence[GroupRow]) -> Evenness:
    """Return the shares of right answers of groups."""
    sizes, right = (np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in ("rows", "right"))
    return Evenness(sizes, right, float(right.sum() / sizes.sum()))


def group_drawings(record: RunRecord) -> list[Drawing]:
    """Return the share of right answers by group; nothing for few groups, or when each has a single row."""
    if len(record.by_group) < _FEWEST_GROUPS or max(row.rows for row in record.by_group) < 2:
        return []
    found, name = evenness(record.by_group), record.group_name
    funnel = int(found.rows.max()) > _FEW_ROWS
    low, middle, high = np.percentile(found.shares, (25, 50, 75))
    below, above = found.outside
    words = f"{below} of {len(found.rows)} lie below and {above} above the dotted lines" if funnel else ""
    return [
        Drawing(
            "right-by-group",
            "groups",
            f"Right answers by {name}",
            f"Left: how many {plural(name)} have which share of right answers. Right: each dot is a {name}. Were all "
            f"{plural(name)} equally hard, 95 % of the dots would lie between the dotted lines; those beneath are the "
            "ones to look at."
            if funnel
            else f"How many {plural(name)} have which share of right answers.",
            f"Histogram of the share of right answers of {len(found.rows)} {plural(name)}: median {share(middle)}, "
            f"middle half from {share(low)} to {share(high)}, over all rows {share(found.overall)}. {words}",
            (9.6, 3.7) if funnel else (SINGLE[0], 3.7),
            lambda figure: _draw_groups(figure, found, name=name, funnel=funnel),
        )
    ]


def _draw_groups(figure: Figure, found: Evenness, *, name: str, funnel: bool) -> None:
    """Draw the histogram, and the funnel beside it."""
    grid = figure.subplots(1, 2 if funnel else 1, squeeze=False).ravel()
    draw_shares(grid[0], found, name=name)
    if funnel:
        draw_funnel(grid[1], found, name=name)


def draw_shares(axes: Axes, found: Evenness, *, name: str) -> None:
    """Draw how many groups have which share of right answers."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    edges = _edges(int(found.rows.max()))
    axes.stairs(np.histogram(found.shares, edges)[0], edges, fill=True, color=NETWORK, edgecolor="white", linewidth=0.8)
    axes.axvline(found.overall, color=INK, linewidth=1.2, linestyle=":", label=f"all rows: {share(found.overall)}")
    axes.set(xlabel="share of right answers", ylabel=plural(name), xlim=(edges[0] - 0.01, edges[-1] + 0.01))
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best")
    axes.grid(visible=False, axis="x")


def _edges(most: int) -> NDArray[np.float64]:
    """Return the edges of the bins; where the largest group has few rows, each possible share is amid a bin."""
    if most > _FEW_ROWS:
        return np.linspace(0, 1, _BINS + 1)
    half = 1 / (4 * most)
    return np.linspace(-half, 1 + half, 2 * most + 2)


def draw_funnel(axes: Axes, found: Evenness, *, name: str) -> None:
    """Draw the share of each group over its rows, between the limits of chance (Spiegelhalter 2005)."""
    from matplotlib.ticker import NullFormatter, PercentFormatter

    wide = found.rows.max() >= 10 * found.rows.min()
    places = np.geomspace(max(1, found.rows.min() * 0.85), found.rows.max() * 1.15, 200)
    half = found.half_width(places)
    for limit in (found.overall - half, found.overall + half):
        axes.plot(places, np.clip(limit, 0, 1), color=MUTED, linewidth=1.1, linestyle=":")
    axes.axhline(found.overall, color=MUTED, linewidth=1)
    _draw_dots(axes, found)
    axes.set(xlabel=f"rows of the {name}", ylabel="share of right answers", ylim=(-0.04, 1.04))
    axes.set(xscale="log" if wide else "linear", xlim=(places[0], places[-1]))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def _draw_dots(axes: Axes, found: Evenness) -> None:
    """Draw a dot for each group, a larger one where several lie on each other; those below the limits as diamonds."""
    pairs, counts = np.unique(np.stack([found.rows, found.right]), axis=1, return_counts=True)
    rows, shares = pairs[0], pairs[1] / pairs[0]
    below = shares < found.overall - found.half_width(rows)
    for mask, colour, mark in ((~below, NETWORK, "o"), (below, "#d55e00", "D")):
        sizes = 22 * np.minimum(counts[mask], 12)
        axes.scatter(rows[mask], shares[mask], s=sizes, color=colour, marker=mark, alpha=0.6, linewidths=0, zorder=2)


# Grades


def grade_drawings(record: RunRecord) -> list[Drawing]:
    """Return the expected grade by true grade; nothing where the classes have no order."""
    scored = record.scored
    if not scored.ordered or not len(scored):
        return []
    expected, few = expected_grade(scored.probabilities), len(scored.classes) <= _BESIDE_CONFUSION
    medians = "; ".join(
        f"{plain(name)} (grade {code}): {number(float(np.median(expected[scored.truth == code])), 2)}"
        for code, name in enumerate(scored.classes)
        if (scored.truth == code).any()
    )
    return [
        Drawing(
            "expected-grade",
            "results",
            "Expected grade by true grade",
            "The mean of the grades, weighted by their probabilities: one dot per row (at most "
            f"{_MOST_DOTS} of a grade), box for the middle half with the median, line for nine in ten. Orange: the "
            "true grade. Boxes that do not overlap tell the grades apart; boxes that are drawn to the middle are "
            "cautious.",
            f"Boxes of the expected grade, medians by true grade: {medians}.",
            (SINGLE[0] if few else 9.6, max(SINGLE[1], 1.1 + 0.62 * len(scored.classes))),
            lambda figure: draw_grades(figure.subplots(), scored, expected=expected),
        )
    ]


def draw_grades(axes: Axes, scored: Scored, *, expected: NDArray[np.float64]) -> None:
    """Draw a box with its dots for each true grade, the least severe on top."""
    import seaborn as sns

    codes = np.arange(len(scored.classes))
    shown = _sample(scored.truth, codes=codes)
    dots: dict[str, Any] = {"color": NETWORK, "size": 2.6, "alpha": 0.4, "jitter": 0.28, "zorder": 1}
    names = [f"{plain(name, 22)} ({code})" for code, name in enumerate(scored.classes)]
    sns.stripplot(x=expected[shown], y=scored.truth[shown], orient="h", order=codes, ax=axes, **dots)
    for code in np.unique(scored.truth).tolist():
        _draw_box(axes, expected[scored.truth == code], height=code)
    axes.plot(codes, codes, "|", color="#d55e00", markersize=26, markeredgewidth=2.4, zorder=3)
    axes.set(xlabel="expected grade", ylabel="", xlim=(-0.15, codes[-1] + 0.15), xticks=codes)
    axes.set_yticks(codes, names)
    axes.set_ylim(codes[-1] + 0.55, -0.55)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")


def _draw_box(axes: Axes, values: NDArray[np.float64], *, height: int) -> None:
    """Draw the middle half as a box, the median, and the range of nine in ten.

    Not by seaborn's own box, which asks matplotlib for an option that version 3.13 will no longer have.
    """
    low, first, median, third, high = np.percentile(values, (5, 25, 50, 75, 95))
    ends = np.array([0.12, 0.31, 0.12])
    line: dict[str, Any] = {"color": INK, "linewidth": 1.3, "zorder": 2}
    axes.barh(height, third - first, left=first, height=0.62, fill=False, edgecolor=INK, linewidth=1.3, zorder=2)
    axes.hlines([height, height], [low, third], [first, high], **line)
    axes.vlines([low, median, high], height - ends, height + ends, **line)


def _sample(truth: NDArray[np.int64], *, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows whose dots are drawn, the same ones every time."""
    random = np.random.default_rng(0)
    return np.concatenate([random.permutation(np.flatnonzero(truth == code))[:_MOST_DOTS] for code in codes])
