"""One figure for each job: delta Ct or fold changes, the score on its scale, the standard curve with the samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cancernet.estimate import Estimate
from cancernet.files import whole_file
from cancernet.omics.pcr.analyse import Copies, Relative, Scores
from cancernet.omics.pcr.plate import STANDARD
from cancernet.omics.pcr.relative import Comparison
from cancernet.omics.pcr.score import RS21_CUTOFFS
from cancernet.report.style import INK, MUTED, NETWORK, Drawing, class_colours, key, plain, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_copies", "draw_relative", "draw_scores", "save_drawing"]

_ROW, _HEAD = 0.24, 1.4  # inches
_MOST = 40  # lines of a figure
_CUTS = {"paik2004": "Paik 2004", "tailorx2018": "TAILORx 2018"}
_CALLS = {"present": "#d55e00", "undecided": "#7a7a7a", "absent": "#0072b2"}


def save_drawing(path: Path, drawing: Drawing, *, force: bool = False) -> None:
    """Draw a figure into a PNG file."""
    with whole_file(path, force=force) as partial:
        partial.write_bytes(render(drawing).png)


def draw_relative(found: Relative) -> Drawing:
    """Return the figure of relative expression: fold changes where there is a control, else delta Ct."""
    return _folds(found) if found.comparisons else _deltas(found)


def _folds(found: Relative) -> Drawing:
    """Return the fold changes with their intervals, one line each."""
    shown = [one for one in found.comparisons if one.fold.value is not None][:_MOST]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for line, one in enumerate(shown):
            _fold_line(axes, line, one)
        axes.axvline(1, color=MUTED, linewidth=1)
        _logarithmic(axes, base=2)
        axes.set_yticks(range(len(shown)), [f"{plain(one.gene)}, {plain(one.group, 16)}" for one in shown])
        axes.invert_yaxis()
        axes.set_xlabel(f"fold change against {plain(found.control or '')}, with 95 % interval")
        axes.set_title("Relative expression")

    words = "; ".join(f"{one.gene} in {one.group} {one.fold.format(2)}" for one in shown)
    return _drawing("fold-changes", "Relative expression", words, lines=len(shown), draw=draw)


def _fold_line(axes: Axes, line: int, one: Comparison) -> None:
    """Draw one fold change."""
    colour = NETWORK if one.fold.low is not None and not one.fold.low <= 1 <= (one.fold.high or 0) else MUTED
    _dot(axes, line, one.fold, colour)


def _dot(axes: Axes, line: int, estimate: Estimate, colour: str) -> None:
    """Draw an estimate with its interval, where it has one."""
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [line, line], color=colour, linewidth=1.6)
    axes.plot([estimate.value or 0.0], [line], "o", color=colour, markersize=5)


def _deltas(found: Relative) -> Drawing:
    """Return delta Ct of each gene, a point for each sample, coloured by group."""
    table, delta = found.delta.table, found.delta
    genes = [place for place, gene in enumerate(table.genes) if gene not in delta.references][:_MOST]
    groups = np.array([found.plate.groups.get(sample, "samples") for sample in table.samples])
    colours = class_colours(list(dict.fromkeys(groups.tolist())))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        step = 0.5 / len(colours)
        for number, (group, colour) in enumerate(colours.items()):
            values = delta.values[groups == group][:, genes]
            places = np.broadcast_to(np.arange(len(genes)) + (number - (len(colours) - 1) / 2) * step, values.shape)
            axes.plot(values.ravel(), places.ravel(), "o", color=colour, alpha=0.55, markersize=3.5, linewidth=0)
        axes.set_yticks(range(len(genes)), [plain(table.genes[place]) for place in genes])
        axes.invert_yaxis()
        axes.set_xlabel("delta Ct, cycles beyond the reference genes (to the right: less expressed)")
        axes.set_title("Relative expression")
        if len(colours) > 1:
            key(axes, colours, loc="center left", bbox_to_anchor=(1, 0.5))

    words = f"Delta Ct of {len(genes)} genes in {len(table.samples)} samples"
    return _drawing("delta-ct", "Relative expression", words, lines=len(genes), draw=draw)


def draw_scores(found: Scores) -> Drawing:
    """Return the scores on their scale, with both pairs of cut-offs."""
    shown = [one for one in found.scores if one.score.value is not None][:_MOST]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for line, one in enumerate(shown):
            _dot(axes, line, one.score, NETWORK)
        for (name, cuts), dash in zip(RS21_CUTOFFS.items(), ("-", ":"), strict=True):
            for cut in cuts:
                axes.axvline(cut, color=MUTED, linestyle=dash, linewidth=1)
            axes.plot([], [], color=MUTED, linestyle=dash, linewidth=1, label=f"{_CUTS[name]}: {cuts[0]}, {cuts[1]}")
        axes.set_xlim(-1, 101)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks(range(len(shown)), [plain(one.sample) for one in shown])
        axes.set_xlabel("score, research re-implementation: not the commercial test")
        axes.set_title("Published 21-gene recurrence score")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="cut-offs")

    words = "; ".join(f"{one.sample} {one.score.format(1)}" for one in shown)
    return _drawing("score", "Published 21-gene recurrence score", words, lines=len(shown), draw=draw)


def draw_copies(found: Copies) -> Drawing:
    """Return the standard curve with the samples, and beside it how often wells of few copies are detected."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        _draw_curve(left, found)
        _draw_hits(right, found)

    curve, limit = found.assay.curve, found.assay.detection.limit
    words = f"Efficiency {curve.efficiency.format(2)}, limit of detection {limit.format(2)} copies"
    return Drawing("copies", "pcr", "Standard curve and detection", "", words, (10.5, 4.4), draw)


