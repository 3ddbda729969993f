"""Small studies, tables and learners, made for the tests of this room."""

from __future__ import annotations

import numpy as np

from cancernet.data import Feature, Table
from cancernet.studies import Study, study_from
from cancernet.training import CrossFit

SMALL = {
    "name": "made",
    "data": {"source": "made.csv"},
    "split": {"folds": 2},
    "task": {"kind": "binary", "positive": "M"},
    "model": {"filters": [4], "dense": 4},
    "training": {"epochs": 4, "inner_folds": 2, "batch_size": 16, "learning_rate": 0.02},
    "report": {"draws": 200, "coverage": 0.8, "prevalence": [0.1]},
}


def made_study(**sections) -> Study:
    """Return a study that takes seconds; sections are merged into it, a None replaces one."""
    fields = {**SMALL}
    for name, section in sections.items():
        merged = {**SMALL.get(name, {}), **section} if isinstance(section, dict) else section
        fields[name] = {k: v for k, v in merged.items() if v is not None} if isinstance(merged, dict) else merged
    return study_from(fields)


def held_out_study(**sections) -> Study:
    """Return a small study with test and validation rows."""
    return made_study(split={"folds": None, "test": 0.3, "validation": 0.3}, **sections)


def made_table(
    patients: int = 48,
    *,
    rows_each: int = 1,
    classes: tuple[str, ...] = ("B", "M"),
    columns: int = 5,
    seed: int = 0,
    missing: float = 0.0,
    names: tuple[str, ...] | None = None,
) -> Table:
    """Return a table whose first columns tell the classes, not perfectly; patients have one class each."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(patients) % len(classes), rows_each)
    centres = rng.normal(0, 1.2, (len(classes), columns))
    scales = 10.0 ** np.arange(columns).clip(0, 3)
    values = (centres[codes] + rng.normal(size=(len(codes), columns))) * scales + 3 * scales
    values[rng.random(values.shape) < missing] = np.nan
    groups = np.repeat([f"patient {number}" for number in range(patients)], rows_each)
    ids = np.array([f"row {number}" for number in range(len(codes))])
    return Table(
        name="made",
        features=tuple(Feature(name) for name in names or [f"f{number}" for number in range(columns)]),
        values=values,
        ids=ids,
        groups=groups,
        target=np.array(classes)[codes],
        target_column="label",
        group_column="patient",
    )


class Spy:
    """A learner that writes down which rows it is given; its logits are the first column, standardised by nothing."""

    own = False
    epochs = 3
    history: tuple[dict[str, float], ...] = ({"epoch": 1, "loss": 0.5},)

    def __init__(self, values, classes: int = 2):
        self.values, self.classes, self.calls = values, classes, []

    def cross_fit(self, rows, folds, *, seed):
        self.calls.append(("cross_fit", rows, folds, seed))
        return CrossFit(self.logits(self, self.values[rows]), self.epochs, ())

    def refit(self, rows, *, epochs, seed):
        self.calls.append(("refit", rows, epochs, seed))
        return self

    def fit_until(self, rows, stop_rows, *, seed):
        self.calls.append(("fit_until", rows, stop_rows, seed))
        return self

    def logits(self, fitted, values):
        score = np.nan_to_num(np.asarray(values)[:, 0])
        return np.stack([-score * (code == 0) for code in range(self.classes)], axis=1)
