"""The figures of an explanation: bars for a few rows, one dot per row for many, importance with its intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.explain.attribution import Attribution
from cancernet.explain.importance import Importance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FEW_ROWS", "attribution_figure", "importance_figure"]

FEW_ROWS = 6  # up to here each row has bars of its own
_SHOWN = 12  # columns
_DOTS = 1000  # rows, evenly chosen from more
_METRIC_WORDS = {"auroc": "AUROC", "log_likelihood": "mean log likelihood"}
_TOWARDS, _AWAY, _GREY = "#c44601", "#2b6ca3", "#767676"  # told apart by the colour-blind and in grey


def attribution_figure(found: Attribution) -> Figure:
    """Return bars for up to six rows, and one dot per row and column for more.

    Parameters
    ----------
    found
        Of at least one row.
    """
    return _bars(found) if len(found) <= FEW_ROWS else _dots(found)


def importance_figure(found: Importance, metric: str) -> Figure:
    """Return the most important columns with their 95 % intervals.

    Parameters
    ----------
    found
        The largest first.
    metric
        Its name.
    """
    from matplotlib.figure import Figure

    shown = [(name, estimate) for name, estimate in found if estimate.value is not None][: 2 * _SHOWN]
    figure = Figure(figsize=(7, 1.4 + 0.28 * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots()
    if not shown:
        _say_why_empty(axes, found)
        return figure
    for place, (_, estimate) in enumerate(shown):
        _interval(axes, place, estimate)
    axes.axvline(0, color="black", linewidth=0.8)
    _columns_axis(axes, [name for name, _ in shown])
    axes.set_xlabel(
        f"loss of {_METRIC_WORDS.get(metric, metric)} when the column is shuffled\n(95 % interval; grey reaches 0)"
    )
    figure.suptitle(_title("Importance of the columns", len(shown), len(found)), fontsize=11)
    return figure


def _say_why_empty(axes: Axes, found: Importance) -> None:
    """Write the reason why no column has a number."""
    reason = next((estimate.reason for _, estimate in found if estimate.reason), "no columns")
    axes.set_axis_off()
    axes.text(0.5, 0.5, f"Importance of the columns is undefined: {reason}", ha="center", va="center")


def _interval(axes: Axes, place: int, estimate: Estimate) -> None:
    """Draw one number as a dot, with a line over its interval when it has one."""
    colour = _GREY
    if estimate.low is not None and estimate.high is not None:
        colour = _TOWARDS if estimate.low > 0 else _GREY
        axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    if estimate.value is not None:
        axes.plot(estimate.value, place, "o", color=colour, markersize=5)


def _bars(found: Attribution) -> Figure:
    """Return one panel of bars per row."""
    from matplotlib.figure import Figure

    shown = min(_SHOWN, len(found.columns)) + (len(found.columns) > _SHOWN)
    down, across = -(-len(found) // 2), min(2, len(found))
    figure = Figure(figsize=(6.4 * across, down * (1.5 + 0.27 * shown)), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True).reshape(-1)
    for row in range(len(found)):
        _bars_of_row(panels[row], found, row)
        panels[row].tick_params(labelbottom=True)  # of a shared axis only the lowest has them, and that may be hidden
    for panel in panels[len(found) :]:
        panel.set_visible(False)
    figure.supxlabel(_unit(found), fontsize=10)
    figure.suptitle(f"What moved the answer away from that for {found.reference_name}", fontsize=11)
    return figure


def _bars_of_row(axes: Axes, found: Attribution, row: int) -> None:
    """Draw the contributions of one row, the largest at the top, the rest in one bar."""
    contributions = found.contributions[row]
    order = np.argsort(-np.abs(contributions), kind="stable")
    top, rest = order[:_SHOWN], order[_SHOWN:]
    sizes = contributions[top].tolist() + ([float(contributions[rest].sum())] if len(rest) else [])
    names = [f"{found.columns[column]} = {found.values[row, column]:.4g}" for column in top]
    names += [f"{len(rest)} other columns"] * bool(len(rest))
    axes.barh(range(len(sizes)), sizes, color=[_TOWARDS if size > 0 else _AWAY for size in sizes], height=0.7)
    axes.axvline(0, color="black", linewidth=0.8)
    _columns_axis(axes, names)
    axes.set_title(_row_title(found, row), fontsize=10)


def _dots(found: Attribution) -> Figure:
    """Return one dot per row in a lane per column, coloured by the value of the column."""
    from matplotlib.figure import Figure

    rows = np.unique(np.linspace(0, len(found) - 1, min(_DOTS, len(found))).astype(int))
    top = np.argsort(-np.abs(found.contributions).mean(axis=0), kind="stable")[:_SHOWN]
    figure = Figure(figsize=(8, 1.6 + 0.42 * len(top)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=0.8)
    sizes = found.contributions[np.ix_(rows, top)].T  # (columns shown, rows shown)
    lanes = np.array([place + _spread(lane) for place, lane in enumerate(sizes)])
    colours = np.array([_ranks(found.values[rows, column]) for column in top])
    dots = axes.scatter(
        sizes.ravel(), lanes.ravel(), c=colours.ravel(), cmap="cividis", vmin=0, vmax=1, s=9, linewidths=0
    )
    bar = figure.colorbar(dots, ax=axes, ticks=[0, 1], aspect=40, pad=0.01)
    bar.ax.set_yticklabels(["low", "high"])
    bar.set_label("value of the column (rank)", labelpad=-12)
    _columns_axis(axes, [found.columns[column] for column in top])
    axes.set_xlabel(_unit(found))
    figure.suptitle(_dots_title(found, len(rows), len(top)), fontsize=11)
    return figure


def _columns_axis(axes: Axes, names: list[str]) -> None:
    """Label the lanes, the first at the top."""
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _spread(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return offsets within -0.4 to 0.4 that set dots of like size side by side."""
    span = np.ptp(sizes)
    cells = np.zeros(len(sizes), dtype=int) if span == 0 else ((sizes - sizes.min()) / span * 80).astype(int)
    order = np.argsort(cells, kind="stable")
    sorted_cells = cells[order]
    place = np.empty(len(sizes), dtype=int)
    place[order] = np.arange(len(sizes)) - np.searchsorted(sorted_cells, sorted_cells)
    side = np.where(place % 2, -1, 1) * ((place + 1) // 2)
    offsets: NDArray[np.float64] = 0.4 * side / max(12, int(np.abs(side).max()))
    return offsets


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean ranks from 0 to 1; equal values have equal ranks."""
    ordered = np.sort(values)
    middle = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") - 1
    ranks: NDArray[np.float64] = middle / max(1, 2 * (len(values) - 1))
    return ranks


def _row_title(found: Attribution, row: int) -> str:
    """Return what the model says about a row."""
    answer, explained = (found.cases.classes[codes[row]] for codes in (found.cases.predicted, found.explained))
    name = f"row {row + 1}" if found.cases.ids is None else str(found.cases.ids[row])
    abstained = ", abstained" if found.cases.abstained[row] else ""
    return f"{name}: predicted {answer}{abstained}, p({explained}) {_probability(found.probability[row])}"


def _probability(p: float) -> str:
    """Return '= 0.123', or '> 0.999' and '< 0.001' where three digits say no more."""
    if 0.001 <= p <= 0.999:
        return f"= {p:.3f}"
    return "> 0.999" if p > 0.5 else "< 0.001"


def _unit(found: Attribution) -> str:
    """Return the label of the axis of contributions."""
    classes = {found.cases.classes[code] for code in found.explained}
    name = f"'{classes.pop()}'" if len(classes) == 1 else "the predicted class"
    lacking = "Shapley values" if found.method == "shapley" else "what is lost when one column is set to the reference"
    return f"change of the {found.scale} of {name}; to the right speaks for it\n({lacking})"


def _dots_title(found: Attribution, dots: int, columns: int) -> str:
    """Return the title of the figure of many rows."""
    title = _title("What moved the answers", columns, len(found.columns))
    rows = f"{len(found)} rows" if dots == len(found) else f"{dots} of {len(found)} rows"
    return f"{title}, {rows}"


def _title(words: str, shown: int, of: int) -> str:
    """Return the words, and how many columns are shown when it is not all."""
    return words if shown == of else f"{words}: the {shown} of {of} columns that matter most"
