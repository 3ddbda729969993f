"""Prognosis on public data: Cox, elastic net and networks in the same folds, with intervals over patients.

Each task is a study of survival; nothing is chosen on its test rows. `python -m benchmarks.prognosis NAME ...` measures
some of them only and prints one line for each model; a name such as `nine:logistic-hazard` one model only.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.page import table
from cancernet import studies
from cancernet.data import Fold, Split, digest_of_ids
from cancernet.survival import Measured

FOLDER = Path(os.environ.get("CANCERNET_DATA", "../shared/data")) / "tabular"
CLINICAL = ["age", "npi", "nodes_pos", "tumor_size_mm", "grade"]
NINE = ["EGFR", "PGR", "ERBB2", "MKI67", "hormone", "radio", "chemo", "er_pos", "age"]
HEAD = [
    "task",
    "model",
    "seed",
    "folds",
    "concordance (Harrell)",
    "concordance (Uno)",
    "integrated Brier",
    "minus Cox, Uno",
    "minus Cox, integrated Brier",
]
CODES = {"Living": 0, "Died of Disease": 1, "Died of Other Causes": 2}

COX = {"name": "cox"}
NET = {"name": "cox", "l1_ratio": 0.5}
DEEP = {"name": "cox-network"}
HAZARD = {"name": "logistic-hazard"}
CAUSES = {"name": "competing-hazards"}
CONV = {
    "name": "cox-network", "body": "conv1d", "filters": [16], "hidden": [16], "l2": 0.02, "epochs": 40,
    "stopping": "together",
}  # fmt: skip
SEEDS = (0, 1, 2)


def measure() -> str:
    """Return one table of all tasks."""
    with TemporaryDirectory() as folder:
        return table(HEAD, [row for name in TASKS for row in TASKS[name](Path(folder))])


def _nine(folder: Path) -> Iterator[list[str]]:
    """Yield METABRIC, nine columns, death."""
    frame = pd.read_csv(FOLDER / "metabric" / "metabric_deepsurv_9features.csv")[["patient_id", *NINE, "t", "e"]]
    data = {"time": "t", "event": "e", "group": "patient_id", "zero_times": "keep"}
    yield from _told("METABRIC, 9 columns, death", frame, data, folder, models=[(COX, 5), (HAZARD, 1), (DEEP, 1)])


def _metabric() -> pd.DataFrame:
    """Return the clinical columns and genes of METABRIC."""
    frame = pd.read_csv(FOLDER / "metabric" / "metabric_300genes_clinical.csv.gz")
    return frame[frame.vital.notna()]


def _specific(folder: Path) -> Iterator[list[str]]:
    """Yield METABRIC, clinical columns, death of the disease."""
    frame = _metabric()[["patient_id", "os_months", "vital", *CLINICAL]]
    skewed = frame.assign(nodes_pos=np.log1p(frame.nodes_pos), tumor_size_mm=np.log(frame.tumor_size_mm.clip(lower=1)))
    data = {
        "time": "os_months", "event": "vital", "group": "patient_id", "codes": CODES, "causes": ["disease", "other"],
        "cause": "disease", "zero_times": "keep", "missing": "median",
    }  # fmt: skip
    yield from _told("METABRIC, clinical, death of disease", frame, data, folder, models=[(COX, 5), (HAZARD, 1)])
    yield from _told("the same, logarithms of nodes and size", skewed, data, folder, models=[(COX, 5)])


def _causes(folder: Path) -> Iterator[list[str]]:
    """Yield METABRIC, clinical columns, death of the disease or of other causes, whichever comes first."""
    frame = _metabric()[["patient_id", "os_months", "vital", *CLINICAL]]
    data = {
        "time": "os_months", "event": "vital", "group": "patient_id", "codes": CODES, "causes": ["disease", "other"],
        "zero_times": "keep", "missing": "median",
    }  # fmt: skip
    for seed in SEEDS:
        run = _run(frame, data, folder, model=CAUSES, repeats=1, seed=seed)
        yield _line("METABRIC, clinical, any death", run)
        for cause in run.plan.causes:
            yield _cause_line(cause, run)


def _genes(folder: Path) -> Iterator[list[str]]:
    """Yield METABRIC, clinical columns with 300 genes beside clinical columns alone, the same folds."""
    frame = _metabric()
    genes = frame.columns[25:].tolist()
    data = {
        "time": "os_months", "event": "os_event_death", "group": "patient_id", "zero_times": "keep",
        "missing": "median",
    }  # fmt: skip
    found = {}
    for name, columns, model in (("clinical", CLINICAL, COX), ("clinical + 300 genes", [*CLINICAL, *genes], NET)):
        part = frame[["patient_id", "os_months", "os_event_death", *columns]]
        run = _run(part, data, folder, model=model, repeats=1, seed=0)
        found[name] = run.pooled.forecasts[run.plan.network_name]
        yield _line(f"METABRIC, {name}, death", run)
    gain = Measured(found["clinical + 300 genes"]).minus(Measured(found["clinical"]))
    yield ["paired gain of the genes", "", "", "", *(gain[key].format() for key in HEAD_KEYS), "", ""]


HEAD_KEYS = ("concordance_harrell", "concordance_uno", "integrated_brier")


def _gbsg(folder: Path) -> Iterator[list[str]]:
    """Yield Rotterdam for training, GBSG for testing."""
    frame = pd.read_csv(FOLDER / "rotterdam_gbsg" / "deepsurv_rotterdam_train_gbsg_test.csv")
    frame = frame.assign(patient=[f"r{row}" for row in range(len(frame))])
    test = np.flatnonzero(frame["split"] == "test")
    train = np.flatnonzero(frame["split"] != "test")
    data = {"time": "t", "event": "e", "group": "patient", "id": "patient"}
    for model, seed in [(one, seed) for one in filter(_wanted, (COX, HAZARD, DEEP)) for seed in _seeds(one)]:
        study = _study(frame.drop(columns="split"), data, folder, model=model, repeats=1, seed=seed)
        ids = frame.patient.to_numpy(dtype=np.str_)
        fold = Fold(0, 0, train=train, validation=train[:0], test=test)
        split = Split("held-out", (fold,), 0, "patient", len(frame), digest_of_ids(ids))
        run = studies.run_survival(studies.make_survival_plan(study, split=split), studies.Progress())
        yield _line("Rotterdam, tested on GBSG", run)


def _wpbc(folder: Path) -> Iterator[list[str]]:
    """Yield the recurrence of the Wisconsin prognostic set."""
    data = {
        "source": str(FOLDER / "wisconsin" / "wpbc.data"), "time": "time", "event": "outcome", "group": "id",
        "codes": {"N": 0, "R": 1}, "causes": ["recurrence"], "missing": "median",
    }  # fmt: skip
    yield from _told("WPBC, recurrence", None, data, folder, models=[(COX, 10), (CONV, 5)])


TASKS: dict[str, Callable[[Path], Iterator[list[str]]]] = {
    "nine": _nine,
    "specific": _specific,
    "causes": _causes,
    "genes": _genes,
    "gbsg": _gbsg,
    "wpbc": _wpbc,
}


def _told(
    task: str,
    frame: pd.DataFrame | None,
    data: dict[str, object],
    folder: Path,
    *,
    models: list[tuple[dict[str, object], int]],
) -> Iterator[list[str]]:
    """Yield one line for each model, with so many repeats."""
    for model, repeats in models:
        for seed in _seeds(model) if _wanted(model) else ():
            yield _line(task, _run(frame, data, folder, model=model, repeats=repeats, seed=seed))


def _seeds(model: dict[str, object]) -> tuple[int, ...]:
    """Return the seeds: of networks each counts, of Cox they only deal out the inner folds."""
    return SEEDS if model["name"] != "cox" else SEEDS[:1]


def _study(
    frame: pd.DataFrame | None,
    data: dict[str, object],
    folder: Path,
    *,
    model: dict[str, object],
    repeats: int,
    seed: int,
) -> studies.SurvivalStudy:
    """Return the study of a table, or of the source that the data name."""
    path = folder / "cases.csv"
    if frame is not None:
        frame.to_csv(path, index=False)
    fields = {
        "name": "prognosis",
        "data": {"kind": "survival", "source": str(path), "time_unit": "months"} | data,
        "split": {"folds": 5, "repeats": repeats, "seed": 7},
        "model": model,
        "training": {"seed": seed},
    }
    study = studies.study_from(fields)
    if not isinstance(study, studies.SurvivalStudy):
        raise TypeError(type(study))
    return study


def _run(
    frame: pd.DataFrame | None,
    data: dict[str, object],
    folder: Path,
    *,
    model: dict[str, object],
    repeats: int,
    seed: int,
) -> studies.SurvivalRun:
    """Return a finished run."""
    study = _study(frame, data, folder, model=model, repeats=repeats, seed=seed)
    return studies.run_survival(studies.make_survival_plan(study), studies.Progress())


def _line(task: str, run: studies.SurvivalRun) -> list[str]:
    """Return one line of the table."""
    record, forecast = run.record, run.record.forecast
    folds = f"{run.plan.split.repeats} x 5" if run.plan.split.kind == "k-fold" else "held out"
    gain = record.differences.get("cox")
    told = [record.metrics[key].format() for key in HEAD_KEYS]
    shown = f"{told[2]}, to {forecast.horizon:g} {forecast.outcome.unit}"
    seed = "" if record.model.startswith("cox") and "network" not in record.model else str(run.plan.study.training.seed)
    gains = ["", ""] if gain is None else [gain[key].format() for key in HEAD_KEYS[1:]]
    line = [task, record.model, seed, folds, *told[:2], shown, *gains]
    print(" | ".join(line), file=sys.stderr, flush=True)
    for sentence in record.statements:
        print(f"    {sentence}", file=sys.stderr, flush=True)
    return line


def _cause_line(cause: str, run: studies.SurvivalRun) -> list[str]:
    """Return the line of one cause: concordance where others may come first, Brier score, what it gains over Cox."""
    record, name = run.record, f"concordance_{cause}"
    told = [record.metrics[name].format(), "", record.metrics[f"integrated_brier_{cause}"].format()]
    gain = record.differences["cox"]
    gains = [f"{gain[name].format()} (Wolbers)", gain[f"integrated_brier_{cause}"].format()]
    return [f"of these {cause}", record.model, str(run.plan.study.training.seed), "1 x 5", *told, *gains]


def _wanted(model: dict[str, object]) -> bool:
    """Return whether a model was asked for on the command line."""
    named = {argument.partition(":")[2] for argument in sys.argv[1:]} - {""}
    return not named or model["name"] in named


def main() -> None:
    """Print the lines of some tasks."""
    with TemporaryDirectory() as folder:
        for name in [argument.partition(":")[0] for argument in sys.argv[1:]] or TASKS:
            print(table(HEAD, list(TASKS[name](Path(folder)))), flush=True)


if __name__ == "__main__":
    main()
