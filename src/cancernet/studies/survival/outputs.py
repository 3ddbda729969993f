"""`predictions.csv` of a study of survival, or of a test on other patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Table
from cancernet.predict import write_rows
from cancernet.survival import CauseForecast, Forecast, Outcome, time_name

__all__ = ["Tested", "write_cases"]


@dataclass(frozen=True, eq=False)
class Tested:
    """Test rows with what was predicted and what became of them.

    Parameters
    ----------
    table, rows
        Which rows of it were tested, (n,).
    every
        The outcome of these rows with all causes; its codes are written where the causes are predicted.
    forecast, causes, median, group
        What was said of them.
    place
        Further columns, such as fold and repeat.
    """

    table: Table
    rows: NDArray[np.int64]
    every: Outcome
    forecast: Forecast
    causes: Mapping[str, CauseForecast]
    median: NDArray[np.float64]
    group: NDArray[np.int64]
    place: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


def write_cases(path: Path, tested: Tested) -> None:
    """Write the test rows."""
    import pyarrow as pa

    table, rows, forecast = tested.table, tested.rows, tested.forecast
    median = np.ma.masked_invalid(tested.median)
    fields: dict[str, Any] = {
        "id": pa.array(table.ids[rows]),
        "group": pa.array(table.groups[rows]),
        "split": pa.array(np.full(len(rows), "test")),
        **tested.place,
        "time": forecast.outcome.time,
        "event": tested.every.cause if tested.causes else forecast.outcome.cause,
        "risk": forecast.risk,
        **_named("survival", forecast.times, forecast.survival),
    }
    for cause, one in tested.causes.items():
        fields |= _named(f"incidence_{cause}", one.times, one.shares)
    fields["median_time"] = pa.array(median.filled(0.0), mask=np.ma.getmaskarray(median))
    with write_rows(path, force=True) as writer:
        writer.write(pa.table(fields | {"risk_group": tested.group + 1}))


def _named(name: str, times: NDArray[np.float64], chances: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return a column for each time."""
    pairs = zip(times.tolist(), chances.T, strict=True)
    return {f"{name}_{time_name(time)}": np.ascontiguousarray(column) for time, column in pairs}
