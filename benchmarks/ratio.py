"""Nucleus and cytoplasm of cells of Pap smears: how well they are outlined, and what their ratio says of the grade.

Five folds of `studies/cytology.toml`, groups are the fields of view; each image is outlined by a network that has not
seen its group, with thresholds chosen on images of other folds. An image shows one cell: of several things that were
found the one with the largest cell counts. Weights are kept in build/benchmarks/cytology.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.cytology import FOLDER, NUCLEUS
from benchmarks.page import table
from cancernet import studies
from cancernet.cells import cells_of, outline_maps, resize_maps
from cancernet.estimate import Estimate
from cancernet.metrics.intervals import draw_counts, percentile
from cancernet.studies.nuclei.fit import cross_fit
from cancernet.studies.nuclei.plan import make_nuclei_plan

KEPT = Path("build", "benchmarks", "cytology")
CELLS = KEPT / "cells.csv"
DRAWS = 1000
Floats = NDArray[np.float64]


def measure() -> str:
    """Return Dice of nucleus and cell, the ratio beside that of the masks, and both beside the grade."""
    return _page(pd.DataFrame(list(_rows())))


def _page(rows: pd.DataFrame) -> str:
    """Return the tables of what was found in each image."""
    manifest = pd.read_csv(FOLDER / "manifest.csv").set_index("path")
    rows["grade"] = manifest.loc[rows["id"], "grade"].to_numpy()
    rows["given"] = manifest.loc[rows["id"], "nucleus_fraction"].to_numpy()
    rows.to_csv(CELLS, index=False)
    groups = np.unique(rows["group"], return_inverse=True)[1]
    known = rows["share"].notna().to_numpy()
    found = {
        "Dice of the nucleus, all that was found": _estimate(lambda part: part["every"].mean(), rows, groups),
        "of the cell that counts only": _estimate(lambda part: part["nucleus"].mean(), rows, groups),
        "Dice of the cell": _estimate(lambda part: part["cell"].mean(), rows, groups),
        "Spearman of the ratio with the grade": _estimate(_spearman("share", "grade"), rows[known], groups[known]),
        "the same of the masks' own ratio": _estimate(_spearman("given", "grade"), rows, groups),
        "Spearman of both ratios": _estimate(_spearman("share", "given"), rows[known], groups[known]),
        "mean absolute error of the ratio": _estimate(_error, rows[known], groups[known]),
    }
    words = (
        f"{int((~known).sum())} of {len(rows)} cells have no ratio: no nucleus, or no cytoplasm, was found. They are "
        f"left out of the lines about it, and count as Dice 0 where they have no nucleus."
    )
    by_grade = rows.groupby("grade")[["every", "cell", "share", "given"]].mean()
    lines = [
        [str(grade), *(f"{value:.3f}" for value in row)]
        for grade, row in zip(by_grade.index, by_grade.values, strict=True)
    ]
    head = [f"Herlev, {len(rows)} cells, {rows['group'].nunique()} groups", "out-of-fold"]
    return "\n\n".join(
        [
            table(head, [[name, one.format()] for name, one in found.items()]),
            words,
            table(
                ["grade, means", "Dice of the nucleus", "Dice of the cell", "ratio found", "ratio of the masks"], lines
            ),
        ]
    )


def _rows() -> Iterator[dict]:
    """Yield what was found in each image."""
    plan = make_nuclei_plan(studies.find_study("studies/cytology.toml"))
    work = KEPT / plan.digest[:16]  # fits of another study are not taken for its own
    work.mkdir(parents=True, exist_ok=True)
    found = cross_fit(plan, studies.Progress(), work=work)
    for one in found.tested:
        field, options = plan.fields[one.field], found.outlinings[one.fold]
        labels = outline_maps(one.maps, field.things.shape, options=options, mpp=plan.study.model.mpp)
        yield _about(field, labels, one.maps)


def _about(field, labels: NDArray[np.int32], maps: NDArray[np.float32]) -> dict:
    """Return Dice and ratio of an image."""
    cytoplasm = resize_maps(maps[..., :1], labels.shape)[..., 0] >= 0.5
    cells = cells_of(labels, cytoplasm)
    sizes = np.bincount(cells.ravel())[1:]
    largest = int(sizes.argmax()) + 1 if len(sizes) else 0
    nucleus, cell = (labels == largest) & (labels > 0), (cells == largest) & (cells > 0)
    share = nucleus.sum() / cell.sum() if cell.sum() > nucleus.sum() > 0 else np.nan
    true = field.classes == NUCLEUS
    return {
        "id": field.id,
        "group": field.group,
        "every": _dice(true, labels > 0),
        "nucleus": _dice(true, nucleus),
        "cell": _dice(field.classes > 0, cell),
        "share": share,
    }


def _dice(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Return twice the common area by the sum of both."""
    return 2 * float((true & found).sum()) / max(float(true.sum() + found.sum()), 1.0)


def _spearman(first: str, second: str):
    """Return a function of rows: the rank correlation of two columns."""
    return lambda part: float(spearmanr(part[first], part[second]).statistic)


def _error(part: pd.DataFrame) -> float:
    """Return the mean absolute difference of the ratios."""
    return float((part["share"] - part["given"]).abs().mean())


def _estimate(of, rows: pd.DataFrame, groups: Sequence[int]) -> Estimate:
    """Return a number with its interval over groups."""
    places = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    draws = np.concatenate(list(draw_counts(len(places), DRAWS, 0, rows=len(rows)))).astype(int)
    found = [
        of(rows.iloc[np.concatenate([np.tile(place, n) for place, n in zip(places, drawn, strict=True)])])
        for drawn in draws
    ]
    low, high = percentile(np.array(found), len(places)) or (None, None)
    return Estimate(float(of(rows)), low, high, len(rows), len(places), "percentile bootstrap over groups")