def _draw_curve(axes: Axes, found: Copies) -> None:
    """Draw cycles against copies: standards, line, samples."""
    curve, plate = found.assay.curve, found.plate
    wells = plate.wells(found.assay.gene, STANDARD)
    axes.plot(plate.quantities[wells], plate.ct[wells], "o", color=MUTED, markersize=3.5, alpha=0.6, label="standards")
    ends = np.array([curve.lowest, curve.highest])
    axes.plot(ends, curve.cycle(ends), color=INK, linewidth=1.4)
    for name, colour in _CALLS.items():
        calls = [one for one in found.calls if one.call == name and one.copies.value]
        copies = np.array([one.copies.value for one in calls], dtype=np.float64)
        label = f"{name}: {sum(one.call == name for one in found.calls)} samples"
        axes.plot(copies, curve.cycle(copies), "D", color=colour, markersize=5, linewidth=0, label=label)
    _logarithmic(axes, base=10)
    axes.set_xlabel("copies in a well")
    axes.set_ylabel("cycle")
    axes.set_title(f"Standard curve of {plain(found.assay.gene)}{', simulated' if plate.name == 'simulated' else ''}")
    axes.legend(loc="upper right")


def _draw_hits(axes: Axes, found: Copies) -> None:
    """Draw the share of wells that are detected, the fitted curve and the limit."""
    from scipy import stats

    detection = found.assay.detection
    share = np.array(detection.hits) / np.array(detection.wells)
    axes.plot(detection.levels, share, "o", color=MUTED, markersize=5)
    if detection.intercept is not None and detection.slope is not None:
        grid = np.geomspace(min(detection.levels) / 3, max(detection.levels), 200)
        fitted = stats.norm.cdf(detection.intercept + detection.slope * np.log10(grid))
        axes.plot(grid, fitted, color=INK, linewidth=1.4)
    if detection.limit.value is not None:
        axes.axvline(detection.limit.value, color=NETWORK, linewidth=1.2)
    if detection.single_hit.low is not None:
        axes.axvspan(detection.single_hit.low, detection.single_hit.high or np.inf, color=NETWORK, alpha=0.12)
    _logarithmic(axes, base=10)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("copies in a well")
    axes.set_ylabel("share of wells above the limit of blank")
    axes.set_title(f"Limit of detection {detection.limit.format(2)}")


def _logarithmic(axes: Axes, *, base: int) -> None:
    """Make the x axis logarithmic, with plain numbers."""
    axes.set_xscale("log", base=base)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_minor_formatter(lambda value, _: "")


def _drawing(name: str, title: str, words: str, *, lines: int, draw: Callable[[Figure], None]) -> Drawing:
    """Return the drawing of a list of lines."""
    return Drawing(name, "pcr", title, "", words, (7.5, _HEAD + _ROW * max(lines, 4)), draw)
