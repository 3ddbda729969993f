"""A study of survival becomes a run: folds, pooled results, the bundle, the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from cancernet.bundle import Card
from cancernet.data import write_split
from cancernet.files import write_text
from cancernet.studies.outputs import write_history
from cancernet.studies.progress import Progress
from cancernet.studies.read import to_toml
from cancernet.studies.survival.card import make_survival_card, write_survival_bundle
from cancernet.studies.survival.fit import FoldFit, Pooled, fit_all, pool_folds
from cancernet.studies.survival.kept import FoldFound
from cancernet.studies.survival.outputs import Tested, write_cases
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.studies.survival.record import make_survival_record
from cancernet.survival import SurvivalRecord, write_survival_results

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
    fits: tuple[FoldFound, ...]
    pooled: Pooled
    final: FoldFit
    card: Card

    def save_bundle(self, folder: str | Path) -> Card:
        """Write the bundle; see `write_bundle`."""
        return write_survival_bundle(Path(folder), self.card, self.plan, final=self.final)


def run_survival(plan: SurvivalPlan, progress: Progress, *, work: Path | None = None) -> SurvivalRun:
    """Fit all folds and the model of the bundle, and measure; folds that are kept in `work` are not fitted again."""
    started, done = monotonic(), 0
    progress.begin("Training", len(plan.split.folds))

    def advance() -> None:
        """Count one fold."""
        nonlocal done
        done += 1
        progress.reach(done)

    fits, final = fit_all(plan, advance, work=work)
    progress.begin("Measuring", 1)
    pooled = pool_folds(plan, fits)
    made = make_survival_record(plan, fits, pooled, final=final, seconds=monotonic() - started)
    record = plan.finished(made)
    progress.reach(1)
    return SurvivalRun(plan, record, fits, pooled, final, make_survival_card(plan, final, record))


def write_survival(folder: Path, finished: SurvivalRun, progress: Progress) -> None:
    """Fill the run folder."""
    plan = finished.plan
    steps: tuple[Callable[[], Any], ...] = (
        lambda: write_text(folder / "study.toml", to_toml(plan.written)),
        lambda: write_split(folder / "split.json", plan.split),
        lambda: write_history(folder / "history.csv", [row for fit in finished.fits for row in fit.history]),
        lambda: write_cases(folder / "predictions.csv", _tested(finished)),
        lambda: finished.save_bundle(folder / "bundle"),
        lambda: write_survival_results(folder, finished.record),
    )
    progress.begin("Writing", len(steps))
    for done, step in enumerate(steps, start=1):
        step()
        progress.reach(done)


def _tested(finished: SurvivalRun) -> Tested:
    """Return the pooled test rows."""
    plan, pooled = finished.plan, finished.pooled
    return Tested(
        table=plan.table,
        rows=pooled.rows,
        every=plan.every.take(pooled.rows),
        forecast=pooled.forecasts[plan.network_name],
        causes=pooled.causes[plan.network_name],
        median=pooled.median,
        group=pooled.group,
        place={"fold": pooled.fold, "repeat": pooled.repeat},
    )
