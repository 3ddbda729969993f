"""Survival: an elastic-net Cox model against lifelines, and each metric against scikit-survival, in one run.

All run in one process of its own, with one thread. The time is that of the processor, so that other work on the machine
counts little.
"""

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.page import table
from cancernet import survival

PATIENTS = 100_000
PENALTY, L1_RATIO = 0.05, 0.5
TIMES = np.linspace(5.0, 60.0, 12)
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def measure() -> str:
    """Return seconds of fits on METABRIC with 300 genes, and of metrics on 100,000 made patients."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.survival"],
        env=os.environ | ALONE,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout.strip()


def main() -> None:
    """Print the tables."""
    data = Path(os.environ.get("CANCERNET_DATA", "../shared/data")) / "tabular" / "metabric"
    print("\n\n".join([_fits(data / "metabric_300genes_clinical.csv.gz"), _metrics(PATIENTS), _small(2_000)]))


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a piece of work takes, and what it gives."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def _fits(path: Path) -> str:
    """Return the table of the fits."""
    from lifelines import CoxPHFitter

    frame = pd.read_csv(path)
    values = frame.iloc[:, 25:].to_numpy(dtype=np.float64)
    outcome = survival.make_outcome(
        frame.os_months, frame.os_event_death, coding=survival.Coding("months", zero="keep")
    )
    options = survival.CoxOptions(l1_ratio=L1_RATIO, penalty=PENALTY)
    ours, model = _seconds(lambda: survival.fit_cox(values, outcome, options=options))
    scaled = pd.DataFrame((values - model.mean) / model.scale, columns=frame.columns[25:])
    scaled = scaled.assign(time=outcome.time, event=outcome.event)
    fitter = CoxPHFitter(penalizer=PENALTY, l1_ratio=L1_RATIO)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, twin = _seconds(lambda: fitter.fit(scaled, "time", "event"))
    gap = float(np.abs(twin.params_.to_numpy() - model.coefficients).max())
    kept = int((model.coefficients != 0).sum())
    rows = [
        ["elastic net, one penalty", f"{ours:.2f}", f"{theirs:.1f}", f"{theirs / ours:.0f}"],
        ["the same with the penalty chosen: 5 folds, 25 penalties", f"{_chosen(values, outcome):.1f}", "", ""],
    ]
    head = [f"METABRIC, {len(values)} patients, {values.shape[1]} genes", "cancernet, s", "lifelines, s", "times"]
    note = f"{kept} genes are kept; the largest difference of a coefficient is {gap:.4f} (lifelines smooths the size)."
    return f"{table(head, rows)}\n\n{note}"


def _chosen(values: np.ndarray, outcome: survival.Outcome) -> float:
    """Return seconds of a fit that chooses its penalty."""
    return _seconds(lambda: survival.fit_cox(values, outcome, options=survival.CoxOptions(l1_ratio=L1_RATIO)))[0]


def _made(patients: int) -> tuple[survival.Outcome, np.ndarray, np.ndarray]:
    """Return made patients, their risks and their curves."""
    generator = np.random.default_rng(0)
    risk = generator.normal(size=patients)
    event, left = generator.exponential(50 * np.exp(-risk)), generator.exponential(60, size=patients)
    outcome = survival.make_outcome(
        np.minimum(event, left) + 1e-6, event <= left, coding=survival.Coding("months", trust=True)
    )
    return outcome, risk, np.exp(-np.outer(np.exp(risk) / 50, TIMES))


def _metrics(patients: int) -> str:
    """Return the table of seconds on many patients; the concordance of the twin takes hours there, and is left out."""
    from sksurv import metrics as twin

    outcome, risk, curves = _made(patients)
    known = _surv(outcome)
    rows = []
    for name, ours, theirs in (
        ("concordance (Harrell)", lambda: survival.harrell(outcome, risk), None),
        ("concordance (Uno)", lambda: survival.uno(outcome, risk, until=60.0), None),
        (
            "AUROC at 12 times",
            lambda: [survival.auroc_at(outcome, risk, time=when) for when in TIMES.tolist()],
            lambda: twin.cumulative_dynamic_auc(known, known, risk, TIMES)[0],
        ),
        (
            "integrated Brier score, 12 times",
            lambda: survival.integrated_brier(outcome, curves, times=TIMES),
            lambda: twin.integrated_brier_score(known, known, curves, TIMES),
        ),
        ("Kaplan-Meier with its band", lambda: survival.kaplan_meier(outcome), None),
        ("all metrics with intervals, 200 resamples", lambda: _everything(outcome, risk, curves), None),
    ):
        rows.append(_row(name, ours, theirs))
    return table([f"{patients:,} made patients", "cancernet, s", "scikit-survival, s", "largest difference"], rows)


def _small(patients: int) -> str:
    """Return the table of the concordances on fewer patients, where the twin can keep up."""
    from sksurv import metrics as twin

    outcome, risk, _ = _made(patients)
    known = _surv(outcome)
    rows = [
        _row(
            "concordance (Harrell)",
            lambda: survival.harrell(outcome, risk),
            lambda: twin.concordance_index_censored(outcome.event, outcome.time, risk)[0],
        ),
        _row(
            "concordance (Uno)",
            lambda: survival.uno(outcome, risk, until=60.0),
            lambda: twin.concordance_index_ipcw(known, known, risk, tau=60.0)[0],
        ),
    ]
    return table([f"{patients:,} made patients", "cancernet, s", "scikit-survival, s", "largest difference"], rows)


def _row(name: str, ours: Callable[[], Any], theirs: Callable[[], Any] | None) -> list[str]:
    """Return one line: both times, and how far the answers are apart."""
    seconds, found = _seconds(ours)
    if theirs is None:
        return [name, f"{seconds:.2f}", "", ""]
    others, twin = _seconds(theirs)
    return [name, f"{seconds:.3f}", f"{others:.3f}", f"{np.abs(np.asarray(found) - twin).max():.1e}"]


def _everything(outcome: survival.Outcome, risk: np.ndarray, curves: np.ndarray) -> dict[str, Any]:
    """Return all metrics with intervals."""
    rows = np.arange(len(outcome))
    forecast = survival.Forecast(
        outcome, risk, TIMES[[3, 11]], curves[:, [3, 11]], TIMES, curves, rows.astype(str), np.zeros_like(rows)
    )
    return survival.measure_forecast(forecast, draws=200)


def _surv(outcome: survival.Outcome) -> Any:
    """Return the outcome as scikit-survival takes it."""
    from sksurv.util import Surv

    return Surv.from_arrays(outcome.event, outcome.time)


if __name__ == "__main__":
    main()
