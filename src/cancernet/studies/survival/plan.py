"""The plan of a study of survival: rows, outcome, split and times, all checked before anything is fitted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet import __version__
from cancernet.bundle import Fusion
from cancernet.checks import listed, nearest
from cancernet.data import (
    FNA_FEATURES,
    MISSING,
    LeakAudit,
    Split,
    Table,
    audit_split,
    read_column,
    read_table,
    refuse_few_groups,
    refuse_missing,
    require_groups,
)
from cancernet.errors import InvalidInput
from cancernet.studies.options import Study, SurvivalData, SurvivalStudy
from cancernet.studies.plan import make_split
from cancernet.survival import (
    CoxOptions,
    NetworkOptions,
    Outcome,
    SurvivalRecord,
    Unit,
    grid_to,
    horizon_of,
    make_outcome,
    time_name,
)

__all__ = ["CENSORED", "SurvivalPlan", "horizon_for", "make_survival_plan", "times_for"]

CENSORED = "censored"
_YEARS = (2.0, 5.0, 10.0)
_NUCLEAR = tuple(feature.name for feature in FNA_FEATURES)
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
    dropped
        How many rows without outcome were left out.
    """

    study: SurvivalStudy
    table: Table
    outcome: Outcome
    every: Outcome
    split: Split
    audit: LeakAudit
    times: NDArray[np.float64]
    grid: NDArray[np.float64]
    dropped: int = 0

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
    def causes(self) -> tuple[str, ...]:
        """What may come first, where each cause is predicted; empty where one event is."""
        return self.every.causes if self.study.model.name == "competing-hazards" else ()

    @property
    def options(self) -> CoxOptions | NetworkOptions:
        """The options of the model; of a network its body is settled."""
        model = self.study.model
        if isinstance(model, CoxOptions):
            return model
        nuclear = model.body != "dense" and self.table.feature_names[: len(_NUCLEAR)] == _NUCLEAR
        return model.model_copy(update={"body": "conv1d" if nuclear else "dense"})

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
        gone = (f"{self.dropped} rows without a time or an event were left out.",) if self.dropped else ()
        return (*self.every.sentences(), *gone, filled if missing else "No value is missing.", *competing)


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
    read, dropped = _read(study.data) if table is None else (table, 0)
    rows, every = _apart(read, study.data)
    rows = _arranged(rows, study.model)
    _check_causes(study, every)
    outcome = every.of_any_cause() if study.data.cause is None else every.of_cause(study.data.cause)
    rows = replace(rows, target=np.where(outcome.event, outcome.causes[0], CENSORED), target_column=study.data.event)
    _check(rows, study)
    split = make_split(study, rows) if split is None else split
    audit = audit_split(rows, split)
    audit.refuse()
    horizon = horizon_for(study, outcome)
    times = times_for(study, horizon, outcome)
    return SurvivalPlan(study, rows, outcome, every, split, audit, times, grid_to(horizon), dropped)


def _read(options: SurvivalData) -> tuple[Table, int]:
    """Return the table of the file, with the time as its last feature, and how many rows were left out."""
    columns = None if options.columns is None else (*options.columns, options.time)
    asked: dict[str, Any] = {"group": options.group, "id": options.id, "columns": columns, "keep": (options.time,)}
    if options.without_outcome == "error":
        return read_table(options.source, target=options.event, drop=options.drop, **asked), 0
    events = read_column(options.source, options.event)
    table = read_table(options.source, drop=(*options.drop, options.event), **asked)
    known = ~np.isin(events, MISSING)
    if options.time in table.feature_names:  # else the next step says so
        known &= ~np.isnan(table.values[:, table.feature_names.index(options.time)])
    rows = np.flatnonzero(known)
    return replace(table.take(rows), target=events[rows], target_column=options.event), len(table) - len(rows)


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


def _check_causes(study: SurvivalStudy, every: Outcome) -> None:
    """Raise when a model of several causes has one, or is told to predict one."""
    if study.model.name != "competing-hazards":
        return
    if len(every.causes) < 2 or study.data.cause is not None:
        found = f"cause = '{study.data.cause}'" if study.data.cause else f"the only event '{every.causes[0]}'"
        raise InvalidInput(
            f"The model 'competing-hazards' with {found}",
            "Two causes at least; all of them are predicted",
            "Leave data.cause out, or take the model 'logistic-hazard'",
        )


def _arranged(table: Table, model: CoxOptions | NetworkOptions) -> Table:
    """Return the table with the 30 nuclear features first where convolutions go over them."""
    if isinstance(model, CoxOptions) or model.body == "dense":
        return table
    absent = [name for name in _NUCLEAR if name not in table.feature_names]
    if absent and model.body == "conv1d":
        raise InvalidInput(
            f"Table '{table.name}' lacks {len(absent)} of the 30 nuclear features, such as {listed(absent, 3)}",
            'All of them for model.body = "conv1d"',
            'Write body = "dense"',
        )
    others = [name for name in table.feature_names if name not in _NUCLEAR]
    return table if absent else table.select([*_NUCLEAR, *others], exact=False)


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
