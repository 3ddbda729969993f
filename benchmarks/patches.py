"""Studies of patches: pooled 5-fold cross-validation by group, three weight seeds, beside their baselines.

Runs are kept in build/benchmarks and taken up again where they were interrupted; all of them take hours. Choose some
with `CANCERNET_BENCH="idc lung" python -m benchmarks patches`.
"""

import os
from pathlib import Path
from typing import Any

from benchmarks.page import table
from cancernet import studies
from cancernet.estimate import Estimate
from cancernet.files import read_json
from cancernet.report import rival

SEEDS = (0, 1, 2)
STUDIES = ("idc", "lung", "cytology-grade", "crchisto", "crchisto-types", "gleason")
KEPT = Path("build", "benchmarks")
METRICS = (
    *("auroc", "macro_auroc", "quadratic_kappa", "accuracy", "balanced_accuracy", "f1", "macro_f1", "sensitivity"),
    *("specificity", "mean_absolute_error", "brier_skill", "ece", "calibration_slope", "coverage", "set_size"),
    *("abstained", "selective_accuracy", "group_macro_auroc", "group_accuracy", "group_quadratic_kappa"),
)
COMPARED = ("auroc", "macro_auroc", "quadratic_kappa", "accuracy", "balanced_accuracy", "f1", "macro_f1")


def measure() -> str:
    """Return for each study its metrics by seed beside the baselines, and the paired differences."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    names = os.environ.get("CANCERNET_BENCH", " ".join(STUDIES)).split()
    return "\n\n".join(_of_study(name) for name in names)


def _of_study(name: str) -> str:
    """Return the tables of one study."""
    runs = [_run(name, seed) for seed in SEEDS]
    return "\n\n".join([f"### {name}", _metrics(runs), _differences(runs), *_views(runs)])


def _run(name: str, seed: int) -> dict[str, Any]:
    """Return what `metrics.json` of a run holds; a run that is there is not made again."""
    place = KEPT / f"{name}-{seed}"
    if not place.is_dir():
        study = studies.find_study(f"studies/{name}.toml", settings=[f"training.seed={seed}"])
        studies.train(study, place, resume=True)
    found: dict[str, Any] = read_json(place / "metrics.json")
    print(name, seed, {key: found["test"][key]["value"] for key in COMPARED if key in found["test"]}, flush=True)
    return found


def _metrics(runs: list[dict[str, Any]]) -> str:
    """Return metrics by seed, and those of the baselines, which know no seed."""
    baselines = runs[0]["baselines"]
    head = ["metric", *(f"seed {seed}" for seed in SEEDS), *(rival(name) for name in baselines)]
    columns = [*(run["test"] for run in runs), *baselines.values()]
    rows = [[name, *(_cell(column.get(name)) for column in columns)] for name in METRICS if name in runs[0]["test"]]
    perfect = Estimate.from_dict(runs[0]["test"]["ece_of_perfect"])
    note = f"ECE of a perfectly calibrated model: {perfect.value:.4f}, 95th percentile {perfect.high:.4f}."
    return f"{table(head, rows)}\n\n{note}"


def _differences(runs: list[dict[str, Any]]) -> str:
    """Return network minus each baseline on the same rows, with paired intervals over groups."""
    rows = [
        [f"minus {rival(baseline)}: {name}", *(_cell(run["differences"][baseline].get(name)) for run in runs)]
        for baseline in runs[0]["differences"]
        for name in COMPARED
        if name in runs[0]["differences"][baseline]
    ]
    return table(["network", *(f"seed {seed}" for seed in SEEDS)], rows)


def _views(runs: list[dict[str, Any]]) -> list[str]:
    """Return what averaging over rotations and flips gained, where it was tried."""
    gains = [run["test_time"] for run in runs if "test_time" in run]
    said = ", ".join(f"{_cell(gain['gain'])} ({gain['used']} used)" for gain in gains)
    return [f"Gain of averaging over rotations and flips, by seed: {said}."] if gains else []


def _cell(fields: dict[str, Any] | None) -> str:
    """Return a number with its interval."""
    return "-" if fields is None else Estimate.from_dict(fields).format(4)
