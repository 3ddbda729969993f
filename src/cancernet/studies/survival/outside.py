"""A bundle of survival on other patients whose outcome is known: metrics, predictions and report as of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card, OutcomeColumns, Survival
from cancernet.checks import one_of
from cancernet.data import Table, read_table, require_groups
from cancernet.engine import Model
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.files import whole_folder
from cancernet.predict import fill_missing
from cancernet.studies.seen import refuse_seen
from cancernet.studies.survival.outputs import Tested, write_cases
from cancernet.studies.survival.words import calibration, comparison, logrank_words
from cancernet.survival import (
    UNITS,
    Answers,
    CauseForecast,
    Coding,
    Forecast,
    Measured,
    Outcome,
    SurvivalRecord,
    answer,
    grid_to,
    horizon_of,
    in_unit,
    kaplan_meier,
    logrank,
    make_outcome,
    write_survival_results,
)

__all__ = ["TimedOptions", "evaluate_survival"]

Floats = NDArray[np.float64]

_HERE = "kaplan-meier"


@dataclass(frozen=True)
class TimedOptions:
    """How patients are read and measured; see `EvaluateOptions`."""

    group: str | None = None
    id: str | None = None
    time: str | None = None
    event: str | None = None
    codes: Mapping[str, int] | None = None
    unit: str | None = None
    allow_leak: bool = False
    draws: int = 1000


@dataclass(frozen=True, eq=False)
class _Patients:
    """Rows with their outcome, and what the bundle says of them at the times of the card and over the grid."""

    table: Table
    every: Outcome
    outcome: Outcome
    times: Floats
    said: Answers
    grid: Floats
    curves: Answers


def evaluate_survival(
    model: Model, source: str | Path, *, out: Path, options: TimedOptions, force: bool = False
) -> SurvivalRecord:
    """Test a bundle of survival and leave `metrics.json`, `predictions.csv`, `report.html` and figures.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    source
        A file with the columns of the card, time and event.
    out
        The folder to make.
    options
        How to read and measure.
    force
        Replace an existing folder.

    Raises
    ------
    LeakingSplit
        When the model was trained on some of these patients and that is not allowed.
    InvalidInput
        When a column is missing, the outcome cannot be read, or too few patients are followed to measure anything.
    """
    card = model.card
    part = _part(card)
    columns = _columns(part, options)
    table, every = _read(Path(source), card, columns, options)
    seen = refuse_seen(card, table, card.training.seen_rows(table.values), allow=options.allow_leak)
    patients = _asked(model, table, every)
    record = _record(card, patients, seen=seen, options=options, runtime=model.runtime)
    with whole_folder(out, force=force) as folder:
        tested = Tested(
            table, np.arange(len(table)), every, record.forecast, record.causes, patients.said.median, record.group
        )
        write_cases(folder / "predictions.csv", tested)
        write_survival_results(folder, record)
    return record


def _part(card: Card) -> Survival:
    """Return the part of the card that says how logits become curves."""
    if card.survival is None:
        raise InvalidInput(f"'{card.name}' tells classes, not survival", "A bundle of survival")
    return card.survival


def _columns(part: Survival, options: TimedOptions) -> OutcomeColumns:
    """Return where the outcome stands: as in the training table, unless something else was said."""
    known = part.outcome or OutcomeColumns(time=options.time or "time", event=options.event or "event")
    changed = {name: value for name in ("time", "event", "codes") if (value := getattr(options, name)) is not None}
    return known.model_copy(update=changed)


def _read(path: Path, card: Card, columns: OutcomeColumns, options: TimedOptions) -> tuple[Table, Outcome]:
    """Return the patients and their outcome, in the unit of the card."""
    names, part = card.input.names, _part(card)
    read = read_table(
        path,
        target=columns.event,
        group=options.group,
        id=options.id,
        columns=(*names, columns.time),
        keep=(columns.time,),
    )
    require_groups(read)
    unit = part.unit if options.unit is None else one_of(options.unit, UNITS, "unit of time")
    coding = Coding(
        unit,  # type: ignore[arg-type]  # one of UNITS
        codes=columns.codes,
        causes=_causes(columns, read),
        zero="keep",
        time_column=columns.time,
        event_column=columns.event,
    )
    time = read.values[:, read.feature_names.index(columns.time)]
    outcome = make_outcome(time, np.asarray(read.target), coding=coding, ids=read.ids.tolist())
    return read.select(names, exact=False), in_unit(outcome, part.unit)


def _causes(columns: OutcomeColumns, table: Table) -> tuple[str, ...]:
    """Return the names of the causes; none where these patients have other ones than the training patients."""
    if columns.codes is not None:
        return columns.causes if max(columns.codes.values()) == len(columns.causes) else ()
    plain = set(np.asarray(table.target).tolist()) <= {"0", "1", "0.0", "1.0"}
    return () if plain and len(columns.causes) > 1 else columns.causes


def _asked(model: Model, table: Table, every: Outcome) -> _Patients:
    """Return what the bundle says, up to the end of its own follow-up."""
    part = _part(model.card)
    event = model.card.task.classes[-1]
    outcome = every.of_cause(event) if event in every.causes and not part.causes else every.of_any_cause()
    logits = model.run(fill_missing(model.card, table.values)).logits
    grid = grid_to(min(horizon_of(outcome), part.end))
    times = np.array([time for time in part.asked if time < outcome.follow_up] or [grid[-1] / 2])
    said, curves = (answer(part, logits, times=asked.tolist()) for asked in (times, grid))
    return _Patients(table, every, outcome, times, said, grid, curves)


def _forecast(patients: _Patients, survival: Floats, curves: Floats, risk: Floats) -> Forecast:
    """Return predictions beside the outcome."""
    table = patients.table
    strata = np.zeros(len(table), dtype=np.int64)
    return Forecast(patients.outcome, risk, patients.times, survival, patients.grid, curves, table.groups, strata)


def _flat(patients: _Patients) -> Forecast:
    """Return the Kaplan-Meier curve of these very patients as a forecast; past its end its last value."""
    curve, rows = kaplan_meier(patients.outcome), len(patients.table)
    inside = [np.minimum(asked, curve.times[-1]) for asked in (patients.times, patients.grid)]
    survival, curves = (np.tile(curve.at(asked), (rows, 1)) for asked in inside)
    return _forecast(patients, survival, curves, np.zeros(rows))


def _of_causes(card: Card, patients: _Patients) -> dict[str, CauseForecast]:
    """Return the forecasts of each cause; none where these patients know one event only."""
    causes, table = _part(card).causes, patients.table
    if not causes or patients.every.causes != causes:
        return {}
    strata = np.zeros(len(table), dtype=np.int64)
    return {
        cause: CauseForecast(
            patients.every,
            cause,
            patients.times,
            patients.said.incidence[:, :, place],
            patients.grid,
            patients.curves.incidence[:, :, place],
            table.groups,
            strata,
        )
        for place, cause in enumerate(causes)
    }


def _record(
    card: Card, patients: _Patients, *, seen: tuple[str, ...], options: TimedOptions, runtime: str
) -> SurvivalRecord:
    """Return everything that the report shows."""
    table, outcome, group = patients.table, patients.outcome, patients.said.group
    own = _forecast(patients, patients.said.survival, patients.curves.survival, patients.said.risk)
    causes = _of_causes(card, patients)
    mine, flat = (Measured(one, draws=options.draws) for one in (own, _flat(patients)))
    metrics: dict[str, Estimate] = dict(mine.estimates)
    for forecast in causes.values():
        metrics |= Measured(forecast, draws=options.draws).estimates
    test = logrank(outcome, group) if len(np.unique(group)) > 1 else None
    differences = {_HERE: mine.minus(flat)}
    told = tuple(calibration(outcome.unit, metrics, time) for time in patients.times.tolist())
    return SurvivalRecord(
        name=card.name,
        title=f"{card.name} on {table.name}",
        model=card.name,
        event=outcome.causes[0],
        forecast=own,
        group=group,
        first=np.arange(len(table)),
        metrics=metrics,
        facts=_facts(card, patients, runtime),
        statements=(
            *seen,
            *_follow_up(card, patients),
            *told,
            comparison(_HERE, differences[_HERE]),
            *(() if test is None else (logrank_words(test),)),
        ),
        logrank=test,
        baselines={_HERE: flat.estimates},
        differences=differences,
        competing=patients.every if len(patients.every.causes) > 1 else None,
        causes=causes,
        notes=_notes(patients),
        leak_sentences=seen,
        leak_audit={"what": "training data of the bundle", "sentences": list(seen)},
        limits=card.limits,
        licences=(("weights", card.weights_licence), ("data", table.licence or "not stated")),
        kind="evaluate",
    )


def _follow_up(card: Card, patients: _Patients) -> tuple[str, ...]:
    """Return what is said where these patients were followed for a shorter or longer time than those in training."""
    part, unit, latest = _part(card), patients.outcome.unit, patients.outcome.follow_up
    late = [f"{time:g}" for time in part.asked if time >= latest]
    shorter = f"Nothing is said of {', '.join(late)} {unit}: nobody here was followed beyond {latest:g} {unit}."
    longer = (
        f"These patients were followed up to {latest:g} {unit}, the training patients up to {part.end:g}: errors are "
        "averaged up to there, and no curve is extrapolated."
    )
    return ((shorter,) if late else ()) + ((longer,) if horizon_of(patients.outcome) > part.end else ())


def _notes(patients: _Patients) -> tuple[str, ...]:
    """Return sentences about the data."""
    missing = int(np.isnan(patients.table.values).sum())
    filled = "No value is missing." if not missing else f"{missing} missing values were filled as the card says."
    here = "The Kaplan-Meier curve beside the model is that of these very patients: it knows their outcomes."
    return (*patients.every.sentences(), filled, here)


def _facts(card: Card, patients: _Patients, runtime: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of label and value for the page."""
    table, outcome = patients.table, patients.outcome
    return (
        ("Bundle", f"{card.name}, trained on {card.data.name} ({card.training.rows} rows) on {card.training.date}"),
        ("Data", f"{table.name}: {len(table)} patients"),
        ("Event", f"{outcome.causes[0]}, {int(outcome.event.sum())} of {len(outcome)}"),
        ("Groups", f"{len(np.unique(table.groups))}, by {table.group_column}"),
        ("Split", "none: all patients are tested, nothing is fitted"),
        ("Horizon", f"{patients.grid[-1]:g} {outcome.unit}: errors are averaged up to it"),
        ("Engine", f"{runtime}, {card.engine.precision}"),
    )
