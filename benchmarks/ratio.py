"""Nucleus and cytoplasm of cells of Pap smears: how well they are outlined, and what their ratio says of the grade.

Five folds of `studies/cytology.toml`, groups are the fields of view; each image is outlined by a network that has not
seen its group, with thresholds chosen on training images. An image shows one cell: of several things that were found
the one with the largest cell counts. Weights are kept in build/benchmarks/cytology.
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
from cancernet.cells import cells_of, resize_maps
from cancernet.estimate import Estimate
from cancernet.files import read_arrays, write_arrays
from cancernet.metrics.intervals import draw_counts, percentile
from cancernet.studies.nuclei.fit import maps_of
from cancernet.studies.nuclei.measure import answer_of, choose_outlining
from cancernet.studies.nuclei.plan import NucleiPlan, make_nuclei_plan
from cancernet.training import FittedSegmenter, SegmenterLearner, make_targets, prepare_scene, seed_of

KEPT = Path("build", "benchmarks", "cytology")
CELLS = KEPT / "cells.csv"
DRAWS, CHOSEN_ON = 1000, 40
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
    learner = SegmenterLearner(plan.study.model, plan.study.training, maps=len(plan.study.classes))
    for number, fold in enumerate(plan.split.folds):
        fitted = _fitted(plan, learner, fold.train, seed_of(plan.study.training.seed, fold.repeat, fold.number), number)
        shown = fold.train[:: max(1, len(fold.train) // CHOSEN_ON)].tolist()
        mpp, test = plan.study.model.mpp, fold.test.tolist()
        maps = list(maps_of(plan, learner, fitted, rows=[*shown, *test]))
        pairs = zip(maps, (plan.fields[row] for row in shown), strict=False)
        options = choose_outlining(pairs, mpp=mpp, rows="training images")
        for row, own in zip(test, maps[len(shown) :], strict=True):
            names = plan.study.classes
            answer = answer_of(plan.fields[row], own, place=row, fold=number, options=options, names=names, mpp=mpp)
            yield _about(plan.fields[row], answer.labels, own)


def _fitted(
    plan: NucleiPlan, learner: SegmenterLearner, rows: NDArray[np.int64], seed: int, number: int
) -> FittedSegmenter:
    """Return the network of a fold, fitted once."""
    place = KEPT / f"fold-{number}.fit.npz"
    KEPT.mkdir(parents=True, exist_ok=True)
    if not place.is_file():
        fitted = learner.fit([_scene(plan, row) for row in rows.tolist()], seed=seed)
        write_arrays(place, {str(number): array for number, array in enumerate(fitted.weights)})
    arrays = read_arrays(place)
    return FittedSegmenter([arrays[str(number)] for number in range(len(arrays))], ())


def _scene(plan: NucleiPlan, row: int):
    """Return an image ready to be learnt from."""
    field, study = plan.fields[row], plan.study
    targets = make_targets(field.classes, field.things, count=len(study.classes))
    return prepare_scene(field.image, targets, scale=field.mpp / study.model.mpp, zoom=study.training.zoom)


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
