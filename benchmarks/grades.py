"""Grades of cells of Pap smears: measurements, CancerNet, and both together. Herlev, given masks.

Several ways to learn from measurements are tried, and which of them is used is chosen inside of the training folds, by
quadratic kappa of inner folds. CancerNet's answers are the out-of-fold ones of `studies/cytology-grade.toml`;
CANCERNET_BENCH_GRADES names a finished run of it, whose folds are taken for all. Both are joined by a model for ordered
grades on their cumulative logits: of measurements those of inner folds, of CancerNet those of the outer ones. The
latter's networks have seen the rows of the fold that is tested, as inputs of other rows' answers; 25 fits would avoid
it. `studies/cytology-measured.toml` gives what a user gets from the command line; CANCERNET_BENCH_MEASURED names a run
of it.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.cytology import SHOWN, _cells, _numbers
from benchmarks.page import table
from cancernet.cells import CYTOLOGY
from cancernet.metrics import Scored, paired_difference
from cancernet.tasks import nearest_grade

KEPT = Path("build", "benchmarks", "grades.csv")
ANSWERS = Path("build", "benchmarks", "grade-answers.csv")
NAMES = ("normal", "light", "moderate", "severe", "in situ")
SHARE, ALL, MORE = "share of the nucleus", "all measurements", "with logarithms and contrasts"
LINEAR = (0.003, 0.01, 0.03, 0.1, 0.3)  # strengths of the penalty
LEAVES = (5, 15)  # least rows in a leaf of a tree
SMALLEST = 1e-3

Floats = NDArray[np.float64]
Fit = Callable[[Floats, NDArray[np.int64], Floats], Floats]


def measure() -> str:
    """Return the table of all ways, and their paired differences."""
    cells = cells_once()
    truth, groups = cells["grade"].to_numpy(np.int64), cells["group"].to_numpy(str)
    chances = {name: np.empty((len(cells), len(NAMES))) for name in (SHARE, *WAYS, "chosen inside")}
    network, both, picked = network_of(), np.empty((len(cells), len(NAMES))), []
    for train, test in folds(cells):
        inner = {}
        for name, way in {**WAYS, SHARE: ONE}.items():
            inner[name], chances[name][test] = _answers(way, cells, train, test)
        del inner[SHARE]  # it stands beside the others, and is none of those that are chosen from
        best = max(inner, key=lambda name: _kappa(truth[train], inner[name]))
        picked.append(best)
        chances["chosen inside"][test] = chances[best][test]
        if network is not None:
            known = np.hstack([_cumulative(inner[best]), _cumulative(network[train])])
            new = np.hstack([_cumulative(chances[best][test]), _cumulative(network[test])])
            both[test] = _ordered(0.1)(known, truth[train], new)
    if network is not None:
        chances |= {"CancerNet alone": network, "measurements and CancerNet": both}
    scored = {name: _scored(one, truth, groups) for name, one in chances.items()}
    said = {name: one.predicted for name, one in scored.items()}
    pd.DataFrame({"truth": truth, "group": groups, **said}).to_csv(ANSWERS, index=False)
    if (run := os.environ.get("CANCERNET_BENCH_MEASURED")) is not None:
        scored["the study cytology-measured"] = _scored(_of_run(Path(run)), truth, groups)
    return "\n\n".join([_table(scored, cells), _differences(scored), _disagreement(scored, truth), _words(picked)])


def cells_once() -> pd.DataFrame:
    """Return the measurements of all cells, kept in a file."""
    if not KEPT.is_file():
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        _cells().to_csv(KEPT, index=False)
    return pd.read_csv(KEPT, dtype={"group": str})


def folds(cells: pd.DataFrame) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the five folds of the run, so that all differences are paired; without one those of cytology.py."""
    run = os.environ.get("CANCERNET_BENCH_GRADES")
    if run is None:
        split = StratifiedGroupKFold(5, shuffle=True, random_state=7)
        return list(split.split(cells, cells["grade"], cells["group"]))
    number = _predictions(Path(run))["fold"].to_numpy()
    return [(np.flatnonzero(number != fold), np.flatnonzero(number == fold)) for fold in np.unique(number)]


