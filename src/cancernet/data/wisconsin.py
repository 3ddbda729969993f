"""The Wisconsin breast cancer tables: their names and units, and how their files without a header are told apart.

Units: the documentation of the nuclear features gives none but "gray-scale values" for texture. Lengths and areas are
marked as of unknown scale; the others are ratios or counts without a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cancernet.data.table import Feature, Table

__all__ = ["FNA_FEATURES", "MEASURES", "STATISTICS", "Form", "familiar", "load_wdbc", "recognise", "units_of"]

MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
STATISTICS = ("mean", "error", "worst")

_UNITS = {
    "radius": "length, scale unknown",
    "texture": "grey levels",
    "perimeter": "length, scale unknown",
    "area": "area, scale unknown",
}
_LICENCE = "CC BY 4.0 (UCI Machine Learning Repository)"


def _nuclear_features() -> tuple[Feature, ...]:
    """Return the 30 features: 10 means, 10 standard errors, 10 "worst" (mean of the three largest values)."""
    names = {
        "mean": [f"mean_{measure}" for measure in MEASURES],
        "error": [f"{measure}_error" for measure in MEASURES],
        "worst": [f"worst_{measure}" for measure in MEASURES],
    }
    return tuple(
        Feature(name, _UNITS.get(measure, ""))
        for statistic in STATISTICS
        for name, measure in zip(names[statistic], MEASURES, strict=True)
    )


FNA_FEATURES = _nuclear_features()
_FNA_NAMES = tuple(feature.name for feature in FNA_FEATURES)
_FNA_UNITS = {feature.name: feature.unit for feature in FNA_FEATURES}

_SCORES = (
    "clump_thickness",
    "uniformity_of_cell_size",
    "uniformity_of_cell_shape",
    "marginal_adhesion",
    "single_epithelial_cell_size",
    "bare_nuclei",
    "bland_chromatin",
    "normal_nucleoli",
    "mitoses",
)


@dataclass(frozen=True)
class Form:
    """A known file without a header.

    Parameters
    ----------
    name
        Of the data.
    columns
        Names, in the order of the file.
    id, target
        Which column holds the id (it is the group as well) and which the class.
    source, licence
        Where it is from, what may be done with it.
    left_out
        Columns that are no feature unless they are asked for.
    units
        By column.
    """

    name: str
    columns: tuple[str, ...]
    id: str
    target: str
    source: str
    licence: str = _LICENCE
    left_out: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)


_WDBC = Form(
    "wdbc",
    ("id", "diagnosis", *_FNA_NAMES),
    id="id",
    target="diagnosis",
    source="UCI Wisconsin Diagnostic Breast Cancer (Wolberg, Street, Mangasarian 1995)",
    units=_FNA_UNITS,
)
# The time to recurrence (or without) belongs to the outcome: as a feature it would tell the answer.
_WPBC = Form(
    "wpbc",
    ("id", "outcome", "time", *_FNA_NAMES, "tumor_size", "lymph_node_status"),
    id="id",
    target="outcome",
    source="UCI Wisconsin Prognostic Breast Cancer (Wolberg, Street, Mangasarian 1995)",
    left_out=("time",),
    units={**_FNA_UNITS, "time": "months", "tumor_size": "cm", "lymph_node_status": "positive nodes"},
)
_SCORED = Form(
    "breast-cancer-wisconsin",
    ("id", *_SCORES, "class"),
    id="id",
    target="class",
    source="UCI Breast Cancer Wisconsin, original (Wolberg 1992)",
    units=dict.fromkeys(_SCORES, "score 1-10"),
)


def recognise(fields: Sequence[str]) -> Form | None:
    """Return the form of a file without a header, told by its first row; None when it is none of them.

    Parameters
    ----------
    fields
        The cells of the first row.
    """
    cells = [cell.strip() for cell in fields]
    for form, fits in _FORMS:
        if len(cells) == len(form.columns) and fits(cells):
            return form
    return None


def _fits_diagnosis(cells: Sequence[str]) -> bool:
    """Tell whether a row is an id, M or B, and numbers."""
    return cells[1] in {"M", "B"} and _numbers([cells[0], *cells[2:]])


def _fits_prognosis(cells: Sequence[str]) -> bool:
    """Tell whether a row is an id, R or N, and numbers."""
    return cells[1] in {"R", "N"} and _numbers([cells[0], *cells[2:]])


def _fits_scores(cells: Sequence[str]) -> bool:
    """Tell whether a row is an id, nine scores from 1 to 10, and 2 or 4."""
    allowed = {"?", *(str(score) for score in range(1, 11))}
    return cells[0].isdigit() and set(cells[1:-1]) <= allowed and cells[-1] in {"2", "4"}


_FORMS: tuple[tuple[Form, Callable[[Sequence[str]], bool]], ...] = (
    (_WDBC, _fits_diagnosis),
    (_WPBC, _fits_prognosis),
    (_SCORED, _fits_scores),
)


def _numbers(cells: Sequence[str]) -> bool:
    """Tell whether all cells are plain decimal numbers, or missing."""
    return all(cell == "?" or cell.replace(".", "", 1).isdecimal() for cell in cells)


def familiar(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns with those of the 30 nuclear features in our spelling.

    The copies in circulation write 'radius_mean', 'radius_se', 'concave points_worst' (Kaggle) or 'mean radius'
    (scikit-learn). They are renamed only where all 30 are there in one of the spellings.

    Parameters
    ----------
    names
        As they stand in the header.
    """
    renamed = tuple(_SPELLINGS.get(name.strip().lower().replace(" ", "_"), name) for name in names)
    return renamed if set(_FNA_NAMES) <= set(renamed) else tuple(names)


def units_of(names: Sequence[str]) -> Mapping[str, str]:
    """Return the units of the nuclear features, by name, when all 30 of them are there; else nothing."""
    return _FNA_UNITS if set(_FNA_NAMES) <= set(names) else {}


_SPELLINGS = {
    spelling: name
    for measure in MEASURES
    for name, kaggle in (
        (f"mean_{measure}", f"{measure}_mean"),
        (f"{measure}_error", f"{measure}_se"),
        (f"worst_{measure}", f"{measure}_worst"),
    )
    for spelling in (name, kaggle)
}


def load_wdbc() -> Table:
    """Return the Wisconsin Diagnostic table that scikit-learn ships.

    scikit-learn left the ids out; they are "wdbc-000" to "wdbc-568" here, in its order, which is that of the file.
    Each aspirate is of another patient, hence each row is its own group. Classes: "B" benign, "M" malignant.
    """
    from sklearn.datasets import load_breast_cancer

    content = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in content.feature_names]
    order = [names.index(name) for name in _FNA_NAMES]
    ids = np.array([f"wdbc-{row:03d}" for row in range(len(content.target))])
    return Table(
        name="wdbc",
        features=FNA_FEATURES,
        values=np.asarray(content.data, dtype=np.float64)[:, order],
        ids=ids,
        groups=ids,
        target=np.where(np.asarray(content.target) == 0, "M", "B"),
        target_column="diagnosis",
        group_column="row",
        source=f"{_WDBC.source}, as shipped with scikit-learn",
        licence=_LICENCE,
    )
