"""The plan of a study of survival: rows, outcome, split and times, all checked before anything is fitted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet import __version__
from cancernet.bundle import Fusion
from cancernet.checks import listed, nearest
from cancernet.data import (
    LeakAudit,
    Split,
    Table,
    audit_split,
    read_table,
    refuse_few_groups,
    refuse_missing,
    require_groups,
)
from cancernet.errors import InvalidInput
from cancernet.studies.options import Study, SurvivalData, SurvivalStudy
from cancernet.studies.plan import make_split
from cancernet.survival import CoxOptions, Outcome, SurvivalRecord, Unit, grid_to, horizon_of, make_outcome, time_name

__all__ = ["CENSORED", "SurvivalPlan", "horizon_for", "make_survival_plan", "times_for"]

CENSORED = "censored"
_YEARS = (2.0, 5.0, 10.0)
_IN_A_YEAR: dict[Unit, float] = {"days": 365.25, "weeks": 52.18, "months": 12.0, "years": 1.0}


@dataclass(frozen=True, eq=False)
class SurvivalPlan:
    """What is going to be fitted and tested.

    Parameters
    ----------
    study
        As it was given.
    table
        The rows; its target is the event, or "censored".
    outcome
        With the one kind of event that is predicted.
    every
        With all causes.
    split, audit
        Who is tested on whom, and what was found across it.
    times, grid
        For which numbers are stated, and over which errors are averaged.
    """

    study: SurvivalStudy
    table: Table
    outcome: Outcome
    every: Outcome
    split: Split
    audit: LeakAudit
    times: NDArray[np.float64]
    grid: NDArray[np.float64]

    @property
    def event(self) -> str:
        """What the event is called."""
        return self.outcome.causes[0]

    @property
    def network_name(self) -> str:
        """What the model of the study is called beside its baselines."""
        model = self.study.model
        return "cox-elastic-net" if isinstance(model, CoxOptions) and model.l1_ratio > 0 else model.name

    @property
    def rivals(self) -> tuple[str, ...]:
        """The baselines: Kaplan-Meier, and the ridge Cox model beside any other; a column stands for itself alone."""
        return ("kaplan-meier",) if self.network_name == "cox" else ("cox", "kaplan-meier")

    @property
    def written(self) -> Study:
        """What the run folder keeps as `study.toml`."""
        return self.study

    @property
    def synthetic(self) -> bool:
        """Whether the data are made or simulated."""
        return False

    @property
    def fusion(self) -> Fusion | None:
        """The part of the card that names the bundles inside; None where there are none."""
        return None

    def sources(self) -> Mapping[str, Path]:
        """Return the folders of the bundles that go into the bundle, by name."""
        return {}

    def finished(self, record: SurvivalRecord) -> SurvivalRecord:
        """Return the record as this kind of data tells it."""
        return record

    @property
    def digest(self) -> str:
        """SHA-256 over version, study, data and split."""
        about = [__version__, self.written.to_dict(), self.table.feature_names, self.split.to_dict()]
        digest = hashlib.sha256(json.dumps([*about, self.table.groups.tolist()]).encode())
        for array in (self.table.values, self.every.time, self.every.cause):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the data."""
        missing = int(np.isnan(self.table.values).sum())
        filled = f"{missing} missing values were filled with the medians of the training rows of each fold."
        others = [name for name in self.every.causes if name != self.event]
        competing = (
            ()
            if not others or self.study.data.cause is None
            else (
                f"Who had {listed(others)} first is censored at that time: curves speak of a world without it. The "
                f"share that has {self.event} where other causes may come first is smaller (Aalen-Johansen).",
            )
        )
        return (*self.every.sentences(), filled if missing else "No value is missing.", *competing)


def make_survival_plan(study: SurvivalStudy, table: Table | None = None, *, split: Split | None = None) -> SurvivalPlan:
    """Read and check everything that a study of survival needs.

    Parameters
    ----------
    study
        What to do.
    table, split
        Instead of those the study names; the table has the events as target, and the time among its features.

    Raises
    ------
    InvalidInput
        When the data cannot be used for the study.
    LeakingSplit
        When a patient or a row stands on two sides of the split.
    """
    read = _read(study.data) if table is None else table
    rows, every = _apart(read, study.data)
    outcome = every.of_any_cause() if study.data.cause is None else every.of_cause(study.data.cause)
    rows = replace(rows, target=np.where(outcome.event, outcome.causes[0], CENSORED), target_column=study.data.event)
    _check(rows, study)
    split = make_split(study, rows) if split is None else split
    audit = audit_split(rows, split)
    audit.refuse()
    horizon = horizon_for(study, outcome)
    return SurvivalPlan(study, rows, outcome, every, split, audit, times_for(study, horizon, outcome), grid_to(horizon))


def _read(options: SurvivalData) -> Table:
    """Return the table of the file, with the time as its last feature."""
    columns = None if options.columns is None else (*options.columns, options.time)
    return read_table(
        options.source, target=options.event, group=options.group, id=options.id, columns=columns, drop=options.drop
    )


def _apart(table: Table, options: SurvivalData) -> tuple[Table, Outcome]:
    """Return the features, and the outcome."""
    names = table.feature_names
    if options.time not in names:
        close = nearest(options.time, names)
        todo = f"Did you mean '{close}'?" if close else "Name the column of the time"
        raise InvalidInput(f"Table '{table.name}' has no column '{options.time}'", f"One of {listed(names, 20)}", todo)
    if len(names) < 2 or table.target is None:
        raise InvalidInput(f"Table '{table.name}' has nothing to predict from", "A feature, a time and an event")
    time = table.values[:, names.index(options.time)]
    outcome = make_outcome(time, table.target, coding=options.coding, ids=table.ids.tolist())
    return table.select([name for name in names if name != options.time], exact=False), outcome


def _check(table: Table, study: SurvivalStudy) -> None:
    """Raise when nothing can be learnt from the table."""
    require_groups(table)
    if study.data.missing == "error":
        refuse_missing(table)
    fewest = max(study.split.folds or (2 if study.split.test else 5), study.model.inner_folds + 1)
    refuse_few_groups(np.asarray(table.target), table.groups, folds=fewest)


def horizon_for(study: SurvivalStudy, outcome: Outcome) -> float:
    """Return the last time of which anything is measured."""
    asked, latest = study.report.horizon, horizon_of(outcome)
    if asked is not None and asked >= outcome.follow_up:
        raise InvalidInput(
            f"report.horizon = {asked:g}, but nobody was followed beyond {outcome.follow_up:g} {outcome.unit}",
            f"At most {latest:g}, when 5 % are still followed",
            "Take an earlier one",
        )
    return asked or latest


def times_for(study: SurvivalStudy, horizon: float, outcome: Outcome) -> NDArray[np.float64]:
    """Return the times for which numbers are stated."""
    asked = study.report.times or [round(years * _IN_A_YEAR[outcome.unit], 1) for years in _YEARS]
    late = [time for time in asked if time > horizon]
    if late and study.report.times:
        raise InvalidInput(
            f"report.times holds {time_name(late[0])}, but too few are followed so long",
            f"At most {horizon:g} {outcome.unit}",
            "Take earlier times",
        )
    times = np.unique([time for time in asked if time <= horizon])
    return times if len(times) else np.array([horizon / 2])