def _predictions(run: Path) -> pd.DataFrame:
    """Return the out-of-fold answers of a run, in the order of the manifest."""
    return pd.read_csv(run / "predictions.csv").set_index("id").loc[_ids()]


def network_of() -> Floats | None:
    """Return CancerNet's out-of-fold answers; None without a run."""
    run = os.environ.get("CANCERNET_BENCH_GRADES")
    return None if run is None else _of_run(Path(run))


def _of_run(run: Path) -> Floats:
    """Return the out-of-fold answers of a run, in the order of the cells."""
    rows = _predictions(run)
    names = NAMES if f"p_{NAMES[0]}" in rows else [str(code) for code in range(len(NAMES))]
    return rows[[f"p_{name}" for name in names]].to_numpy(np.float64)


def _ids() -> list[str]:
    """Return the names of the cells, in the order of the manifest."""
    from benchmarks.cytology import FOLDER

    return pd.read_csv(FOLDER / "manifest.csv")["path"].tolist()


def _columns(cells: pd.DataFrame, *, more: bool) -> Floats:
    """Return the measurements; with more of them, logarithms and what sets nucleus and cell apart."""
    values = cells[list(CYTOLOGY)].to_numpy(np.float64)
    if not more:
        return values
    share = np.clip(cells["nucleus_share"].to_numpy(np.float64), SMALLEST, 1 - SMALLEST)
    positive = [name for name in CYTOLOGY if (cells[name] > 0).all()]
    logs = np.log(cells[positive].to_numpy(np.float64))
    pairs = [name.removeprefix("cell_") for name in CYTOLOGY if name.startswith("cell_")]
    apart = [cells[f"nucleus_{name}"] - cells[f"cell_{name}"] for name in pairs if f"nucleus_{name}" in cells]
    return np.column_stack([values, np.log(share / (1 - share)), np.log(share), logs, *apart])


def _ordered(penalty: float) -> Fit:
    """Return a logistic regression for each step between grades (Frank and Hall 2001)."""

    def fit(known: Floats, grades: NDArray[np.int64], new: Floats) -> Floats:
        above = [np.ones(len(new))]
        for step in range(grades.max()):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=2000))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                above.append(model.fit(known, grades > step).predict_proba(new)[:, 1])
        return _from_steps(above)

    return fit


def _trees(leaf: int) -> Fit:
    """Return randomised trees whose means for each step are chances: one regression for all steps."""

    def fit(known: Floats, grades: NDArray[np.int64], new: Floats) -> Floats:
        steps = grades[:, None] > np.arange(grades.max())
        model = ExtraTreesRegressor(300, min_samples_leaf=leaf, max_features=0.5, random_state=0)
        return _from_steps([np.ones(len(new)), *model.fit(known, steps.astype(float)).predict(new).T])

    return fit


def _from_steps(above: Sequence[Floats]) -> Floats:
    """Return the chances of grades from those to be above each step."""
    falling = np.minimum.accumulate(np.stack([*above, np.zeros_like(above[0])]), axis=0)
    chances = np.maximum(-np.diff(falling, axis=0).T, 1e-6)
    return chances / chances.sum(axis=1, keepdims=True)


Way = tuple[bool | None, dict[str, Fit]]
ONE: Way = (None, {str(penalty): _ordered(penalty) for penalty in LINEAR})
WAYS: dict[str, Way] = {
    ALL: (False, {str(penalty): _ordered(penalty) for penalty in LINEAR}),
    MORE: (True, {str(penalty): _ordered(penalty) for penalty in LINEAR}),
    "randomised trees": (False, {str(leaf): _trees(leaf) for leaf in LEAVES}),
}


def _values(way: Way, cells: pd.DataFrame) -> Floats:
    """Return the columns of a way."""
    return cells[["nucleus_share"]].to_numpy() if way[0] is None else _columns(cells, more=way[0])


