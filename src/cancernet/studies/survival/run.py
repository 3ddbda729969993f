"""A study of survival becomes a run: folds, pooled results, the bundle, the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from cancernet.bundle import Card
from cancernet.data import write_split
from cancernet.files import write_text
from cancernet.predict import write_rows
from cancernet.studies.outputs import write_history
from cancernet.studies.progress import Progress
from cancernet.studies.read import to_toml
from cancernet.studies.survival.card import make_survival_card, write_survival_bundle
from cancernet.studies.survival.fit import FoldFit, Pooled, fit_all, pool_folds
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.studies.survival.record import make_survival_record
from cancernet.survival import CoxModel, SurvivalRecord, time_name, write_survival_results

__all__ = ["SurvivalRun", "run_survival", "write_survival"]


@dataclass(frozen=True, eq=False)
class SurvivalRun:
    """A finished run.

    Parameters
    ----------
    plan
        What was done.
    record
        What was measured.
    fits, pooled
        The folds, and their test rows.
    final
        The model of the bundle.
    card
        Of the bundle, without what the parity check measures.
    """

    plan: SurvivalPlan
    record: SurvivalRecord
    fits: tuple[FoldFit, ...]
    pooled: Pooled
    final: FoldFit
    card: Card

    def save_bundle(self, folder: str | Path) -> Card:
        """Write the bundle; see `write_bundle`."""
        return write_survival_bundle(Path(folder), self.card, self.plan, final=self.final)


def run_survival(plan: SurvivalPlan, progress: Progress) -> SurvivalRun:
    """Fit all folds and the model of the bundle, and measure."""
    started, done = monotonic(), 0
    progress.begin("Training", len(plan.split.folds))

    def advance() -> None:
        """Count one fold."""
        nonlocal done
        done += 1
        progress.reach(done)

    fits, final = fit_all(plan, advance)
    progress.begin("Measuring", 1)
    pooled = pool_folds(plan, fits)
    made = make_survival_record(plan, fits, pooled, final=final, seconds=monotonic() - started)
    record = plan.finished(made)
    progress.reach(1)
    return SurvivalRun(plan, record, fits, pooled, final, make_survival_card(plan, final, record.metrics))


def write_survival(folder: Path, finished: SurvivalRun, progress: Progress) -> None:
    """Fill the run folder."""
    plan = finished.plan
    steps: tuple[Callable[[], Any], ...] = (
        lambda: write_text(folder / "study.toml", to_toml(plan.written)),
        lambda: write_split(folder / "split.json", plan.split),
        lambda: write_history(folder / "history.csv", _history(finished)),
        lambda: _write_predictions(folder / "predictions.csv", finished),
        lambda: finished.save_bundle(folder / "bundle"),
        lambda: write_survival_results(folder, finished.record),
    )
    progress.begin("Writing", len(steps))
    for done, step in enumerate(steps, start=1):
        step()
        progress.reach(done)


def _history(finished: SurvivalRun) -> list[dict[str, float]]:
    """Return of each fold the penalty and how many columns it kept, or the epochs of its networks."""
    rows = []
    for fit in finished.fits:
        row: dict[str, float] = {"repeat": fit.fold.repeat + 1, "fold": fit.fold.number + 1}
        if isinstance(fit.model, CoxModel):
            kept = int((fit.model.coefficients != 0).sum())
            rows.append({**row, "penalty": fit.model.penalty, "columns": kept})
        else:
            rows += [{**row, "network": place, "epochs": count} for place, count in enumerate(fit.model.epochs, 1)]
    return rows


def _write_predictions(path: Path, finished: SurvivalRun) -> None:
    """Write the pooled test rows."""
    import pyarrow as pa

    table, pooled = finished.plan.table, finished.pooled
    forecast = pooled.forecasts[finished.plan.network_name]
    median = np.ma.masked_invalid(pooled.median)
    fields = {
        "id": pa.array(table.ids[pooled.rows]),
        "group": pa.array(table.groups[pooled.rows]),
        "split": pa.array(np.full(len(pooled.rows), "test")),
        "fold": pooled.fold,
        "repeat": pooled.repeat,
        "time": forecast.outcome.time,
        "event": forecast.outcome.cause,
        "risk": forecast.risk,
        **{
            f"survival_{time_name(time)}": np.ascontiguousarray(column)
            for time, column in zip(forecast.times.tolist(), forecast.survival.T, strict=True)
        },
        "median_time": pa.array(median.filled(0.0), mask=np.ma.getmaskarray(median)),
        "risk_group": pooled.group + 1,
    }
    with write_rows(path, force=True) as writer:
        writer.write(pa.table(fields))
