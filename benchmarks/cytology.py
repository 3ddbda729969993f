"""Grades of cells of Pap smears from measurements alone, beside the share of the nucleus: Herlev, given masks.

Five-fold stratified group cross-validation, fold seed 7, groups are the fields of view. The model is one for ordered
grades: a logistic regression for each step (Frank and Hall 2001), columns standardised on the training folds. The
strength of its penalty is chosen inside of the training folds, by quadratic kappa over groups.
"""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.cells import DATA
from benchmarks.page import table
from cancernet.cells import CYTOLOGY, measure_cell
from cancernet.metrics import Scored, paired_difference
from cancernet.metrics import measure as measured_by
from cancernet.tasks import nearest_grade

FOLDER = DATA.parent / "herlev"
CYTOPLASM, NUCLEUS = 1, 2
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
SHOWN = ("quadratic_kappa", "mean_absolute_error", "accuracy")
MODELS = {
    "share of the nucleus": ("nucleus_share",),
    "shape of nucleus and cell": tuple(name for name in CYTOLOGY if "_lbp" not in name and "haema" not in name),
    "all measurements": CYTOLOGY,
}


def measure() -> str:
    """Return the grades from measurements, and their paired differences from the share of the nucleus."""
    cells = _cells()
    scored = {name: _scored(cells, list(columns)) for name, columns in MODELS.items()}
    rows = [[name, str(len(MODELS[name])), *_numbers(one)] for name, one in scored.items()]
    spearman = cells["nucleus_share"].corr(cells["grade"], method="spearman")
    first = scored["share of the nucleus"]
    pairs = {name: paired_difference(one, first, metrics=SHOWN) for name, one in scored.items() if one is not first}
    differences = [[name, *(found[key].format() for key in SHOWN)] for name, found in pairs.items()]
    return "\n\n".join(
        [
            table([f"Herlev, {len(cells)} cells, {cells['group'].nunique()} groups", "columns", *SHOWN], rows),
            table(["less the share of the nucleus, paired", *SHOWN], differences),
            f"Spearman correlation of the share of the nucleus with the grade: {spearman:.3f}.",
        ]
    )


def _cells() -> pd.DataFrame:
    """Return the measurements of all cells with grade and group."""
    rows = []
    for row in pd.read_csv(FOLDER / "manifest.csv").itertuples():
        image, mask = np.array(Image.open(FOLDER / row.path).convert("RGB")), np.array(Image.open(FOLDER / row.mask))
        found = measure_cell(image, mask == NUCLEUS, cell=(mask == NUCLEUS) | (mask == CYTOPLASM))
        rows.append({**found, "grade": row.grade, "group": str(row.group)})
    return pd.DataFrame(rows)


def _scored(cells: pd.DataFrame, columns: list[str]) -> Scored:
    """Return the out-of-fold answers of a model on some columns."""
    values, grades, groups = cells[columns].to_numpy(), cells["grade"].to_numpy(), cells["group"].to_numpy()
    chances = np.empty((len(cells), grades.max() + 1))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=7)
    for train, test in folds.split(values, grades, groups):
        penalty = _penalty(values[train], grades[train], groups[train])
        chances[test] = _chances(values[train], grades[train], values[test], penalty)
    names = tuple(map(str, range(chances.shape[1])))
    return Scored(grades, chances, nearest_grade(chances), groups.astype(str), names, ordered=True)


def _penalty(values: NDArray[np.float64], grades: NDArray[np.int64], groups: NDArray[np.object_]) -> float:
    """Return the strength of the penalty that is best inside of the training folds."""
    inner = StratifiedGroupKFold(4, shuffle=True, random_state=7)
    found = {penalty: np.empty(len(grades)) for penalty in PENALTIES}
    for train, test in inner.split(values, grades, groups):
        for penalty, answers in found.items():
            answers[test] = nearest_grade(_chances(values[train], grades[train], values[test], penalty))
    kappas = {penalty: cohen_kappa_score(grades, answers, weights="quadratic") for penalty, answers in found.items()}
    return max(kappas, key=lambda penalty: kappas[penalty])


def _chances(
    train: NDArray[np.float64], grades: NDArray[np.int64], test: NDArray[np.float64], penalty: float
) -> NDArray[np.float64]:
    """Return the chances of each grade: the chance to be above a step, less that to be above the next one."""
    above = [np.ones(len(test))]
    for step in range(grades.max()):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=2000))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            above.append(model.fit(train, grades > step).predict_proba(test)[:, 1])
    above = np.minimum.accumulate(np.stack([*above, np.zeros(len(test))]), axis=0)
    chances = -np.diff(above, axis=0).T
    return chances / chances.sum(axis=1, keepdims=True)


def _numbers(scored: Scored) -> list[str]:
    """Return the metrics of a model."""
    found = measured_by(scored)
    return [found[name].format() for name in SHOWN]