def _inner_all(way: Way, cells: pd.DataFrame, train: NDArray[np.int64]) -> dict[str, Floats]:
    """Return the answers of inner folds about the training rows, for each setting of a way."""
    values, grades, groups = (
        _values(way, cells)[train],
        cells["grade"].to_numpy()[train],
        cells["group"].to_numpy()[train],
    )
    found = {name: np.empty((len(train), len(NAMES))) for name in way[1]}
    for kept, held in StratifiedGroupKFold(4, shuffle=True, random_state=7).split(values, grades, groups):
        for name, fit in way[1].items():
            found[name][held] = fit(values[kept], grades[kept], values[held])
    return found


def _answers(way: Way, cells: pd.DataFrame, train: NDArray[np.int64], test: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the answers about training rows (of inner folds) and test rows, at the setting that inner folds chose."""
    values, grades = _values(way, cells), cells["grade"].to_numpy()
    found = _inner_all(way, cells, train)
    best = max(found, key=lambda name: _kappa(grades[train], found[name]))
    return found[best], way[1][best](values[train], grades[train], values[test])


def _kappa(truth: NDArray[np.int64], chances: Floats) -> float:
    """Return quadratic kappa."""
    return float(cohen_kappa_score(truth, nearest_grade(chances), weights="quadratic"))


def _cumulative(chances: Floats) -> Floats:
    """Return the log-odds to be above each step."""
    above = np.clip(1 - np.cumsum(chances, axis=1)[:, :-1], SMALLEST, 1 - SMALLEST)
    return np.log(above / (1 - above))


def _scored(chances: Floats, truth: NDArray[np.int64], groups: NDArray[np.str_]) -> Scored:
    """Return answers beside the truth."""
    return Scored(truth, chances, nearest_grade(chances), groups, NAMES, ordered=True)


def _table(scored: dict[str, Scored], cells: pd.DataFrame) -> str:
    """Return the metrics of all ways."""
    head = [f"Herlev, {len(cells)} cells, {cells['group'].nunique()} groups, out-of-fold", *SHOWN]
    return table(head, [[name, *_numbers(one)] for name, one in scored.items()])


def _differences(scored: dict[str, Scored]) -> str:
    """Return the paired differences that matter."""
    pairs = [(name, SHARE) for name in scored if name != SHARE]
    both = "measurements and CancerNet"
    pairs += [(both, other) for other in ("CancerNet alone", "chosen inside") if both in scored]
    rows = []
    for first, second in pairs:
        found = paired_difference(scored[first], scored[second], metrics=SHOWN)
        rows.append([f"{first} less {second}", *(found[key].format() for key in SHOWN)])
    return table(["paired over groups", *SHOWN], rows)


def _disagreement(scored: dict[str, Scored], truth: NDArray[np.int64]) -> str:
    """Return how often measurements and CancerNet disagree, and who is nearer to the truth then."""
    if "CancerNet alone" not in scored:
        return "Without a run of cytology-grade nothing is said of CancerNet."
    first, second = (scored[name].predicted for name in ("chosen inside", "CancerNet alone"))
    rows = []
    for apart in range(3):
        chosen = np.abs(first - second) == apart if apart < 2 else np.abs(first - second) >= apart
        errors = [np.abs(one - truth)[chosen] for one in (first, second)]
        nearer = [f"{(errors[i] < errors[1 - i]).mean():.0%}" for i in (0, 1)]
        words = ("the same grade", "one grade apart", "two grades or more")[apart]
        mean = [f"{one.mean():.2f}" for one in errors]
        rows.append([words, f"{chosen.sum()} ({chosen.mean():.0%})", *mean, *nearer])
    head = ["measurements and CancerNet say", "cells", "error of measurements, grades", "error of CancerNet"]
    return table([*head, "measurements nearer", "CancerNet nearer"], rows)


def _words(picked: list[str]) -> str:
    """Return which way the training rows chose in each fold."""
    return f"Chosen inside of the folds: {', '.join(picked)}."
