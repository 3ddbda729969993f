"""What stacking on out-of-fold answers leaks: the same stack with every model fitted anew inside the training patients.

In the quick way, which `cancernet train` goes, the answers that a stack learns from were made by models that had seen
the outcome of its test patients. Here none had: inside the training patients of each fold the sources are cross-fitted
again. `python -m benchmarks.nested FOLDER` reads the three METABRIC runs of a folder; MUTATIONS names their table.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.page import table
from cancernet import studies
from cancernet.data import Medians, rows_by_fold
from cancernet.fusion import Joined, join, read_source
from cancernet.survival import CoxModel, CoxOptions, Forecast, Measured, Outcome, fit_cox, grid_to, horizon_of

STUDIES = Path(__file__).parents[1] / "studies"
SOURCES = ("clinical", "genes", "mutations")
TIMES = np.array([24.0, 60.0, 120.0])
METRICS = ("concordance_uno", "concordance_harrell", "integrated_brier")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def measure(runs: Path) -> str:
    """Return the quick and the nested stack, each beside the clinical columns by themselves."""
    joined = join(
        [
            read_source(name, bundle=place / "bundle", predictions=place / "predictions.csv")
            for name in SOURCES
            for place in [runs / f"metabric-{name}"]
        ]
    )
    outcome, values = _tables(joined)
    quick, nested, alone = [], [], []
    for label in np.unique(joined.fold).tolist():
        train, test = np.flatnonzero(joined.fold != label), np.flatnonzero(joined.fold == label)
        quick.append(_said(_cox(joined.values[train], outcome, train), joined.values[test]))
        alone.append(_said(_cox(joined.values[train][:, :1], outcome, train), joined.values[test][:, :1]))
        seen, new = zip(*(_cross_fitted(part, outcome, train, test) for part in values), strict=True)
        nested.append(_said(_cox(np.column_stack(seen), outcome, train), np.column_stack(new)))
        print("fold", label, flush=True)
    return _lines(joined, outcome, {"quick": quick, "nested": nested, "clinical": alone})


def _tables(joined: Joined) -> tuple[Outcome, list[Floats]]:
    """Return the outcome, and the columns of each source, of the joined patients."""
    parts = []
    outcome: Outcome | None = None
    for name in SOURCES:
        study = studies.read_study(STUDIES / f"metabric-{name}.toml")
        if not isinstance(study, studies.SurvivalStudy):
            raise TypeError(type(study))
        plan = studies.make_survival_plan(study)
        place = {str(group): row for row, group in enumerate(plan.table.groups)}
        rows = np.array([place[str(name)] for name in joined.patients])
        parts.append(plan.table.values[rows])
        outcome = plan.outcome.take(rows)
    if outcome is None:
        raise ValueError("no source")
    return outcome, parts


def _cross_fitted(values: Floats, outcome: Outcome, train: Ints, test: Ints) -> tuple[Floats, Floats]:
    """Return risks of the training patients, each by a model that had not seen him, and of the test patients."""
    medians, labels = Medians.fit(values[train]), outcome.event[train].astype(str)
    whole = _cox(medians.apply(values[train]), outcome, train, tried=10)
    seen = np.empty(len(train))
    for held in rows_by_fold(labels, train.astype(str), folds=5, seed=7):
        rest = np.delete(train, held)
        part = Medians.fit(values[rest])
        model = _cox(part.apply(values[rest]), outcome, rest, penalty=whole.penalty)
        seen[held] = model.risk(part.apply(values[train[held]]))
    return seen, whole.risk(medians.apply(values[test]))


def _cox(values: Floats, outcome: Outcome, rows: Ints, *, penalty: float | None = None, tried: int = 25) -> CoxModel:
    """Return a ridge Cox model of some patients; the penalty of the training patients serves their inner folds too."""
    options = CoxOptions(penalty=penalty, tried=tried)
    return fit_cox(values, outcome.take(rows), options=options, groups=rows.astype(str))


def _said(model: CoxModel, values: Floats) -> tuple[CoxModel, Floats]:
    """Return a model and what it is asked about."""
    return model, values


def _lines(joined: Joined, outcome: Outcome, told: dict[str, list[tuple[CoxModel, Floats]]]) -> str:
    """Return the table."""
    labels = np.unique(joined.fold).tolist()
    rows = np.concatenate([np.flatnonzero(joined.fold == label) for label in labels])
    grid = grid_to(horizon_of(outcome))
    found = {
        name: Measured(
            Forecast(
                outcome=outcome.take(rows),
                risk=np.concatenate([model.risk(values) for model, values in parts]),
                times=TIMES,
                survival=np.concatenate([model.survival(values, TIMES) for model, values in parts]),
                grid=grid,
                curves=np.concatenate([model.survival(values, grid) for model, values in parts]),
                groups=joined.patients[rows],
                strata=joined.fold[rows],
            )
        )
        for name, parts in told.items()
    }
    lines = [[name, *(one.estimates[metric].format(4) for metric in METRICS)] for name, one in found.items()]
    for first, second in (("quick", "clinical"), ("nested", "clinical"), ("quick", "nested")):
        gain = found[first].minus(found[second])
        lines.append([f"{first} minus {second}", *(gain[metric].format(4) for metric in METRICS)])
    return table(["5-fold, pooled", *METRICS], lines)


if __name__ == "__main__":
    print(measure(Path(sys.argv[1])))
